"""A stolen key of a sender can send, see its own, and withdraw its own; nothing else opens."""

import hashlib
import inspect

from bot.app import application
from bot.clock import utc_now
from bot.settings import settings_from
from bot.teams.edge import Edge
from bot.workflow import keys
from tests.stories.world import World

API = "/api/v1/recommendations"
EVERYBODY = {
    ("GET", "/healthz"): 200,
    ("GET", "/readyz"): 200,
    ("GET", "/metrics"): 200,
    ("GET", "/api/v1/openapi.json"): 200,
    ("GET", "/api/v1/"): 200,
}
ITS_OWN = {
    ("POST", API): 202,
    ("GET", API): 200,
    ("GET", f"{API}/{{id}}"): 200,
    ("POST", f"{API}/{{id}}/withdraw"): 200,
}
CLOSED = {("POST", "/api/messages"): 401}


async def statuses(world: World, headers, recommendation, source_id):
    """Ask every route of the program with a key."""
    edge = Edge(gate=None, surface=None)  # only the routes are looked at here
    app = application(settings_from(world.environment()), world.bot.ctx, edge)
    found = {}
    for route in app.router.routes():
        path = route.resource.canonical
        if route.method == "HEAD":
            continue
        body = world.stockout(id="stolen") | {"type": "invoke", "serviceUrl": world.teams.origin}
        if path == API:
            body = world.stockout(id="stolen")
        elif path.endswith("withdraw"):
            body = {"reason": "because"}
        async with world.http.request(
            route.method,
            world.url + path.replace("{id}", recommendation),
            json=body,
            params={"source_id": source_id} if path == API else None,
            headers=headers,
        ) as answer:
            found[route.method, path] = answer.status
    return found


async def test_a_stolen_key_opens_what_its_source_sent_and_nothing_else(world):
    await world.recommend()

    own = await statuses(world, world.headers, world.id, "planner-1")
    none = await statuses(world, {}, world.id, "planner-1")
    made = await keys.create(
        keys.KeyOrder(source="other", plants=["GDN"]),
        store=world.bot.ctx.store,
        routing=world.bot.ctx.routing,
        now=utc_now(),
    )
    others = await statuses(world, {"Authorization": f"Bearer {made.text}"}, world.id, "planner-1")

    assert own == EVERYBODY | ITS_OWN | CLOSED
    assert none == EVERYBODY | dict.fromkeys(ITS_OWN, 401) | CLOSED
    assert others == EVERYBODY | dict.fromkeys(ITS_OWN, 404) | CLOSED | {("POST", API): 202}
    assert world.orders() == []
    assert "decided" not in await world.story()


async def test_a_key_is_found_by_its_hash_and_compared_in_constant_time(world):
    (kept,) = await keys.every(world.bot.ctx.store)
    text = world.headers["Authorization"].removeprefix("Bearer ")

    assert kept.key_hash == hashlib.sha256(text.encode()).hexdigest()
    assert "hmac.compare_digest(" in inspect.getsource(keys.in_force)
