"""What stands between a connector and Tryton, and goes wrong when it is told to."""

import asyncio
from collections import Counter, defaultdict

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.erp.tryton.plant import DATABASE

PAGE = "<html><body>Something went wrong.</body></html>"
PAGES = {"gateway timeout": 504, "gateway page": 200}
"""What a gateway says when Tryton has done it."""

NOT_TAKEN_IN = {
    "busy": (429, {"Retry-After": "7"}),
    "unavailable": (503, {}),
    "session over": (401, {}),
}

STRANGE = {
    "broken": {"id": 1, "error": ["database is locked", ""]},
    "no such model": {"id": 1, "error": ["'production'", ""]},
    "from elsewhere": {"status": "ok"},
}

LATE = 2.0
"""Seconds that a slow call is held back."""


class FaultyWay:
    """A reverse proxy that hands every call on, but for those that were given a trouble."""

    def __init__(self, url, sessions):
        """Take Tryton's address, and sessions that it gave before, by user and password."""
        self._to = url
        self.sessions = dict(sessions)
        self._next = defaultdict(list)
        self.down = False
        self._arrived = defaultdict(asyncio.Event)
        self.calls = Counter()

    async def __aenter__(self):
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_post("/{path:.*}", self._handed_on)
        self._server = TestServer(app)
        await self._server.start_server()
        self.url = f"http://127.0.0.1:{self._server.port}"
        return self

    async def __aexit__(self, *_):
        await self.stop()
        await self._session.close()

    async def stop(self):
        """Let nobody listen any more."""
        await self._server.close()

    def next(self, method, trouble, times=1):
        """Give the next calls of a method a trouble."""
        self._next[method] += [trouble] * times

    async def reached(self, method):
        """Wait until a call of a method has come as far as here."""
        await self._arrived[method].wait()

    async def _handed_on(self, request):
        body = await request.read()
        asked = msgspec.json.decode(body)
        method = asked["method"]
        trouble = self._next[method].pop(0) if self._next[method] else ""
        early = self._answered_here(request, asked, trouble)
        if early is not None:
            return early
        self._arrived[method].set()
        self.calls[method] += 1
        # Whoever asked may be gone by now; Tryton would go on, so this does.
        answer = await asyncio.shield(
            self._from_tryton(request, body, after=LATE if trouble == "slow" else 0.0)
        )
        if trouble == "lost answer":
            return _cut(request)
        if trouble in PAGES:
            return web.Response(status=PAGES[trouble], text=PAGE, content_type="text/html")
        return answer

    def _answered_here(self, request, asked, trouble):
        """Return the answer to a call that does not get as far as Tryton."""
        if self.down or trouble == "reset":
            return _cut(request)
        if trouble in STRANGE:
            return web.json_response(STRANGE[trouble])
        if trouble in NOT_TAKEN_IN:
            status, headers = NOT_TAKEN_IN[trouble]
            return web.Response(status=status, headers=headers)
        given = self._session_for(request, asked)
        return web.json_response({"id": 1, "result": given}) if given else None

    def _session_for(self, request, asked):
        """Return a session that Tryton gave before to whoever logs in here; None otherwise."""
        if asked["method"] != "common.db.login" or not request.path.startswith(f"/{DATABASE}/"):
            return None
        user, given, _ = asked["params"]
        return self.sessions.get((user, given["password"]))

    async def _from_tryton(self, request, body, *, after):
        await asyncio.sleep(after)
        kept = {
            name: request.headers[name]
            for name in ("Content-Type", "Accept", "Authorization")
            if name in request.headers
        }
        async with self._session.post(
            self._to + request.raw_path, data=body, headers=kept
        ) as answer:
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                headers={"Content-Type": answer.headers.get("Content-Type", "")},
            )


def _cut(request):
    request.transport.abort()
    return web.Response()
