import json
import zlib
from types import MappingProxyType

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botbuilder.schema import Activity

from bot.teams.edge import LARGEST_BODY, Edge, OutsideTheOutboxError
from bot.teams.handler import Surface
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import LoopbackOnly, NotOnLoopbackError, TokenRefusedError
from tests.bot.teams.recorder import RecordingWorkflow
from tests.build import ANA, OTHER_TENANT, TENANT


@pytest.fixture
async def send(teams, identity, session):
    """Return a function that sends any body to the bot, with a good token."""

    async def send(body: bytes, **headers) -> int:
        token = identity.sign(service_url=teams.service_url)
        own = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        async with session.post(teams.bot_url, data=body, headers=own | headers) as response:
            return response.status

    return send


async def test_what_is_not_json_by_its_own_words_is_415(send, workflow):
    assert await send(b"{}", **{"Content-Type": "text/plain"}) == 415
    assert workflow.heard_nothing


async def test_a_request_without_a_content_type_is_415(teams, session):
    request = session.post(teams.bot_url, data=b"{}", skip_auto_headers=["Content-Type"])

    async with request as response:
        assert response.status == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"{}",
        b'{"type": "message"}',
        b'{"type": "invoke", "serviceUrl": ""}',
        b'{"type": "", "serviceUrl": "https://smba.trafficmanager.net/emea/"}',
        b'{"type": 1, "serviceUrl": "https://smba.trafficmanager.net/emea/"}',
        b'{"type": "invoke", "serviceUrl": {}}',
        b'{"type": ' + b"9" * 5000 + b"}",
    ],
    ids=lambda body: body[:40].decode(errors="replace"),
)
async def test_what_is_no_activity_is_400(body, send, workflow):
    assert await send(body) == 400
    assert workflow.heard_nothing


async def test_a_body_that_is_too_large_is_413(send, teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve", {"x": "x" * LARGEST_BODY})

    assert await send(json.dumps(activity).encode()) == 413
    assert workflow.heard_nothing


async def test_a_body_that_unpacks_to_too_much_is_413(send):
    bomb = zlib.compress(b" " * (LARGEST_BODY * 20))

    assert await send(bomb, **{"Content-Encoding": "deflate"}) == 413


async def test_an_activity_of_the_wrong_shape_is_400(send, teams, workflow):
    activity = teams.activities.message(ANA, "help", "a:1", "1") | {"from": "Ana"}

    assert await send(json.dumps(activity).encode()) == 400
    assert workflow.heard_nothing


async def test_a_message_that_fails_is_500_with_a_reference(teams, workflow, caplog):
    workflow.trouble = ZeroDivisionError("secret detail")

    reply = await teams.message(ANA, "help")

    reference = caplog.records[-1].correlation_id
    assert (reply.status, reply.body) == (500, f"Reference {reference}")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_only_post_is_routed(method, teams, session):
    async with session.request(method, teams.bot_url) as response:
        assert response.status == 405


async def test_a_token_is_never_logged(teams, identity, caplog):
    token = identity.sign(service_url=teams.service_url, aud="another")

    await teams.click(ANA, "1", "approve", token=token)

    assert "the audience is not our application" in caplog.text
    assert token not in caplog.text


async def test_nothing_is_sent_within_a_turn(verifier, workflow):
    edge = Edge(gate=verifier, surface=Surface(workflow))

    with pytest.raises(OutsideTheOutboxError):
        await edge.send_activities(None, [Activity(type="message")])


async def test_botbuilder_admits_nobody_by_itself(verifier, workflow):
    behind = Edge(gate=verifier, surface=Surface(workflow)).bot_framework_authentication

    with pytest.raises(TokenRefusedError):
        await behind.authenticate_request(Activity(), "Bearer x")
    with pytest.raises(TokenRefusedError):
        await behind.authenticate_streaming_request("Bearer x", "msteams")
    with pytest.raises(OutsideTheOutboxError):
        behind.create_connector_factory(None)


async def test_a_card_made_of_read_only_mappings_is_answered(verifier, teams, serve):
    card = MappingProxyType({"type": "AdaptiveCard", "body": (MappingProxyType({}),)})
    teams.bot_url = await serve(verifier, RecordingWorkflow(answer=card))

    reply = await teams.click(ANA, "1", "approve")

    assert reply.card == {"type": "AdaptiveCard", "body": [{}]}


async def test_a_card_that_is_not_json_is_a_kind_answer(verifier, teams, serve):
    card = {"type": "AdaptiveCard", "body": {1, 2}}
    teams.bot_url = await serve(verifier, RecordingWorkflow(answer=card))

    reply = await teams.click(ANA, "1", "approve")

    assert "that did not work" in reply.message


@pytest.fixture
async def playground(teams, workflow, serve):
    """Return the fake Teams as the Playground is: without tokens, on this machine."""
    gate = LoopbackOnly(
        listening_on="127.0.0.1", tenants=[TENANT], service_urls=ServiceUrls.of(teams.origin)
    )
    teams.bot_url = await serve(gate, workflow)
    return teams


async def test_the_playground_needs_no_token(playground, workflow):
    reply = await playground.click(ANA, "1", "approve", token=None)

    assert reply.status == 200
    assert len(workflow.clicks) == 1


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"Host": "evil.example"},
        {"Host": "evil.example:3978"},
    ],
    ids=str,
)
async def test_the_playground_gate_refuses_what_came_from_elsewhere(
    header, playground, workflow, session
):
    activity = playground.activities.invoke(ANA, "1", "approve")

    async with session.post(playground.bot_url, json=activity, headers=header) as response:
        status = response.status

    assert status == 401
    assert workflow.heard_nothing


async def test_the_playground_gate_keeps_foreign_tenants_out(playground, workflow):
    playground.tenant = OTHER_TENANT

    reply = await playground.click(ANA, "1", "approve", token=None)

    assert reply.status == 401
    assert workflow.heard_nothing


@pytest.mark.parametrize("peer", ["203.0.113.7", "::ffff:203.0.113.7", "", "localhost.evil.com"])
async def test_the_playground_gate_refuses_other_machines(peer, teams, workflow):
    gate = LoopbackOnly(
        listening_on="127.0.0.1", tenants=[TENANT], service_urls=ServiceUrls.of(teams.origin)
    )
    edge = Edge(gate=gate, surface=Surface(workflow))

    async def from_elsewhere(request):
        return await edge.process(request.clone(remote=peer))

    app = web.Application()
    app.router.add_post("/", from_elsewhere)
    async with TestServer(app) as server:
        teams.bot_url = str(server.make_url("/"))

        reply = await teams.click(ANA, "1", "approve", token=None)

    assert reply.status == 401
    assert workflow.heard_nothing


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bot.example.com", ""])  # noqa: S104  must be refused
def test_without_tokens_the_bot_listens_on_loopback_or_not_at_all(host):
    with pytest.raises(NotOnLoopbackError):
        LoopbackOnly(listening_on=host, tenants=[TENANT], service_urls=ServiceUrls.of())
