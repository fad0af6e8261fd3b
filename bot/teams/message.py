"""From the JSON of a verified activity to a message, or to the channels it tells about."""

from collections.abc import Mapping
from html import unescape
from typing import Final

from bot.teams.click import name_of, tenant_of
from bot.teams.wire import at, guid_at, id_at, text_at
from bot.workflow.message import Message
from decisions.errors import CountersignError
from decisions.people import Channel, ChannelId, PersonId, TenantId

_LONGEST_TEXT: Final = 4000


class UnreadableActivityError(CountersignError):
    """A message or an event that lacks something, such as one that no person sent."""

    def __init__(self, what: str) -> None:
        """Name it."""
        self.what = what
        super().__init__(f"An activity of Teams could not be read: {what} is missing.")


def read_message(activity: Mapping[str, object]) -> Message:
    """Read what somebody wrote to the bot.

    Raises:
        UnreadableActivityError: says what is missing.
    """
    person = PersonId(_needed(guid_at(activity, "from", "aadObjectId"), "the person"))
    conversation = _needed(id_at(activity, "conversation", "id"), "the conversation")
    channel = channel_of(activity, ChannelId(without_thread(conversation)))
    return Message(
        person=person,
        person_name=name_of(activity) or person,
        tenant=channel.tenant,
        text=_without_mention(activity),
        channel=channel,
        conversation_id=conversation,
        activity_id=_needed(id_at(activity, "id"), "the id"),
        service_url=channel.service_url,
        locale=id_at(activity, "locale"),
    )


def read_channel(activity: Mapping[str, object]) -> Channel:
    """Read which channel or chat an event is about.

    A team is reached through the channel that was picked when the bot was installed, which is
    General (its id is the team's) unless somebody picked another one.

    Raises:
        UnreadableActivityError: says what is missing.
    """
    found = (
        id_at(activity, "channelData", "channel", "id")
        or id_at(activity, "channelData", "settings", "selectedChannel", "id")
        or id_at(activity, "channelData", "team", "id")
        or id_at(activity, "conversation", "id")
    )
    return channel_of(activity, ChannelId(without_thread(_needed(found, "the channel"))))


def channels_left(activity: Mapping[str, object]) -> tuple[ChannelId, ...]:
    """Return the channels that the bot is no longer in, as far as the event names them.

    Raises:
        UnreadableActivityError: it names none.
    """
    team = id_at(activity, "channelData", "team", "id")
    named = dict.fromkeys(
        [read_channel(activity).id, *([ChannelId(without_thread(team))] if team else [])]
    )
    return tuple(named)


def channel_of(activity: Mapping[str, object], channel: ChannelId) -> Channel:
    """Return how to reach a channel that an activity came from.

    Raises:
        UnreadableActivityError: says what is missing.
    """
    return Channel(
        id=channel,
        tenant=TenantId(_needed(tenant_of(activity), "the tenant")),
        service_url=_needed(id_at(activity, "serviceUrl"), "the service URL"),
        name=_name(activity),
        bot_id=_needed(id_at(activity, "recipient", "id"), "the bot"),
    )


def is_about_the_bot(activity: Mapping[str, object], members: str) -> bool:
    """Tell whether the bot is among `membersAdded` or `membersRemoved`."""
    bot = id_at(activity, "recipient", "id")
    named = activity.get(members)
    return bot is not None and any(
        id_at(member, "id") == bot for member in (named if isinstance(named, list) else [])
    )


def without_thread(conversation_id: str) -> str:
    """Return the channel of a conversation: its id without `;messageid=<root>`."""
    return conversation_id.split(";", 1)[0]


def _name(activity: Mapping[str, object]) -> str:
    data = activity.get("channelData")
    return (
        text_at(data, "channel", "name")
        or text_at(data, "settings", "selectedChannel", "name")
        or text_at(activity, "conversation", "name")
        or text_at(data, "team", "name")
        or ""
    )


def _without_mention(activity: Mapping[str, object]) -> str:
    """Return the text without the words that call the bot.

    Teams puts each mention into the text as it puts it into `entities`; botbuilder removes it
    with that text as a regular expression, which a name like `C++ (test)` breaks. Text of Teams
    carries HTML escapes, `&nbsp;` after a mention among them.
    """
    text = text_at(activity, "text") or ""
    bot = id_at(activity, "recipient", "id")
    entities = activity.get("entities")
    for entity in entities if isinstance(entities, list) else []:
        called = text_at(entity, "text")
        if called and at(entity, "type") == "mention" and id_at(entity, "mentioned", "id") == bot:
            text = text.replace(called, " ")
    return " ".join(unescape(text).split())[:_LONGEST_TEXT]


def _needed(found: str | None, what: str) -> str:
    if found is None:
        raise UnreadableActivityError(what)
    return found
