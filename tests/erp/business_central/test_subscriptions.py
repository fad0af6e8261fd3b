"""Notices are asked for where they can be had, renewed in time, and believed for our secret."""

import json
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from erp.business_central.connector import CONNECTOR
from erp.business_central.subscriptions import NotSubscribedError
from erp.ports import ErpUnreachableError, Hinting, Surroundings
from erp.standin.server import StandIn
from tests.build import NOW, TENANT

SECRET = "fifteen-and-one-more"  # noqa: S105  good on loopback only


class Ear:
    """Where notices arrive; it echoes a token only while `ours`."""

    def __init__(self):
        self.ours = True
        self.heard = []

    async def answer(self, request):
        token = request.query.get("validationToken")
        if token is not None:
            return web.Response(text=token if self.ours else "no")
        self.heard.append(await request.read())
        return web.Response(status=202)


class Line:
    """The stand-in, an ear, and what keeps notices coming between them."""

    def __init__(self):
        self.now = NOW
        self.erp = StandIn(now=lambda: self.now)
        self.ear = Ear()
        self.hints = None
        self.address = ""

    @property
    def standing(self):
        """Return the subscriptions by the last part of their resource."""
        found = self.erp.webhooks.subscriptions.values()
        return {one["resource"].rsplit("/", 1)[1]: one for one in found}


def settings(erp, address):
    return {
        "url": f"{erp.base_url}/v2.0",
        "environment": erp.environment,
        "company": erp.company_id,
        "tenant_id": TENANT,
        "login_authority": erp.base_url,
        "web_client": "",
        "reader_id": erp.reader.client_id,
        "reader_secret": erp.reader.secret,
        "notices_url": address,
        "notices_secret": SECRET,
    }


@asynccontextmanager
async def a_line():
    line = Line()
    app = web.Application()
    app.router.add_post("/notices", line.ear.answer)
    async with TestServer(app, host="127.0.0.1") as ear, aiohttp.ClientSession() as session:
        await line.erp.start()
        line.address = str(ear.make_url("/notices"))
        around = Surroundings(
            settings=settings(line.erp, line.address),
            session=session,
            now=lambda: line.now,
            read_within=2.0,
        )
        line.hints = CONNECTOR.hints(around)
        yield line
        await line.erp.stop()


@pytest.fixture
async def line():
    async with a_line() as line:
        yield line


async def test_notices_are_asked_for_where_the_resource_is_supported(line):
    await line.hints.keep()

    assert line.standing.keys() == {"items", "vendors"}
    assert {one["notificationUrl"] for one in line.standing.values()} == {line.address}
    assert {one["clientState"] for one in line.standing.values()} == {SECRET}


async def test_purchase_orders_are_asked_for_when_a_version_supports_them(line):
    line.erp.webhooks.supported.append("purchaseOrders")

    await line.hints.keep()

    assert line.standing.keys() == {"items", "vendors", "purchaseOrders"}


async def test_what_stands_is_not_asked_for_twice(line):
    await line.hints.keep()
    await line.hints.keep()

    assert len(line.erp.webhooks.subscriptions) == 2
    assert line.erp.webhooks.renewals == 0


async def test_what_runs_out_is_renewed_before_it_does(line):
    await line.hints.keep()
    line.now += timedelta(hours=23)
    await line.hints.keep()
    assert line.erp.webhooks.renewals == 0

    line.now += timedelta(hours=2)
    await line.hints.keep()

    assert line.erp.webhooks.renewals == 2
    expires = (line.now + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    assert {one["expirationDateTime"] for one in line.standing.values()} == {expires}


async def test_somebody_elses_subscription_is_left_alone(line):
    theirs = {
        "@odata.etag": "x",
        "subscriptionId": "theirs",
        "notificationUrl": "https://elsewhere.example/notices",
        "resource": f"/api/v2.0/companies({line.erp.company_id})/items",
        "clientState": "theirs",
        "expirationDateTime": "2026-03-02T10:00:00Z",
    }
    line.erp.webhooks.subscriptions["theirs"] = theirs

    await line.hints.keep()

    assert line.erp.webhooks.subscriptions["theirs"] == theirs
    assert len(line.erp.webhooks.subscriptions) == 3


async def test_an_address_that_does_not_shake_hands_gets_no_notices(line):
    line.ear.ours = False

    with pytest.raises(NotSubscribedError, match="no notices of items"):
        await line.hints.keep()

    assert line.standing == {}


async def test_an_erp_that_is_away_is_said(line):
    line.erp.faults.down = True

    with pytest.raises(ErpUnreachableError):
        await line.hints.keep()


async def test_a_notice_brings_our_secret_back(line):
    await line.hints.keep()
    await line.erp.webhooks.tell("items")
    await line.erp.webhooks.tell("items", state="guessed-by-somebody")

    genuine, forged = line.ear.heard
    assert line.hints.heard(genuine)
    assert not line.hints.heard(forged)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"value": []}', b'{"value": [{}]}', b'{"value": [{"clientState": 1}]}'],
)
async def test_what_is_no_notice_is_not_believed(line, body):
    assert not line.hints.heard(body)


async def test_one_notice_of_ours_among_others_is_enough(line):
    notices = [{"clientState": "another"}, {"clientState": SECRET}, {"clientState": "ü"}]

    assert line.hints.heard(json.dumps({"value": notices}).encode())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"notices_url": "http://bot.example/api/erp/notices"}, "notices_url: "),
        ({"notices_secret": "short"}, "notices_secret: "),
    ],
)
def test_notices_need_https_and_a_long_secret(changes, problem):
    good = settings(StandIn(now=lambda: NOW), "https://bot.example/api/erp/notices")
    assert CONNECTOR.problems(good, writes=False) == ()

    (found,) = CONNECTOR.problems(good | changes, writes=False)

    assert found.startswith(problem)


async def test_nothing_is_kept_where_nobody_set_it_up():
    around = Surroundings(
        settings={"notices_url": ""}, session=None, now=lambda: NOW, read_within=2.0
    )

    assert isinstance(CONNECTOR, Hinting)
    assert CONNECTOR.hints(around) is None
