"""Microsoft Graph with one mailbox, over real HTTP: sends, keeps the sent items, hands out tokens.

::

    async with FakeGraph("purchasing@plant.example") as graph:
        ...
        assert graph.sent[0]["subject"] == "About order PO-1"
"""

import asyncio
import re
from uuid import uuid4

from aiohttp import web
from aiohttp.test_utils import TestServer

_FILTER = re.compile(
    r"singleValueExtendedProperties/Any\(ep: ep/id eq '([^']+)' and ep/value eq '([^']+)'\)"
)


class FakeGraph:
    """One mailbox and one application that may use it."""

    def __init__(self, mailbox, *, app_id="mail-app", secret="mail-secret"):  # noqa: S107  no secret: a fake
        self.mailbox = mailbox
        self.app_id = app_id
        self.secret = secret
        self.sent: list[dict] = []
        """What stands in the sent items, as it was handed in."""
        self.requests: list[tuple[str, str]] = []
        self.answers: list[tuple[int, dict]] = []
        """Statuses and headers to answer the next sendMail with, instead of sending."""
        self.lose_answer = False
        """Whether the next mail is sent and the connection then lost."""
        self.late_looks = 0
        """How often the sent items are read before a copy shows up."""
        self.down = False
        self.edit = None
        """What happens to a message on its way into the sent items."""

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_post("/v1.0/users/{mailbox}/sendMail", self._send)
        app.router.add_get("/v1.0/users/{mailbox}/mailFolders/sentitems/messages", self._list)
        self._tokens: set[str] = set()
        self._server = TestServer(app)
        await self._server.start_server()
        return self

    async def __aexit__(self, *_):
        await self._server.close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.port}"

    def posts(self):
        return [path for method, path in self.requests if method == "POST"]

    async def _token(self, request):
        form = await request.post()
        if (form.get("client_id"), form.get("client_secret")) != (self.app_id, self.secret):
            return web.json_response({"error": "invalid_client"}, status=401)
        token = uuid4().hex
        self._tokens.add(token)
        return web.json_response({"access_token": token, "expires_in": 3600})

    def _refused(self, request):
        self.requests.append((request.method, request.path))
        if self.down:
            return web.Response(status=503)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            return _error(401, "InvalidAuthenticationToken")
        if request.match_info["mailbox"] != self.mailbox:
            return _error(404, "ErrorInvalidUser")
        return None

    async def _send(self, request):
        refused = self._refused(request)
        if refused is not None:
            return refused
        if self.answers:
            status, headers = self.answers.pop(0)
            return _error(status, "ErrorAccessDenied", headers)
        body = await request.json()
        assert body["saveToSentItems"] is True
        message = dict(body["message"])
        if self.edit is not None:
            message = self.edit(message)
        self.sent.append(message)
        if self.lose_answer:
            self.lose_answer = False
            request.transport.abort()
            await asyncio.sleep(0)
        return web.Response(status=202)

    async def _list(self, request):
        refused = self._refused(request)
        if refused is not None:
            return refused
        found = _FILTER.fullmatch(request.query["$filter"])
        assert found, request.query["$filter"]
        if self.late_looks:
            self.late_looks -= 1
            return web.json_response({"value": []})
        wanted = {"id": found[1], "value": found[2]}
        chosen = request.query["$select"].split(",")
        return web.json_response(
            {
                "value": [
                    {
                        name: value
                        for name, value in (message | _own(message)).items()
                        if name in chosen
                    }
                    for message in self.sent
                    if wanted in message["singleValueExtendedProperties"]
                ]
            }
        )


def _own(message):
    """Return what Exchange makes of a message: an id, and line ends as it likes them."""
    text = message["body"]["content"].replace("\n", "\r\n") + "\r\n"
    return {"id": "AAMk=", "body": {"contentType": "text", "content": text}}


def _error(status, code, headers=None):
    return web.json_response(
        {"error": {"code": code, "message": "Access is denied."}}, status=status, headers=headers
    )
