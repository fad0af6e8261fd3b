"""A reverse proxy as deploy/nginx.conf sets one up: each in turn, on an error the next."""

from contextlib import AsyncExitStack

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer


class Proxy:
    """Hands each request to one of the web processes, to the next one if that one dies."""

    def __init__(self, urls):
        self.urls = list(urls)
        self._turn = 0

    async def __aenter__(self):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handed_on)
        self._stack = AsyncExitStack()
        patience = aiohttp.ClientTimeout(total=5)
        self._session = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=patience)
        )
        self._server = TestServer(app)
        await self._server.start_server()
        self._stack.push_async_callback(self._server.close)
        self.url = f"http://127.0.0.1:{self._server.port}"
        return self

    async def __aexit__(self, *_):
        await self._stack.aclose()

    async def _handed_on(self, request):
        body = await request.read()
        for _ in self.urls:
            self._turn += 1
            url = self.urls[self._turn % len(self.urls)]
            try:
                async with self._session.request(
                    request.method, url + request.raw_path, data=body, headers=request.headers
                ) as answer:
                    return web.Response(
                        status=answer.status,
                        body=await answer.read(),
                        headers={"Content-Type": answer.headers.get("Content-Type", "")},
                    )
            except (aiohttp.ClientError, TimeoutError):
                continue
        return web.Response(status=502)
