"""A stand-in for Microsoft Teams: the Bot Connector on one side, people on the other.

    async with FakeIdentity() as identity, FakeTeams(identity) as teams:
        teams.bot_url = "http://127.0.0.1:3978/api/messages"   # the bot under test
        channel = teams.channel("19:purchasing@thread.tacv2")  # hand it to the bot
        ...
        message = await teams.wait_for(lambda: teams.last(channel))
        reply = await teams.press(ANA, message, "Approve")     # like a person
        assert reply.card == ...
        await teams.wait_for(lambda: len(message.history) == 2)

It takes what the real one takes and refuses what it refuses: unknown conversations and messages,
missing tokens, text and card in one message, messages that are too large. `fail_next` makes it
behave badly for one request.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeVar
from urllib.parse import unquote

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from decisions.people import Channel, ChannelId, Person, TenantId
from tests.build import TENANT
from tests.fakes.activities import PURCHASING, Activities
from tests.fakes.entra import APP_ID, FakeIdentity
from tests.fakes.screens import CARD, Fault, Reply, Sent, Shown, actions, card_of

T = TypeVar("T")
LARGEST_MESSAGE = 100 * 1024
"""Bytes of UTF-16 (msteams-docs, "Format your bot messages")."""


class FakeTeams:
    """Teams, as one bot and a few people see it."""

    def __init__(
        self,
        identity: FakeIdentity | None = None,
        *,
        tenant: str = TENANT,
        app_id: str = APP_ID,
        bot_url: str = "",
        port: int | None = None,
    ):
        self.identity = identity
        self.tenant = tenant
        self.bot_id = f"28:{app_id}"
        self.bot_url = bot_url
        self._port = port
        self.screens: dict[str, Shown] = {}
        self.sent: list[Sent] = []
        self._faults: list[Fault] = []
        self._kicked: set[str] = set()
        self._ids = iter(range(1795215624308, 1795999999999))
        self._closing = asyncio.Event()

    async def __aenter__(self):
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_post("/teams/v3/conversations", self._start_conversation)
        app.router.add_post("/teams/v3/conversations/{conversation}/activities", self._send)
        app.router.add_put(
            "/teams/v3/conversations/{conversation}/activities/{activity}", self._edit
        )
        app.router.add_delete(
            "/teams/v3/conversations/{conversation}/activities/{activity}", self._remove
        )
        self._stack = AsyncExitStack()
        self._server = TestServer(app, port=self._port)
        await self._server.start_server()
        self._stack.push_async_callback(self._server.close)
        self._stack.callback(self._closing.set)
        self._people = await self._stack.enter_async_context(aiohttp.ClientSession())
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    @property
    def origin(self) -> str:
        """What the bot must allow as a service host."""
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def service_url(self) -> str:
        """The Bot Connector's address, as activities name it."""
        return f"{self.origin}/teams/"

    @property
    def activities(self) -> Activities:
        """Makes activities as this Teams sends them, to be changed and told."""
        return Activities(service_url=self.service_url, tenant=self.tenant, bot_id=self.bot_id)

    def channel(self, channel_id: str = PURCHASING, name: str = "Purchasing") -> Channel:
        """Return how the bot reaches a channel here."""
        return Channel(
            id=ChannelId(channel_id),
            tenant=TenantId(self.tenant),
            service_url=self.service_url,
            name=name,
            bot_id=self.bot_id,
        )

    def messages(self, channel: Channel | str = PURCHASING) -> list[Shown]:
        """Return the messages that stand in a channel, oldest first."""
        name = channel if isinstance(channel, str) else channel.id
        return [one for one in self.screens.values() if one.channel == name and not one.deleted]

    def cards(self, channel: Channel | str = PURCHASING) -> list[dict]:
        """Return the cards that everybody sees in a channel, oldest first."""
        return [one.card for one in self.messages(channel)]

    def last(self, channel: Channel | str = PURCHASING) -> Shown | None:
        """Return the newest message in a channel."""
        found = self.messages(channel)
        return found[-1] if found else None

    def find(self, text: str, channel: Channel | str = PURCHASING) -> Shown | None:
        """Return the newest message whose card says something."""
        return next((one for one in self.messages(channel)[::-1] if text in one.text), None)

    async def wait_for(self, true: Callable[[], T], *, within: float = 5.0) -> T:
        """Return the first value of `true()` that is true."""
        deadline = asyncio.get_running_loop().time() + within
        while not (found := true()):
            seen = [one.text for one in self.screens.values()]
            assert asyncio.get_running_loop().time() < deadline, (
                f"It did not happen in {within} s. On the screens: {seen}"
            )
            await asyncio.sleep(0.01)
        return found

    def fail_next(self, status: int = 0, *, times: int = 1, **how) -> None:
        """Answer the next request, or the next `times`, badly; see `Fault`."""
        self._faults += [Fault(status=status, **how)] * times

    def calm(self) -> None:
        """Behave well again."""
        self._faults.clear()

    def kick(self, channel: Channel | str) -> None:
        """Take the bot out of a channel without telling it."""
        self._kicked.add(channel if isinstance(channel, str) else channel.id)

    def readmit(self) -> None:
        """Let the bot post again wherever it was taken out."""
        self._kicked.clear()

    def delete(self, message: Shown) -> None:
        """Delete a message, as its owner may."""
        message.deleted = True

    async def press(self, person: Person, message: Shown, button: str, **inputs) -> Reply:
        """Press a button, by its title or verb, on the card as this person sees it."""
        found = actions(message.seen_by(person))
        action = next(
            (one for one in found if button in (one.get("title"), one.get("verb"))), None
        )
        assert action, f"No button {button!r}; there are {[one.get('title') for one in found]}"
        return await self.click(
            person, message, action["verb"], {**action.get("data", {}), **inputs}
        )

    async def click(
        self,
        person: Person,
        message: Shown | str,
        verb: str,
        data: dict | None = None,
        *,
        token: str | None = "",
        to: str = "",
        **overrides,
    ) -> Reply:
        """Send a click as Teams does; keywords replace parts of the activity.

        `trigger` is put where it belongs; `token` replaces the good one, None sends none; `to`
        is another replica of the bot.
        """
        shown = self.screens.get(message) if isinstance(message, str) else message
        activity = self.activities.invoke(person, shown or message, verb, data, **overrides)
        reply = await self.tell(activity, token=token, to=to)
        if shown and reply.status == 200 and reply.body["type"] == CARD:
            shown.private[person.id] = reply.body["value"]
        return reply

    async def message(self, person: Person, text: str, channel: str = PURCHASING) -> Reply:
        """Write to the bot: with a mention in a channel, without in a personal chat."""
        return await self.tell(
            self.activities.message(person, text, channel, str(next(self._ids)))
        )

    async def install(self, person: Person, channel: str = PURCHASING) -> list[Reply]:
        """Add the bot; Teams tells it twice."""
        return [
            await self.tell(one) for one in self.activities.installation(person, channel, "add")
        ]

    async def uninstall(self, person: Person, channel: str = PURCHASING) -> list[Reply]:
        """Take the bot away; Teams tells it twice."""
        self.kick(channel)
        return [
            await self.tell(one) for one in self.activities.installation(person, channel, "remove")
        ]

    async def tell(self, activity: dict, *, token: str | None = "", to: str = "") -> Reply:
        """Send an activity to the bot: signed, unless `token` says otherwise."""
        if token == "" and self.identity:
            token = self.identity.sign(service_url=activity.get("serviceUrl", ""))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{to}/api/messages" if to else self.bot_url
        async with self._people.post(url, json=activity, headers=headers) as response:
            body = await response.text()
            is_json = response.content_type == "application/json"
            return Reply(status=response.status, body=json.loads(body) if is_json else body)

    async def _start_conversation(self, request):
        async def do(body):
            channel = body["channelData"]["channel"]["id"]
            root = str(next(self._ids))
            shown = self._show(channel, f"{channel};messageid={root}", root, body["activity"])
            return web.json_response(
                {"id": shown.conversation_id, "activityId": shown.activity_id}, status=201
            )

        return await self._served(request, do)

    async def _send(self, request):
        async def do(body):
            conversation = unquote(request.match_info["conversation"])
            shown = self._show(
                conversation.split(";", 1)[0], conversation, str(next(self._ids)), body
            )
            return web.json_response({"id": shown.activity_id}, status=201)

        return await self._served(request, do)

    async def _edit(self, request):
        async def do(body):
            shown = self.screens.get(unquote(request.match_info["activity"]))
            conversation = unquote(request.match_info["conversation"])
            if shown is None or shown.deleted or shown.conversation_id != conversation:
                return _problem(404, "ActivityNotFoundInConversation")
            shown.history.append(card_of(body))
            shown.summaries.append(body.get("summary"))
            shown.private.clear()
            return web.json_response({"id": shown.activity_id})

        return await self._served(request, do)

    async def _remove(self, request):
        async def do(_):
            shown = self.screens.get(unquote(request.match_info["activity"]))
            if shown is None or shown.deleted:
                return _problem(404, "ActivityNotFoundInConversation")
            shown.deleted = True
            return web.json_response({})

        return await self._served(request, do)

    def _show(self, channel: str, conversation: str, activity_id: str, body: dict) -> Shown:
        alert = body.get("channelData", {}).get("notification", {}).get("alert", False)
        self.screens[activity_id] = shown = Shown(
            channel=channel,
            conversation_id=conversation,
            activity_id=activity_id,
            history=[card_of(body)],
            summaries=[body.get("summary")],
            alert=alert,
        )
        return shown

    async def _served(self, request, do):
        body = await request.json() if request.can_read_body else None
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or None
        self.sent.append(
            Sent(method=request.method, path=request.raw_path, body=body, token=token)
        )
        fault = self._fault(request.method)
        await asyncio.sleep(fault.delay)
        if fault.hang:
            await self._closing.wait()
        if fault.until and not fault.after_doing:
            await fault.until.wait()
        early = None if fault.after_doing else _bad(fault, request)
        if early is not None:
            return early
        refused = self._refused(request, body, token)
        if refused is not None:
            return refused
        answer = await do(body)
        if fault.until and fault.after_doing:
            await fault.until.wait()
        return _bad(fault, request) or answer

    def _fault(self, method: str) -> Fault:
        for fault in self._faults:
            if fault.method in (None, method):
                self._faults.remove(fault)
                return fault
        return Fault()

    def _refused(self, request, body, token) -> web.Response | None:
        activity = body.get("activity", body) if body else None
        conversation = (
            unquote(request.match_info.get("conversation", ""))
            or (body["channelData"]["channel"]["id"])
        )
        if self.identity and not (token and self.identity.has_issued(token)):
            return _problem(401, "Unauthorized")
        if conversation.split(";", 1)[0] in self._kicked:
            return _problem(403, "BotNotInConversationRoster")
        if activity is None:
            return None
        if "text" in activity or len(activity.get("attachments", [])) != 1:
            return _problem(400, "OneCardAndNothingElse")
        if len(json.dumps(activity, ensure_ascii=False).encode("utf-16-le")) > LARGEST_MESSAGE:
            return _problem(413, "MessageSizeTooBig")
        return None


def _problem(status: int, code: str, retry_after: str | None = None) -> web.Response:
    headers = {"Retry-After": retry_after} if retry_after else {}
    body = {"error": {"code": code, "message": f"{code}, said the Bot Connector."}}
    return web.json_response(body, status=status, headers=headers)


def _bad(fault: Fault, request) -> web.Response | None:
    if fault.drop:
        request.transport.abort()
        return web.Response()
    return _problem(fault.status, fault.code, fault.retry_after) if fault.status else None
