"""A message to the bot, as the workflow sees it."""

from dataclasses import dataclass

from decisions.people import Channel, PersonId, TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Somebody mentioned the bot, or wrote to it in a personal chat."""

    person: PersonId
    person_name: str
    """For reading only; the object id where Teams gave no name."""

    tenant: TenantId
    text: str
    """What was written, without the mention of the bot and on one line; may be empty."""

    channel: Channel
    """Where it was written: a channel, a group chat or a personal chat."""

    conversation_id: str
    """With `;messageid=<root>` in a channel: answers that go there stay in the thread."""

    activity_id: str
    service_url: str
    locale: str | None
