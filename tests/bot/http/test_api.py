"""The API over HTTP, with a real store behind it."""

import asyncio
import base64
import hmac
import io
import json
import re
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from openapi_spec_validator import validate

from bot.clock import utc_now
from bot.workflow import keys
from tests.stories.world import ANA, World

DOCS = Path(__file__).parents[3] / "docs" / "api.md"
EXAMPLES = [
    json.loads(one) for one in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
]
ONE, EVENT = EXAMPLES


@pytest.fixture
async def world(database, tmp_path):
    async with World(database, tmp_path) as made:
        yield made


async def call(world, method="POST", path="/recommendations", *, body=None, headers=None):
    async with world.http.request(
        method,
        f"{world.url}/api/v1{path}",
        data=io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode()),
        headers={"Content-Type": "application/json"} | world.headers | (headers or {}),
    ) as answer:
        text = await answer.text()
        is_json = "json" in answer.content_type
        return answer.status, json.loads(text) if is_json else text


async def test_the_examples_of_the_guide_are_taken(world):
    first, taken = await call(world, body=ONE)
    second, event = await call(
        world, body=EVENT, headers={"Content-Type": "application/cloudevents+json"}
    )

    assert (first, second) == (202, 202)
    assert taken["verdict"] == event["verdict"] == "accepted"


async def test_the_same_again_returns_the_same_record(world):
    _, first = await call(world, body=ONE)
    status, again = await call(world, body=ONE)

    assert (status, again["id"]) == (200, first["id"])


async def test_another_content_under_a_known_id_names_the_difference(world):
    _, first = await call(world, body=ONE)
    status, answer = await call(world, body=ONE | {"headline": "Something else"})
    _, told = await call(world, "GET", f"/recommendations/{first['id']}", body={})

    assert status == 409
    assert answer["differs"] == ["/headline"]
    assert told["id"] == first["id"]


async def test_every_mistake_is_found_at_once_and_kept(world):
    bad = ONE | {
        "kind": "stock_out",
        "plant": "BERLIN",
        "confidence": "7",
        "valid_until": "2030-11-20T22:00:00",
        "headlin": "typo",
        "impact": {
            "lines": [ONE["impact"]["lines"][0] | {"amount": {"amount": "-1", "currency": "XXQ"}}]
        },
    }

    status, answer = await call(world, body=bad)
    held = await world.bot.ctx.store.read(lambda unit: unit.quarantine.held(5))

    assert status == 422
    assert {one["path"] for one in answer["problems"]} >= {
        "/kind",
        "/plant",
        "/confidence",
        "/valid_until",
        "/headlin",
        "/impact/lines/0/amount/amount",
        "/impact/lines/0/amount/currency",
    }
    assert [one.id for one in held] == [answer["quarantine"]]
    assert json.loads(held[0].body) == bad


async def test_a_batch_has_a_verdict_for_each_item(world):
    batch = [ONE | {"id": f"b-{number}"} for number in range(3)]

    status, answer = await call(world, body=[*batch, batch[0], {"id": "nonsense"}])

    assert status == 202
    words = [one["verdict"] for one in answer["verdicts"]]
    assert words == ["accepted", "accepted", "accepted", "same", "quarantined"]


async def test_a_thousand_at_once_are_taken_and_one_more_is_not(world):
    world.bot.worker.stop()
    thousand = [ONE | {"id": f"k-{number}"} for number in range(1000)]

    status, answer = await call(world, body=thousand)
    too_many, _ = await call(world, body=[*thousand, ONE])

    assert (status, answer["counts"]["accepted"]) == (202, 1000)
    assert too_many in (400, 413, 422)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"id": NaN}', 400),
        (b"[" * 100_000, 400),
        (b'"text"', 422),
        (b"[]", 400),
        (b" " * (9 * 1024 * 1024), 413),
    ],
)
async def test_what_is_no_recommendation_is_refused_kindly(world, body, expected):
    status, answer = await call(world, body=body)

    assert status == expected
    assert "Traceback" not in str(answer)


@pytest.mark.parametrize("key", ["", "Bearer ", "Bearer cs_live_wrong", "Basic YTpi"])
async def test_without_a_good_key_nothing_is_taken(world, key):
    status, answer = await call(world, body=ONE, headers={"Authorization": key})

    assert status == 401
    assert world.teams.messages() == []
    assert "cs_live_wrong" not in str(answer)


async def test_a_revoked_key_opens_nothing(world):
    (key,) = await keys.every(world.bot.ctx.store)
    await keys.revoke(key.id, store=world.bot.ctx.store, now=utc_now())

    assert (await call(world, body=ONE))[0] == 401


async def test_another_source_sees_nothing_and_may_withdraw_nothing(world):
    _, mine = await call(world, body=ONE)
    ctx = world.bot.ctx
    other = await keys.create(
        keys.KeyOrder(source="other", plants=["GDN"]),
        store=ctx.store,
        routing=ctx.routing,
        now=utc_now(),
    )
    theirs = {"Authorization": f"Bearer {other.text}"}
    path = f"/recommendations/{mine['id']}"

    seen, _ = await call(world, "GET", path, body={}, headers=theirs)
    withdrawn, _ = await call(world, path=f"{path}/withdraw", body={"reason": "x"}, headers=theirs)

    assert (seen, withdrawn) == (404, 404)


async def test_what_nobody_decided_can_be_withdrawn(world):
    message = await world.recommend()
    path = f"/recommendations/{world.id}/withdraw"

    first, _ = await call(world, path=path, body={"reason": "Stock was counted again"})
    await world.teams.wait_for(lambda: world.verbs(message) == ["why"])
    again, answer = await call(world, path=path, body={"reason": "once more"})

    assert (first, again, answer["state"]) == (200, 200, "withdrawn")
    assert (await world.story()).count("withdrawn") == 1


async def test_what_was_decided_can_no_longer_be_withdrawn(world):
    message = await world.recommend()
    data = world.teams_data(message) | {"code": "data_wrong"}
    await world.teams.click(ANA, message, "confirm_override", data)

    status, answer = await call(
        world, path=f"/recommendations/{world.id}/withdraw", body={"reason": "too late"}
    )

    assert status == 409
    assert "overridden" in str(answer)


async def test_the_document_is_openapi_3_1_and_the_page_loads_nothing_from_elsewhere(world):
    status, document = await call(world, "GET", "/openapi.json", body={})
    _, page = await call(world, "GET", "/", body={})

    validate(document)
    assert status == 200
    assert document["openapi"].startswith("3.1")
    assert not re.search(r"(src|href)=[\"']?https?:", page)


class Receiver:
    """A source's webhook on loopback."""

    def __init__(self):
        self.got = []
        self.answers = []

    async def take(self, request):
        self.got.append((dict(request.headers), await request.read()))
        status = self.answers.pop(0) if self.answers else 204
        headers = {"Location": "/elsewhere"} if status == 302 else {}
        return web.Response(status=status, headers=headers)


async def test_the_source_is_told_what_was_decided_with_a_signature_that_holds(world):
    receiver = Receiver()
    receiver.answers = [500, 302]
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    async with TestServer(app) as server:
        ctx = world.bot.ctx
        made = await keys.create(
            keys.KeyOrder(
                source="told", plants=["GDN"], webhook_url=f"http://127.0.0.1:{server.port}/hook"
            ),
            store=ctx.store,
            routing=ctx.routing,
            now=utc_now(),
        )
        world.headers = {"Authorization": f"Bearer {made.text}"}
        message = await world.recommend()
        await world.teams.press(ANA, message, "override")
        await world.teams.press(
            ANA, message, "confirm_override", code="already_ordered", text="PO 4711"
        )
        for expected in (1, 2, 3):
            while len(receiver.got) < expected:
                await asyncio.sleep(0.05)
                await world.hurry()

    headers, body = receiver.got[-1]
    secret = keys.webhook_secret(b"0123456789abcdef", "told")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    told = json.loads(body)
    assert "already_ordered" in str(told)
    assert "PO 4711" in str(told)
    assert len(receiver.got) == 3
