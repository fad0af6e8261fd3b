from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.http.messages import message_routes


async def accept(request):
    return web.json_response({"heard": await request.text()})


async def test_teams_reaches_the_bot_by_post_at_api_messages_and_nowhere_else():
    app = web.Application()
    app.add_routes(message_routes(accept))
    async with TestClient(TestServer(app)) as client:
        posted = await client.post("/api/messages", data="hello")
        others = [
            (await client.request(method, path)).status
            for method, path in [
                ("GET", "/api/messages"),
                ("HEAD", "/api/messages"),
                ("POST", "/api/messages/"),
            ]
        ]

        assert await posted.json() == {"heard": "hello"}
        assert others == [405, 405, 404]
