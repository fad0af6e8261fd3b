"""What Teams tells the bot, handed to the workflow."""

import logging
from collections.abc import Mapping
from typing import Final, Protocol, cast

from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.core.teams import TeamsActivityHandler

from bot.ports import CardJson
from bot.teams.click import MANUAL, read_click
from bot.teams.message import (
    UnreadableActivityError,
    channels_left,
    is_about_the_bot,
    read_channel,
    read_message,
)
from bot.teams.wire import at, card_answer, message_answer, task_answer
from bot.workflow.click import Click
from bot.workflow.message import Message
from decisions.errors import CountersignError
from decisions.people import Channel, ChannelId, TenantId

RECEIVED: Final = "countersign.received"
"""Where a turn carries the activity as it came in, before botbuilder read it."""

_NOT_KNOWN: Final = (
    "Countersign does not know this action, and nothing was decided. "
    "Use the buttons on the card, or write `help` to the bot."
)
_APPEARED: Final = frozenset({"channelCreated", "channelRestored", "channelRenamed"})
_VANISHED: Final = frozenset({"channelDeleted", "teamDeleted", "teamHardDeleted", "teamArchived"})
_LOG: Final = logging.getLogger(__name__)


class Workflow(Protocol):
    """What the surface hands over; every method may be called twice for the same event."""

    async def click(self, click: Click) -> CardJson:
        """Answer a person's click with the card that this person should see now."""
        ...

    async def look(self, click: Click) -> CardJson:
        """Answer a client that asks by itself how things stand; decides nothing."""
        ...

    async def command(self, message: Message) -> None:
        """Take a message to the bot; the answer goes out through the outbox."""
        ...

    async def installed(self, channel: Channel) -> None:
        """Remember that the bot can be reached in a channel or chat, and how."""
        ...

    async def removed(self, channel: ChannelId, tenant: TenantId) -> None:
        """Remember that the bot can no longer post in a channel or chat."""
        ...


class Surface(TeamsActivityHandler):
    """Translates what happens in Teams into calls of the workflow.

    Clicks come straight from the edge; everything else comes in a turn of botbuilder.
    """

    def __init__(self, workflow: Workflow) -> None:
        """Speak to this workflow."""
        super().__init__()
        self._workflow = workflow

    async def click(self, activity: Mapping[str, object]) -> Mapping[str, object]:
        """Answer an `adaptiveCard/action` invoke; a refusal is an answer too."""
        try:
            click = read_click(activity)
            asked = self._workflow.click if click.trigger == MANUAL else self._workflow.look
            return card_answer(await asked(click))
        except CountersignError as problem:
            _LOG.info("A click was answered with a sentence: %s", problem)
            return message_answer(str(problem))

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        """Answer an invoke that no card of ours sends."""
        name = at(_received(turn_context), "name")
        _LOG.info("An invoke of a kind that is not ours: %r", name)
        asks_for_dialog = isinstance(name, str) and name.startswith("task/")
        body = task_answer(_NOT_KNOWN) if asks_for_dialog else message_answer(_NOT_KNOWN)
        return InvokeResponse(status=200, body=body)

    async def on_message_activity(self, turn_context: TurnContext) -> None:
        """Hand over what somebody wrote."""
        try:
            message = read_message(_received(turn_context))
        except UnreadableActivityError as problem:
            _LOG.info("%s", problem)
            return
        await self._workflow.command(message)

    async def on_installation_update(self, turn_context: TurnContext) -> None:
        """Hand over that the bot was added or taken away."""
        activity = _received(turn_context)
        action = activity.get("action")
        if action in ("add", "add-upgrade"):
            await self._appeared(activity)
        elif action == "remove":
            await self._vanished(activity)

    async def on_conversation_update_activity(self, turn_context: TurnContext) -> None:
        """Hand over that the bot, or a channel it is in, came or went."""
        activity = _received(turn_context)
        event = at(activity, "channelData", "eventType")
        if is_about_the_bot(activity, "membersAdded") or event in _APPEARED:
            await self._appeared(activity)
        elif is_about_the_bot(activity, "membersRemoved") or event in _VANISHED:
            await self._vanished(activity)

    async def _appeared(self, activity: Mapping[str, object]) -> None:
        try:
            channel = read_channel(activity)
        except UnreadableActivityError as problem:
            _LOG.warning("%s", problem)
            return
        await self._workflow.installed(channel)

    async def _vanished(self, activity: Mapping[str, object]) -> None:
        try:
            tenant = read_channel(activity).tenant
            gone = channels_left(activity)
        except UnreadableActivityError as problem:
            _LOG.warning("%s", problem)
            return
        for channel in gone:
            await self._workflow.removed(channel, tenant)


def _received(turn_context: TurnContext) -> Mapping[str, object]:
    return cast("Mapping[str, object]", turn_context.turn_state[RECEIVED])
