"""Reading in pieces and in time, and sending once; over real HTTP."""

import asyncio
import logging
from datetime import timedelta

import aiohttp
import msgspec
import pytest
from aiohttp import web

from decisions.plan import PlannedRequest
from erp.business_central.client import (
    ANALYTICS,
    BadCompanyError,
    BusinessCentralClient,
    Company,
    NoAnswerError,
    NoConnectionError,
    RefusedReadError,
    literal,
    odata,
)
from erp.business_central.entities import Page
from tests.erp.business_central.facts import COMPANY
from tests.erp.business_central.scripted import Says, scripted

ROOT = f"/sandbox/api/v2.0/companies({COMPANY})"


class Name(msgspec.Struct, frozen=True):
    number: str


class CountedTokens:
    """Gives the next token each time the last one was forgotten."""

    scheme = "Bearer"

    def __init__(self):
        self.count = 1

    async def token(self):
        return f"token-{self.count}"

    def forget(self):
        self.count += 1


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


def a_company(url):
    return Company(base_url=url, environment="sandbox", company_id=COMPANY)


def a_client(session, url):
    return BusinessCentralClient(session, CountedTokens(), a_company(url))


def soon(seconds=2.0):
    return asyncio.get_running_loop().time() + seconds


async def names(client, path="vendors", until=None):
    url = client.company.url(path)
    found = await client.read_all(url, Page[Name], until=until or soon())
    return [one.number for one in found]


async def test_a_read_names_company_environment_language_and_page_size(session):
    async with scripted(Says(body='{"value":[{"number":"A"}]}')) as erp:
        await names(a_client(session, erp.url))

    (asked,) = erp.asked
    assert asked.path == f"{ROOT}/vendors"
    assert asked.headers["Authorization"] == "Bearer token-1"
    assert asked.headers["Accept-Language"] == "en-US"
    assert asked.headers["Prefer"] == "odata.maxpagesize=500"
    assert "Data-Access-Intent" not in asked.headers


async def test_pages_are_followed_by_their_links_absolute_or_relative(session):
    async with scripted(Says()) as erp:
        erp.answers[:] = [
            Says(body='{"value":[{"number":"A"}],"@odata.nextLink":"vendors?$skiptoken=1"}'),
            Says(
                body='{"value":[{"number":"B"}],'
                f'"@odata.nextLink":"{erp.url}{ROOT}/vendors?$skiptoken=2"}}'
            ),
            Says(body='{"value":[{"number":"C"}]}'),
        ]

        found = await names(a_client(session, erp.url))

    assert found == ["A", "B", "C"]
    assert [(asked.path, asked.query) for asked in erp.asked] == [
        (f"{ROOT}/vendors", ""),
        (f"{ROOT}/vendors", "$skiptoken=1"),
        (f"{ROOT}/vendors", "$skiptoken=2"),
    ]


async def test_a_link_to_another_server_never_gets_the_token(session):
    async with scripted(Says()) as elsewhere, scripted(Says()) as erp:
        erp.answers[:] = [Says(body=f'{{"value":[],"@odata.nextLink":"{elsewhere.url}/x"}}')]

        with pytest.raises(NoAnswerError, match="another server"):
            await names(a_client(session, erp.url))

    assert elsewhere.asked == []


async def test_a_redirect_is_not_followed(session):
    async with scripted(Says()) as elsewhere, scripted(Says()) as erp:
        erp.answers[:] = [Says(307, "{}", {"Location": elsewhere.url})]

        with pytest.raises(RefusedReadError, match="status 307"):
            await names(a_client(session, erp.url))

    assert elsewhere.asked == []


async def test_pages_that_never_end_are_given_up(session):
    async with scripted(Says(body='{"value":[],"@odata.nextLink":"vendors?again"}')) as erp:
        with pytest.raises(NoAnswerError, match="more than 200 pages"):
            await names(a_client(session, erp.url), until=soon(30))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_read_is_tried_again_after_a_passing_trouble(session, status):
    trouble = Says(status, "<html>", {"Retry-After": "0"})
    async with scripted(trouble, trouble, Says(body='{"value":[{"number":"A"}]}')) as erp:
        assert await names(a_client(session, erp.url)) == ["A"]

    assert len(erp.asked) == 3


async def test_without_a_retry_after_the_pauses_grow(session):
    async with scripted(Says(503, "<html>"), Says(body='{"value":[]}')) as erp:
        began = asyncio.get_running_loop().time()

        await names(a_client(session, erp.url))

        assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_wait_that_is_longer_than_the_time_left_is_not_waited(session):
    async with scripted(Says(429, "{}", {"Retry-After": "60"})) as erp:
        began = asyncio.get_running_loop().time()

        with pytest.raises(RefusedReadError, match="status 429"):
            await names(a_client(session, erp.url))

        assert asyncio.get_running_loop().time() - began < 1


async def test_an_answer_that_is_late_is_none(session):
    async def slow(_request):
        await asyncio.sleep(0.5)
        return web.Response()

    async with scripted(slow) as erp:
        with pytest.raises(NoAnswerError, match="no answer in time"):
            await names(a_client(session, erp.url), until=soon(0.1))


async def test_a_token_that_is_not_accepted_is_replaced_once(session):
    async with scripted(Says(401, "{}"), Says(body='{"value":[{"number":"A"}]}')) as erp:
        assert await names(a_client(session, erp.url)) == ["A"]

    assert [asked.headers["Authorization"] for asked in erp.asked] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_a_log_in_that_is_never_accepted_is_said_after_two_tries(session):
    async with scripted(Says(401, "")) as erp:
        with pytest.raises(RefusedReadError, match="status 401"):
            await names(a_client(session, erp.url))

    assert len(erp.asked) == 2


async def test_an_error_keeps_code_text_and_correlation_id(session):
    said = (
        '{"error":{"code":"BadRequest_NotFound","message":"No such entity.'
        '  CorrelationId:  9f6c2d3e-1b2c-4d5e-8f90-abcdefabcdef."}}'
    )
    async with scripted(Says(404, said)) as erp:
        with pytest.raises(RefusedReadError) as refused:
            await names(a_client(session, erp.url))

    answer = refused.value.answer
    assert (answer.status, answer.code, answer.text, answer.correlation_id) == (
        404,
        "BadRequest_NotFound",
        "No such entity.",
        "9f6c2d3e-1b2c-4d5e-8f90-abcdefabcdef",
    )
    assert str(refused.value) == (
        "Business Central cannot be read right now (BadRequest_NotFound: No such entity.)."
    )


@pytest.mark.parametrize("body", ["<html>", "[]", '{"value":[{"no":1}]}', "{"])
async def test_an_answer_that_cannot_be_understood_is_none(session, body):
    async with scripted(Says(200, body)) as erp:
        with pytest.raises(NoAnswerError, match="cannot be understood"):
            await names(a_client(session, erp.url))


async def test_nobody_listening_means_no_connection(session):
    with pytest.raises(NoConnectionError):
        await names(a_client(session, "http://127.0.0.1:9"))


async def drop(request):
    request.transport.abort()
    return web.Response()


async def test_a_connection_that_breaks_is_no_answer(session):
    async with scripted(drop) as erp:
        with pytest.raises(NoAnswerError, match="connection was lost"):
            await names(a_client(session, erp.url))


ORDER = PlannedRequest(method="POST", path="purchaseOrders", body='{"quantity":31.250}')


async def test_a_write_sends_the_planned_bytes_once(session):
    async with scripted(Says(201, "{}")) as erp:
        answer = await a_client(session, erp.url).send(ORDER, within=2, still_ours=lambda: True)

    (asked,) = erp.asked
    assert answer.status == 201
    assert (asked.method, asked.path, asked.body) == (
        "POST",
        f"{ROOT}/purchaseOrders",
        '{"quantity":31.250}',
    )


@pytest.mark.parametrize("status", [401, 429, 500, 502, 503, 504])
async def test_a_write_is_never_sent_again(session, status):
    async with scripted(Says(status, "<html>", {"Retry-After": "0"})) as erp:
        answer = await a_client(session, erp.url).send(ORDER, within=2, still_ours=lambda: True)

    assert answer.status == status
    assert answer.retry_after == timedelta(0)
    assert len(erp.asked) == 1


@pytest.mark.parametrize("after", ["soon", "-1", "9" * 400, "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_retry_after_that_is_no_number_of_seconds_is_none(session, after):
    async with scripted(Says(429, "{}", {"Retry-After": after})) as erp:
        answer = await a_client(session, erp.url).send(ORDER, within=2, still_ours=lambda: True)

    assert answer.retry_after is None


async def test_a_write_whose_connection_breaks_is_not_sent_again(session):
    async with scripted(Says(), drop) as erp:
        client = a_client(session, erp.url)
        await names(client)

        with pytest.raises(NoAnswerError) as lost:
            await client.send(ORDER, within=2, still_ours=lambda: True)

    assert not isinstance(lost.value, NoConnectionError)
    assert [asked.method for asked in erp.asked] == ["GET", "POST"]


async def test_a_write_refused_for_its_log_in_asks_for_a_new_one_next_time(session):
    async with scripted(Says(401, ""), Says(201, "{}")) as erp:
        client = a_client(session, erp.url)
        await client.send(ORDER, within=2, still_ours=lambda: True)
        await client.send(ORDER, within=2, still_ours=lambda: True)

    assert [asked.headers["Authorization"] for asked in erp.asked] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


async def test_the_log_names_the_correlation_id_and_never_the_token(session, caplog):
    caplog.set_level(logging.DEBUG)
    said = '{"error":{"code":"Internal_X","message":"Broken.  CorrelationId:  abc-1."}}'
    async with scripted(Says(500, said)) as erp:
        await a_client(session, erp.url).send(ORDER, within=2, still_ours=lambda: True)

    assert "correlation abc-1" in caplog.text
    assert "token-1" not in caplog.text


@pytest.mark.parametrize("company_id", ["", "CRONUS", "c0ffee)/items("])
def test_a_company_that_is_not_named_by_its_id_is_refused(company_id):
    with pytest.raises(BadCompanyError, match="the first one"):
        Company(base_url="https://x", environment="", company_id=company_id)


def test_a_company_on_premises_has_no_environment():
    company = Company(base_url="https://erp:7048/BC/", environment="", company_id=COMPANY)

    assert str(company.url("items")) == f"https://erp:7048/BC/api/v2.0/companies({COMPANY})/items"
    assert str(company.url("x", api=ANALYTICS)) == (
        f"https://erp:7048/BC/api/microsoft/analytics/v1.0/companies({COMPANY})/x"
    )


def test_a_quote_in_a_number_cannot_end_the_filter():
    query = odata({"$filter": "number eq " + literal("A' or 'B&C+D%")})

    assert query == "$filter=number%20eq%20%27A%27%27%20or%20%27%27B%26C%2BD%25%27"
