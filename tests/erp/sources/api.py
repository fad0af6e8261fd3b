"""A small API over real HTTP that answers as a test says, and remembers what it was asked."""

import json
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(kw_only=True)
class Said:
    """One answer."""

    body: object = ""
    status: int = 200
    headers: dict = field(default_factory=dict)


class Api:
    """Answers each path with its answers in turn, and then with the last one again."""

    def __init__(self):
        """Listen on nothing yet."""
        self.answers = {}
        self.asked = []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._server = TestServer(app)

    async def __aenter__(self):
        """Listen."""
        await self._server.start_server()
        return self

    async def __aexit__(self, *_):
        """Stop listening."""
        await self._server.close()

    @property
    def url(self):
        """Where it listens."""
        return str(self._server.make_url("/api/"))

    def says(self, path, *answers):
        """Answer a path; anything that is no `Said` is a JSON body."""
        self.answers[f"/api/{path}"] = [
            one if isinstance(one, Said) else Said(body=one) for one in answers
        ]

    async def _answer(self, request):
        self.asked.append(request)
        answers = self.answers.get(request.path, [Said(status=404)])
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        body = said.body if isinstance(said.body, str | bytes) else json.dumps(said.body)
        body = body.encode() if isinstance(body, str) else body
        return web.Response(
            body=body,
            status=said.status,
            headers={"Content-Type": "application/json"} | said.headers,
        )
