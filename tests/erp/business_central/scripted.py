"""A server on loopback that answers with what a test wrote down, and keeps what it was asked."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict
    body: str


@dataclass(slots=True)
class Scripted:
    """Answers in order; the last one again and again."""

    answers: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    url: str = ""

    async def answer(self, request):
        """Keep the request and give the next answer."""
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                query=request.query_string,
                headers=dict(request.headers),
                body=await request.text(),
            )
        )
        step = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await step(request) if callable(step) else step.clone()


@dataclass(frozen=True, slots=True)
class Says:
    """An answer with a status, a body and headers."""

    status: int = 200
    body: str = '{"value": []}'
    headers: dict = field(default_factory=dict)

    def clone(self):
        """Return a fresh response; one cannot be sent twice."""
        kind = "text/html" if self.body.startswith("<") else "application/json"
        return web.Response(
            status=self.status, text=self.body, headers=self.headers, content_type=kind
        )


@asynccontextmanager
async def scripted(*answers, ssl=None):
    """Run the server; with a TLS context it speaks https."""
    script = Scripted(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", script.answer)
    server = TestServer(app, scheme="https" if ssl else "http", host="127.0.0.1")
    await server.start_server(ssl=ssl) if ssl else await server.start_server()
    script.url = str(server.make_url("")).rstrip("/")
    try:
        yield script
    finally:
        await server.close()
