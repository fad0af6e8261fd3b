"""The planner against an API that answers as it is told."""

import asyncio
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from bot.clock import utc_now
from bot.demo.feed import Feed
from bot.workflow.context import Context
from bot.workflow.ids import new_id
from storage.store import Store
from tests.bot.demo.free_port import a_free_port
from tests.build import a_raw_recommendation, a_recommendation, a_routing_table
from tests.fakes.databases import fresh_sqlite

ADVICE = {"id": "planner-1", "headline": "Bearings run out"}


class Api:
    """Takes recommendations, and remembers with which key they came."""

    def __init__(self):
        self.status = 202
        self.sent = asyncio.Queue()

    async def take(self, request):
        self.sent.put_nowait((request.headers["Authorization"], await request.json()))
        return web.json_response({}, status=self.status)


@pytest.fixture
async def api():
    fake = Api()
    app = web.Application()
    app.add_routes([web.post("/api/v1/recommendations", fake.take)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@pytest.fixture
def kept(tmp_path):
    store = Store.open(fresh_sqlite(tmp_path))
    store.migrate()
    yield store
    store.close()


@pytest.fixture
async def feed(api, kept):
    ctx = Context(store=kept, routing=a_routing_table(), erp=None, now=utc_now, new_id=new_id)
    async with aiohttp.ClientSession() as session:
        told = []
        made = Feed(
            ctx=ctx,
            session=session,
            bot_url=api.url,
            key="cs_live_key",
            advise=lambda: ADVICE,
            tell=told.append,
        )
        yield made, told


async def opened(store, number):
    """Keep some that wait for an answer."""

    def turn(unit):
        for index in range(number):
            one = a_recommendation(id=f"OPEN{index:06}", source_id=f"open-{index}")
            unit.recommendations.add(one, a_raw_recommendation(source_id=f"open-{index}"))

    await store.turn(turn)


async def test_a_recommendation_goes_out_with_the_key(feed, api):
    sender, told = feed

    await sender.send()

    assert api.sent.get_nowait() == ("Bearer cs_live_key", ADVICE)
    assert told == ["New recommendation: Bearings run out"]


async def test_five_go_out_at_once_and_then_one_at_a_time(feed, api):
    sender, told = feed
    running = asyncio.create_task(sender.run(pace=0.2))
    for _ in range(5):
        await asyncio.wait_for(api.sent.get(), 5)
    at_once = api.sent.qsize()

    await asyncio.wait_for(api.sent.get(), 5)

    running.cancel()
    assert at_once == 0
    assert len(told) >= 5


async def test_no_more_are_sent_while_twelve_are_open(feed, api, kept):
    await opened(kept, 12)
    sender, _ = feed
    running = asyncio.create_task(sender.run(pace=0.01))

    await asyncio.wait_for(api.sent.get(), 5)
    await asyncio.sleep(0.3)

    running.cancel()
    assert api.sent.empty()


async def test_a_refusal_is_told_and_the_planner_goes_on(feed, api):
    sender, told = feed
    api.status = 422

    await sender.send()

    assert told == ["A recommendation was not taken: HTTP 422"]


async def test_a_bot_that_is_away_does_not_stop_the_planner(feed):
    sender, told = feed
    away = replace(sender, bot_url=f"http://127.0.0.1:{a_free_port()}")

    await away.send()

    assert told == []
