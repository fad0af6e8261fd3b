"""From the JSON of a verified invoke to a click, or to what is missing in it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from bot.teams.wire import at, guid_at, id_at, is_storable, text_at
from bot.workflow.click import Click
from decisions.errors import CountersignError
from decisions.people import PersonId, TenantId

MANUAL: Final = "manual"
"""The trigger of a person; a client that refreshes a card by itself says `automatic`."""

_LONGEST_NAME: Final = 256
_LARGEST_NUMBER: Final = 2**53 - 1
"""What JSON holds exactly (RFC 8259, section 6), and canonical JSON at all (RFC 8785, 3.2.2.3)."""

_DEEPEST: Final = 4


class UnreadableClickError(CountersignError):
    """A click that lacks something, or carries what no card of ours sends."""

    def __init__(self, what: str) -> None:
        """Name it, and say what to do."""
        self.what = what
        super().__init__(
            f"This click could not be read: {what}. Nothing was decided. "
            "Open the card again and click there."
        )


def read_click(activity: Mapping[str, object]) -> Click:
    """Read the click out of an `adaptiveCard/action` invoke.

    The contract: Microsoft, "Universal Action Model", "adaptiveCard/action invoke activity".

    Raises:
        UnreadableClickError: says what is missing or wrong.
    """
    action = at(activity, "value", "action")
    if text_at(action, "type") != "Action.Execute":
        raise UnreadableClickError("it is not an Action.Execute")
    person = PersonId(_needed(guid_at(activity, "from", "aadObjectId"), "who clicked"))
    return Click(
        person=person,
        person_name=name_of(activity) or person,
        tenant=TenantId(_needed(tenant_of(activity), "the tenant")),
        verb=_needed(id_at(action, "verb"), "the button"),
        trigger=_trigger(at(activity, "value", "trigger")),
        data=_data(at(action, "data")),
        conversation_id=_needed(id_at(activity, "conversation", "id"), "the conversation"),
        activity_id=_needed(id_at(activity, "replyToId"), "the card that was clicked"),
        invoke_id=_needed(id_at(activity, "id"), "the id of the click"),
        service_url=_needed(id_at(activity, "serviceUrl"), "the service URL"),
        locale=id_at(activity, "locale"),
        sent_at=_moment(text_at(activity, "timestamp")),
    )


def name_of(activity: Mapping[str, object]) -> str:
    """Return the name of the sender, for reading only; empty where Teams gave none."""
    return " ".join((text_at(activity, "from", "name") or "").split())[:_LONGEST_NAME]


def tenant_of(activity: Mapping[str, object]) -> str | None:
    """Return the tenant of an activity whose two mentions of it were found to agree."""
    return guid_at(activity, "conversation", "tenantId") or guid_at(
        activity, "channelData", "tenant", "id"
    )


def _needed(found: str | None, what: str) -> str:
    if found is None:
        raise UnreadableClickError(f"{what} is missing")
    return found


def _trigger(found: object) -> str:
    """Return what set the click off; only the documented word, or none, is a person."""
    if found is None:
        return MANUAL
    if not isinstance(found, str) or not is_storable(found):
        raise UnreadableClickError("what set it off is not a word")
    return found


def _data(found: object) -> Mapping[str, object]:
    if found is None:
        return MappingProxyType({})
    if not isinstance(found, dict) or not _is_plain(found, _DEEPEST):
        raise UnreadableClickError("it carries data that no card of ours sends")
    return MappingProxyType(found)


def _is_plain(value: object, depth: int) -> bool:
    """Tell whether a JSON value can be kept, compared and hashed without surprises."""
    if isinstance(value, str):
        return is_storable(value)
    if isinstance(value, int | float):
        return -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(one, depth - 1) for one in value)
    if isinstance(value, dict):
        return depth > 0 and all(
            is_storable(name) and _is_plain(one, depth - 1) for name, one in value.items()
        )
    return value is None


def _moment(text: str | None) -> datetime | None:
    """Return when Teams says it was sent; for reading only, so a bad one is no refusal."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
