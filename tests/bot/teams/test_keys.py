import asyncio
import json

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bot.teams.keys import KeysUnreachableError, PublishedKeys
from tests.build import ANA


@pytest.fixture
async def keys(identity, session, clock):
    keys = PublishedKeys(session, identity.metadata_url, clock)
    yield keys
    await keys.close()


async def test_a_rotated_key_is_followed_at_once(teams, identity, workflow):
    await teams.click(ANA, "1", "approve")
    identity.rotate()

    reply = await teams.click(ANA, "1", "approve")

    assert reply.status == 200
    assert len(workflow.clicks) == 2


async def test_a_withdrawn_key_is_refused_after_the_rotation_was_seen(teams, identity):
    old = identity.sign(service_url=teams.service_url)
    await teams.click(ANA, "1", "approve", token=old)
    identity.rotate()
    await teams.click(ANA, "1", "approve")

    reply = await teams.click(ANA, "1", "approve", token=old)

    assert reply.status == 401


async def test_unknown_keys_force_one_fetch_in_ten_seconds(keys, identity, clock):
    await keys.find(identity.kid)

    found = [await keys.find(f"unknown-{number}") for number in range(20)]
    fetched_at_once = identity.key_fetches
    clock.forward(seconds=11)
    await keys.find("unknown")

    assert found == [None] * 20
    assert (fetched_at_once, identity.key_fetches) == (2, 3)


async def test_concurrent_requests_share_one_fetch(keys, identity):
    identity.delay = 0.05

    found = await asyncio.gather(*(keys.find(identity.kid) for _ in range(20)))

    assert all(found)
    assert identity.key_fetches == 1


async def test_one_caller_who_gives_up_does_not_take_the_fetch_from_the_others(keys, identity):
    identity.delay = 0.05
    hasty = asyncio.create_task(keys.find(identity.kid))
    patient = asyncio.create_task(keys.find(identity.kid))
    await asyncio.sleep(0.01)

    hasty.cancel()

    assert await patient is not None


async def test_old_keys_serve_while_newer_ones_are_fetched(keys, identity, clock):
    await keys.find(identity.kid)
    clock.forward(hours=13)
    identity.delay = 0.05

    before = asyncio.get_running_loop().time()
    found = await keys.find(identity.kid)
    waited = asyncio.get_running_loop().time() - before
    await asyncio.sleep(0.2)

    assert found is not None
    assert waited < 0.04
    assert identity.key_fetches == 2


async def test_keys_of_yesterday_are_not_used(keys, identity, clock):
    await keys.find(identity.kid)
    clock.forward(hours=24)
    identity.failing = 500

    with pytest.raises(KeysUnreachableError):
        await keys.find(identity.kid)


async def test_a_request_that_cannot_be_judged_is_answered_503(teams, identity, workflow):
    identity.failing = 500

    reply = await teams.click(ANA, "1", "approve")

    assert (reply.status, reply.body) == (503, "")
    assert workflow.heard_nothing


async def test_keys_that_come_back_are_used_at_once(teams, identity):
    identity.failing = 500
    await teams.click(ANA, "1", "approve")
    identity.failing = None

    reply = await teams.click(ANA, "1", "approve")

    assert reply.status == 200


async def test_nobody_listening_is_unreachable_too(session, clock):
    keys = PublishedKeys(session, "http://127.0.0.1:9/metadata", clock)

    with pytest.raises(KeysUnreachableError, match="ClientConnectorError"):
        await keys.find("any")


async def test_keys_of_no_use_are_left_out(keys):
    found = [await keys.find(kid) for kid in ("of-no-use", "broken", "symmetric")]

    assert found == [None, None, None]


async def test_a_failure_in_the_background_does_not_stop_the_old_keys(keys, identity, clock):
    await keys.find(identity.kid)
    clock.forward(hours=13)
    identity.failing = 500

    found = await keys.find(identity.kid)
    await asyncio.sleep(0.05)

    assert found is not None
    assert await keys.find(identity.kid) is not None


async def test_a_fetch_that_is_under_way_is_given_up_when_the_bot_stops(keys, identity, clock):
    await keys.find(identity.kid)
    clock.forward(hours=13)
    identity.delay = 60
    await keys.find(identity.kid)
    before = asyncio.get_running_loop().time()

    await keys.close()

    assert asyncio.get_running_loop().time() - before < 1


@pytest.mark.parametrize(
    ("metadata", "why"),
    [
        ({}, "no safe jwks_uri"),
        ([], "no safe jwks_uri"),
        ({"jwks_uri": 7}, "no safe jwks_uri"),
        ({"jwks_uri": "{origin}/none"}, "no usable key"),
        ({"jwks_uri": "{origin}/missing"}, "HTTP 404"),
    ],
    ids=str,
)
async def test_metadata_that_leads_nowhere_is_unreachable(metadata, why, session, clock):
    async def answer(request):
        origin = f"http://{request.host}"
        return web.json_response(text=json.dumps(metadata).replace("{origin}", origin))

    async def none(_):
        return web.json_response({"keys": {"not": "a list"}})

    app = web.Application()
    app.router.add_get("/", answer)
    app.router.add_get("/none", none)
    async with TestServer(app) as server:
        keys = PublishedKeys(session, str(server.make_url("/")), clock)

        with pytest.raises(KeysUnreachableError, match=why):
            await keys.find("any")


async def test_small_keys_and_private_keys_are_left_out(identity, session, clock):
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  must be left out
    private = RSAAlgorithm.to_jwk(small, as_dict=True) | {"kid": "private"}
    public = RSAAlgorithm.to_jwk(small.public_key(), as_dict=True) | {"kid": "small"}
    identity.more_keys = [private, public]
    keys = PublishedKeys(session, identity.metadata_url, clock)

    found = [await keys.find(kid) for kid in (identity.kid, "private", "small")]

    assert found[0] is not None
    assert found[1:] == [None, None]
