"""A little Bot Connector on this machine: it takes what the bot sends, and sends it clicks.

The interface is the Bot Connector's REST API (Microsoft, "REST API reference - Bot Framework
Service"), as far as the bot uses it, with the answers that Teams and the Playground give.
"""

import itertools
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import aiohttp
from aiohttp import web

from bot.demo.card import Button
from bot.demo.cast import BOT, CHANNELS, GENERAL, TEAM, TEAM_GROUP, TENANT, Member
from bot.ports import CardJson, Clock
from decisions.errors import CountersignError
from decisions.people import ChannelId

CARD: Final = "application/vnd.microsoft.card.adaptive"
_LARGEST: Final = 1024 * 1024
_PATIENCE: Final = aiohttp.ClientTimeout(total=15)
"""Teams gives an invoke 10 to 15 s (msteams-docs #6461)."""


class NoAnswerError(CountersignError):
    """The bot did not answer a click."""

    def __init__(self, why: str) -> None:
        """Say what the person may do."""
        super().__init__(f"The bot did not answer ({why}). Press again; it never counts twice.")


@dataclass(slots=True, kw_only=True)
class Message:
    """One message of the bot, as it looks now."""

    id: str
    conversation: str
    card: CardJson
    summary: str
    at: datetime
    edits: int = 0

    @property
    def channel(self) -> ChannelId:
        """Return the channel that it stands in."""
        return ChannelId(self.conversation.split(";", 1)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message came, or was repainted."""

    message: Message
    is_new: bool


@dataclass(slots=True)
class Wall:
    """What stands in the channels; tells whenever something came or was repainted."""

    tell: Callable[[Arrival], None]
    messages: dict[str, Message] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a click was answered with: another card, or a sentence."""

    card: CardJson | None = None
    text: str = ""


@asynccontextmanager
async def connector(
    tell: Callable[[Arrival], None], *, port: int, now: Clock
) -> AsyncIterator[Wall]:
    """Take what the bot sends, on loopback, until the block ends."""
    wall = Wall(tell)
    ids = itertools.count(int(now().timestamp() * 1000))
    app = web.Application(client_max_size=_LARGEST)
    app.add_routes(_routes(wall, now, ids))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield wall
    finally:
        await runner.cleanup()


def _routes(wall: Wall, now: Clock, ids: "itertools.count[int]") -> list[web.RouteDef]:
    def posted(activity: object, *, channel: str = "", thread: str = "") -> Message:
        card, summary = _card(activity)
        number = str(next(ids))
        message = Message(
            id=number,
            conversation=thread or f"{channel};messageid={number}",
            card=card,
            summary=summary,
            at=now(),
        )
        wall.messages[number] = message
        wall.tell(Arrival(message=message, is_new=True))
        return message

    async def create(request: web.Request) -> web.Response:
        body = await request.json()
        channel = ChannelId(body["channelData"]["channel"]["id"])
        if channel not in CHANNELS:
            return _problem(404, "ConversationNotFound", "There is no such channel.")
        message = posted(body["activity"], channel=channel)
        return web.json_response(
            {"id": message.conversation, "activityId": message.id}, status=201
        )

    async def send(request: web.Request) -> web.Response:
        message = posted(await request.json(), thread=request.match_info["conversation"])
        return web.json_response({"id": message.id}, status=201)

    async def update(request: web.Request) -> web.Response:
        message = wall.messages.get(request.match_info["activity"])
        if message is None:
            return _problem(404, "ActivityNotFoundInConversation", "There is no such message.")
        message.card, message.summary = _card(await request.json())
        message.edits += 1
        wall.tell(Arrival(message=message, is_new=False))
        return web.json_response({"id": message.id})

    async def remove(request: web.Request) -> web.Response:
        if wall.messages.pop(request.match_info["activity"], None) is None:
            return _problem(404, "ActivityNotFoundInConversation", "There is no such message.")
        return web.Response()

    base = "/_connector/v3/conversations"
    return [
        web.post(base, create),
        web.post(base + "/{conversation}/activities", send),
        web.put(base + "/{conversation}/activities/{activity}", update),
        web.delete(base + "/{conversation}/activities/{activity}", remove),
    ]


def _problem(status: int, code: str, text: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": text}}, status=status)


def _card(activity: object) -> tuple[CardJson, str]:
    match activity:
        case {"attachments": [{"content": dict(card)}, *_], **rest}:
            return card, str(rest.get("summary", ""))
        case {"text": str(text)}:
            return {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}]}, text
        case _:
            raise web.HTTPBadRequest(text="A message has an attachment or a text.")


class Speaker:
    """Presses buttons and writes messages in somebody's name, as a Teams client would."""

    def __init__(
        self, session: aiohttp.ClientSession, *, bot_url: str, service_url: str, now: Clock
    ) -> None:
        """Send to this bot; `service_url` is where the wall is reached."""
        self._session = session
        self._endpoint = f"{bot_url}/api/messages"
        self._service_url = service_url
        self._now = now

    async def press(
        self, button: Button, *, on: Message, by: Member, typed: Mapping[str, str]
    ) -> Answer:
        """Send a click with what was typed, and return the answer that only this person sees.

        Raises:
            NoAnswerError: there was none.
        """
        invoke = self._activity(by, on.conversation) | {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "replyToId": on.id,
            "value": {"action": _action(button, typed), "trigger": "manual"},
        }
        try:
            return _answer(json.loads(await self._send(invoke)))
        except ValueError as error:
            raise NoAnswerError(type(error).__name__) from error

    async def write(self, words: str, *, by: Member, channel: ChannelId) -> None:
        """Write a message to the bot in a channel; its answer comes as a message of its own.

        Raises:
            NoAnswerError: it was not taken.
        """
        await self._send(self._activity(by, channel) | {"type": "message", "text": words})

    async def _send(self, activity: Mapping[str, object]) -> bytes:
        try:
            async with self._session.post(
                self._endpoint, json=activity, timeout=_PATIENCE
            ) as answer:
                if not answer.ok:
                    raise NoAnswerError(f"HTTP {answer.status}")
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswerError(type(error).__name__) from error

    def _activity(self, by: Member, conversation: str) -> dict[str, object]:
        channel = conversation.split(";", 1)[0]
        return {
            "id": f"f:{uuid.uuid4()}",
            "timestamp": self._now().isoformat(),
            "channelId": "msteams",
            "serviceUrl": self._service_url,
            "from": {"id": by.id, "name": by.name, "aadObjectId": by.object_id},
            "recipient": {"id": BOT, "name": "Countersign"},
            "conversation": {
                "id": conversation,
                "isGroup": True,
                "conversationType": "channel",
                "tenantId": TENANT,
            },
            "channelData": {
                "tenant": {"id": TENANT},
                "team": {"id": GENERAL, "name": TEAM, "aadGroupId": TEAM_GROUP},
                "channel": {"id": channel},
            },
            "locale": "en-US",
        }


def _action(button: Button, typed: Mapping[str, str]) -> dict[str, object]:
    """Return the action that Microsoft's "Universal Action Model" describes."""
    action: dict[str, object] = {
        "type": "Action.Execute",
        "title": button.title,
        "verb": button.verb,
        "data": dict(button.data) | dict(typed),
    }
    return action | {"id": button.id} if button.id else action


def _answer(body: object) -> Answer:
    match body:
        case {"type": str(kind), "value": dict(card)} if kind == CARD:
            return Answer(card=card)
        case {"value": str(text)}:
            return Answer(text=text)
        case {"value": {"message": str(text)}}:
            return Answer(text=text)
        case _:
            raise NoAnswerError("it said nothing that can be shown")
