"""Sessions, pages and errors; over real HTTP."""

import asyncio
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web

from decisions.plan import PlannedRequest
from erp.sap_business_one.client import (
    Company,
    NoAnswerError,
    RefusedReadError,
    ServiceLayerClient,
    TooLateError,
    odata,
)
from erp.sap_business_one.entities import Item, Page
from erp.sap_business_one.sessions import LogIn, LogInError, Sessions
from tests.build import NOW
from tests.erp.business_central.scripted import Says, scripted
from tests.erp.sap_business_one.service_layer import an_item

LOGGED_IN = Says(
    body='{"SessionId":"5e55","Version":"1000230","SessionTimeout":30}',
    headers={"Set-Cookie": "B1SESSION=5e55;HttpOnly;"},
)
WORD = "read-only"
NEW_DRAFT = PlannedRequest(method="POST", path="Drafts", body="{}")


def soon(seconds=10.0):
    return asyncio.get_running_loop().time() + seconds


def a_client(session, url, *, log_in_within=10.0):
    company = Company(base_url=url, company_db="SBODEMODE")
    log_in = LogIn(company_db="SBODEMODE", user="reader", password=WORD)
    sessions = Sessions(
        session, log_in, url=company.url("Login"), now=lambda: NOW, within=log_in_within
    )
    return ServiceLayerClient(session, sessions, company)


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def all_items(client, until=None):
    url = client.company.url("Items", query=odata({"$select": "ItemCode,ItemName"}))
    return await client.read_all(url, Page[Item], until=until or soon())


async def test_one_log_in_serves_many_requests_and_both_cookies_come_back(bench, session):
    client = bench.client(session, "reader")

    await asyncio.gather(*(all_items(client) for _ in range(5)))

    assert bench.erp.log_ins == 1
    assert {one["route"] for one in bench.erp.log} == {".node1"}
    assert len(session.cookie_jar) == 0


async def test_two_identities_over_one_http_session_stay_apart(bench):
    jar = aiohttp.CookieJar(unsafe=True)  # keeps the cookies of an address too
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        reader, writer = bench.client(session, "reader"), bench.client(session, "writer")

        await all_items(reader)
        await all_items(writer)
        await all_items(reader)

    assert [one["user"] for one in bench.erp.log] == ["reader", "writer", "reader"]


async def test_a_session_is_made_anew_before_it_ends_by_itself(bench, session):
    client = bench.client(session, "reader")
    await all_items(client)

    bench.time = NOW + timedelta(minutes=29)
    await all_items(client)

    assert bench.erp.log_ins == 2


async def test_a_session_in_use_goes_on(bench, session):
    client = bench.client(session, "reader")

    for minutes in range(0, 100, 20):
        bench.time = NOW + timedelta(minutes=minutes)
        await all_items(client)

    assert bench.erp.log_ins == 1


async def test_a_session_that_ended_early_is_made_anew_and_the_read_goes_on(bench, session):
    client = bench.client(session, "reader")
    await all_items(client)

    bench.erp.end_sessions()

    assert len(await all_items(client)) == 1
    assert bench.erp.log_ins == 2


async def test_a_session_that_somebody_renewed_meanwhile_is_kept(bench, session):
    company = Company(base_url=bench.erp.base_url, company_db="SBODEMODE")
    log_in = LogIn(company_db="SBODEMODE", user="reader", password=WORD)
    sessions = Sessions(session, log_in, url=company.url("Login"), now=lambda: NOW)
    ended = await sessions.cookie()
    sessions.forget(ended)
    renewed = await sessions.cookie()

    sessions.forget(ended)

    assert await sessions.cookie() == renewed
    assert renewed != ended


async def test_a_log_in_that_is_not_accepted_is_said(bench, session):
    bench.erp.users["reader"] = "changed"
    client = a_client(session, bench.erp.base_url)

    with pytest.raises(LogInError, match="status 401"):
        await all_items(client)


async def test_a_long_collection_comes_whole_though_it_comes_in_pages(bench, session):
    for number in range(1203):
        bench.erp.put("Items", an_item(ItemCode=f"I-{number:04}"))
    client = bench.client(session, "reader")

    items = await all_items(client)

    assert len({item.item_code for item in items}) == 1204
    assert len(bench.erp.log) == 3
    assert bench.erp.log[1]["path"].startswith("/b1s/v2/Items?")


@pytest.mark.parametrize(
    ("log_in", "why"),
    [
        (Says(status=200, body="<html>"), "cannot be understood"),
        (Says(status=200, body="{}"), "cannot be understood"),
        (Says(status=302, headers={"Location": "https://elsewhere.example"}), "status 302"),
    ],
)
async def test_a_log_in_that_cannot_be_understood_is_said(session, log_in, why):
    async with scripted(log_in) as server:
        with pytest.raises(LogInError, match=why):
            await all_items(a_client(session, server.url))


async def test_a_log_in_that_takes_too_long_is_given_up(session):
    async def silent(_):
        await asyncio.sleep(30)

    async with scripted(silent) as server:
        with pytest.raises(LogInError, match="no answer in time"):
            await all_items(a_client(session, server.url, log_in_within=0.3))


async def test_nobody_at_the_address_is_a_log_in_that_failed(session):
    with pytest.raises(LogInError, match="ClientConnectorError"):
        await all_items(a_client(session, "http://127.0.0.1:1"))


async def test_a_link_to_another_server_is_not_followed(session):
    page = Says(body='{"value":[],"@odata.nextLink":"https://elsewhere.example/b1s/v2/Items"}')
    async with scripted(LOGGED_IN, page) as server:
        with pytest.raises(NoAnswerError, match=r"another server, elsewhere\.example"):
            await all_items(a_client(session, server.url))


async def test_a_server_that_goes_in_circles_is_left(session):
    page = Says(body='{"value":[],"@odata.nextLink":"Items?$skip=20"}')
    async with scripted(LOGGED_IN, page) as server:
        with pytest.raises(NoAnswerError, match="more than 200 pages"):
            await all_items(a_client(session, server.url))


async def test_a_node_that_is_down_is_asked_again_and_its_session_kept(session):
    down = Says(status=503, body="<html>", headers={"Retry-After": "0"})
    async with scripted(LOGGED_IN, down, Says()) as server:
        assert await all_items(a_client(session, server.url)) == ()

        assert [one.path for one in server.asked] == ["/b1s/v2/Login", *["/b1s/v2/Items"] * 2]


async def test_a_node_that_does_not_say_when_is_asked_again_soon(session):
    async with scripted(LOGGED_IN, Says(status=502), Says(status=503), Says()) as server:
        assert await all_items(a_client(session, server.url)) == ()


async def test_an_answer_that_breaks_off_is_none(session):
    async def broken(request):
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b'{"value":[')
        request.transport.abort()
        return answer

    async with scripted(LOGGED_IN, broken) as server:
        with pytest.raises(NoAnswerError, match="the connection was lost"):
            await all_items(a_client(session, server.url))


async def test_a_lost_node_answers_403_and_a_new_session_helps(session):
    async with scripted(LOGGED_IN, Says(status=403), LOGGED_IN, Says()) as server:
        assert await all_items(a_client(session, server.url)) == ()


async def test_a_pause_longer_than_the_time_left_is_not_made(session):
    down = Says(status=503, headers={"Retry-After": "99999"})
    async with scripted(LOGGED_IN, down) as server:
        with pytest.raises(RefusedReadError, match="status 503"):
            await all_items(a_client(session, server.url))


async def test_a_server_that_says_nothing_is_waited_for_no_longer_than_that(session):
    async def silent(_):
        await asyncio.sleep(30)

    async with scripted(LOGGED_IN, silent) as server:
        with pytest.raises(NoAnswerError, match="no answer in time"):
            await all_items(a_client(session, server.url), until=soon(0.3))


@pytest.mark.parametrize(
    "body",
    [
        '{"error":{"code":"-1000","message":"Bad filter"}}',
        '{"error":{"code":-1000,"message":{"lang":"en-us","value":"Bad filter"}}}',
    ],
)
async def test_errors_are_read_as_both_versions_write_them(session, body):
    async with scripted(LOGGED_IN, Says(status=400, body=body)) as server:
        with pytest.raises(RefusedReadError, match="-1000: Bad filter"):
            await all_items(a_client(session, server.url))


async def test_an_answer_that_is_no_json_is_no_answer(session):
    async with scripted(LOGGED_IN, Says(body="<html>")) as server:
        with pytest.raises(NoAnswerError, match="cannot be understood"):
            await all_items(a_client(session, server.url))


async def test_a_write_that_is_no_longer_ours_is_not_sent(bench, session):
    client = bench.client(session, "writer")

    with pytest.raises(TooLateError):
        await client.send(NEW_DRAFT, if_match=None, within=5.0, still_ours=lambda: False)

    assert bench.writes() == []


async def test_a_write_that_met_an_ended_session_is_not_sent_twice(session):
    ended = Says(status=401, body='{"error":{"code":"301","message":"Invalid session."}}')
    async with scripted(LOGGED_IN, ended, LOGGED_IN, Says(status=201)) as server:
        client = a_client(session, server.url)

        first = await client.send(NEW_DRAFT, if_match=None, within=5.0, still_ours=lambda: True)
        second = await client.send(NEW_DRAFT, if_match=None, within=5.0, still_ours=lambda: True)

        assert (first.status, first.code, second.status) == (401, "301", 201)
        assert [one.path for one in server.asked] == ["/b1s/v2/Login", "/b1s/v2/Drafts"] * 2


def test_a_password_is_in_no_text_of_the_log_in():
    log_in = LogIn(company_db="SBODEMODE", user="reader", password=WORD)

    assert WORD not in repr(log_in)
