"""A click on a card, as the workflow sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from decisions.people import PersonId, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """Somebody pressed a button on a card, or a client asked for the card by itself.

    Only `person`, `tenant`, `trigger` and the ids come from Teams. `verb` and `data` are an echo
    of the card with what was typed into it: the client sends them, so they are not to be trusted.
    """

    person: PersonId
    person_name: str
    """For reading only; the object id where Teams gave no name."""

    tenant: TenantId
    verb: str
    trigger: str
    """`manual` when a person pressed; anything else never decides."""

    data: Mapping[str, object]
    """JSON values: text, whole numbers JSON can hold exactly, and small lists and mappings."""

    conversation_id: str
    """With `;messageid=<root>` where the card stands in a channel."""

    activity_id: str
    """The message that carries the card."""

    invoke_id: str
    """The click itself; a redelivery may carry another one (botbuilder-dotnet #5005)."""

    service_url: str
    locale: str | None
    sent_at: datetime | None
