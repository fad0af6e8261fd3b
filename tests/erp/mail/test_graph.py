"""The Microsoft 365 port over real HTTP: one request, and what the mailbox says of it."""

from datetime import timedelta

import aiohttp
import pytest

from erp.business_central.tokens import ClientCredentialTokens
from erp.mail.graph import GraphPort
from erp.mail.message import Mail
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    NotSent,
    Refused,
    Unknown,
)
from tests.fakes.graph import FakeGraph

MAIL = Mail(
    sender="purchasing@plant.example",
    to="orders@vendor.example",
    subject="About order PO-1",
    text="When?\nWe wait – since Łódź.",
    message_id="<CS-7KX2M9QH4T.0123456789ab@plant.example>",
)
SENT = Applied(document=MAIL.to, document_id=MAIL.message_id)


@pytest.fixture
async def graph():
    async with FakeGraph(MAIL.sender) as made:
        yield made


@pytest.fixture
async def port(graph):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield a_port(session, graph)


def a_port(session, graph, *, url=None):
    tokens = ClientCredentialTokens(
        session,
        url=f"{graph.url}/tenant/oauth2/v2.0/token",
        client_id="mail-app",
        client_secret="mail-secret",  # noqa: S106  the fake's
    )
    return GraphPort(
        session, tokens, url=url or graph.url, send_time=2.0, read_time=2.0, between_looks=0.0
    )


async def send(port, *, still_ours=lambda: True):
    return await port.send(MAIL, still_ours=still_ours)


async def test_a_mail_is_sent_with_one_request_and_found_in_the_sent_items(graph, port):
    assert await port.search(MAIL) == NotFound()

    assert await send(port) == SENT

    assert graph.posts() == [f"/v1.0/users/{MAIL.sender}/sendMail"]
    (message,) = graph.sent
    assert message["body"] == {"contentType": "Text", "content": MAIL.text}
    assert message["internetMessageId"] == MAIL.message_id
    assert await port.search(MAIL) == Found(document=MAIL.to, document_id=MAIL.message_id)
    assert await port.read_back(MAIL) == MAIL


async def test_a_copy_that_comes_a_little_later_is_waited_for(graph, port):
    await send(port)
    graph.late_looks = 2

    assert await port.read_back(MAIL) == MAIL


async def test_a_copy_that_does_not_come_is_no_receipt(graph, port):
    await send(port)
    graph.late_looks = 100

    with pytest.raises(ErpUnreachableError):
        await port.read_back(MAIL)


async def test_what_was_changed_on_the_way_reads_back_as_it_stands(graph, port):
    graph.edit = lambda message: message | {"subject": "Something else"}
    await send(port)

    assert (await port.read_back(MAIL)).subject == "Something else"


async def test_an_answer_lost_after_sending_is_a_doubt_and_the_mail_is_found(graph, port):
    graph.lose_answer = True

    assert isinstance(await send(port), Unknown)
    assert isinstance(await port.search(MAIL), Found)
    assert len(graph.posts()) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_an_answer_that_may_come_after_sending_is_a_doubt(graph, port, status):
    graph.answers.append((status, {}))

    assert isinstance(await send(port), Unknown)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_a_no_is_a_refusal(graph, port, status):
    graph.answers.append((status, {}))

    outcome = await send(port)

    assert isinstance(outcome, Refused)
    assert outcome.text
    assert graph.sent == []


async def test_a_busy_service_is_asked_again_when_it_says(graph, port):
    graph.answers.append((429, {"Retry-After": "7"}))

    outcome = await send(port)

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(seconds=7)


async def test_without_a_token_nothing_is_sent_and_nothing_is_known(graph, port):
    graph.secret = "another"  # noqa: S105  the fake's

    assert isinstance(await send(port), NotSent)
    assert isinstance(await port.search(MAIL), CannotTell)
    assert graph.posts() == []


async def test_a_service_that_is_down_is_no_proof_that_nothing_was_sent(graph, port):
    graph.down = True

    assert isinstance(await port.search(MAIL), CannotTell)


async def test_a_service_that_is_not_there_leaves_the_mail_unsent(graph):
    async with aiohttp.ClientSession() as session:
        port = a_port(session, graph, url="http://127.0.0.1:9")

        assert isinstance(await send(port), NotSent)


async def test_who_lost_the_right_to_send_sends_nothing(graph, port):
    assert isinstance(await send(port, still_ours=lambda: False), NotSent)
    assert graph.posts() == []
