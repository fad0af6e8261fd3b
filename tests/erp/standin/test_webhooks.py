"""The stand-in tells of changes as Business Central does."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.bot.demo.free_port import a_free_port

SUBSCRIPTIONS = "v2.0/subscriptions"


@pytest.fixture
async def ask(erp):
    """Call what belongs to no company, with the reader's token or none."""
    async with aiohttp.ClientSession() as session:
        form = {"client_id": erp.reader.client_id, "client_secret": erp.reader.secret}
        async with session.post(f"{erp.base_url}/t/oauth2/v2.0/token", data=form) as answer:
            token = (await answer.json())["access_token"]

        async def ask(method, path, body=None, *, known=True, **headers):
            if known:
                headers["Authorization"] = f"Bearer {token}"
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            address = f"{erp.base_url}/v2.0/Production/api/{path}"
            async with session.request(method, address, json=body, headers=names) as answer:
                return answer.status, await answer.json() if answer.status < 401 else {}

        yield ask


class Ear:
    """Somebody who takes notices, and with which status."""

    def __init__(self):
        self.status = 202
        self.address = ""

    async def answer(self, request):
        token = request.query.get("validationToken")
        return web.Response(text=token) if token else web.Response(status=self.status)


@pytest.fixture
async def ear():
    """Somebody who takes notices, listening."""
    ear, app = Ear(), web.Application()
    app.router.add_post("/", ear.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        ear.address = str(server.make_url("/"))
        yield ear


def a_wish(address, kind="items"):
    return {
        "notificationUrl": address,
        "resource": f"/api/v2.0/companies(8f6b2f6e-2c55-4a55-9b0a-5b8f7c1d0a01)/{kind}",
        "clientState": "ours",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", SUBSCRIPTIONS),
        ("POST", SUBSCRIPTIONS),
        ("PATCH", f"{SUBSCRIPTIONS}('x')"),
        ("GET", "microsoft/runtime/beta/companies(x)/webhookSupportedResources"),
    ],
)
async def test_nobody_subscribes_without_a_token(ask, method, path):
    assert (await ask(method, path, {}, known=False))[0] == 401


async def test_purchase_orders_are_not_among_what_is_told(ask):
    path = "microsoft/runtime/beta/companies(x)/webhookSupportedResources"

    status, answer = await ask("GET", path)

    assert status == 200
    assert {"resource": "v2.0/items"} in answer["value"]
    assert {"resource": "v2.0/purchaseOrders"} not in answer["value"]


async def test_an_address_where_nobody_listens_is_not_subscribed(ask, erp):
    nowhere = f"http://127.0.0.1:{a_free_port()}/"

    status, _ = await ask("POST", SUBSCRIPTIONS, a_wish(nowhere))

    assert status == 400
    assert erp.webhooks.subscriptions == {}


async def test_a_renewal_needs_the_subscriptions_own_tag(ask, ear):
    wish = a_wish(ear.address)
    made = (await ask("POST", SUBSCRIPTIONS, wish))[1]
    path = f"{SUBSCRIPTIONS}('{made['subscriptionId']}')"

    assert (await ask("PATCH", path, wish, If_Match="stale"))[0] == 409
    assert (await ask("PATCH", f"{SUBSCRIPTIONS}('x')", wish, If_Match="x"))[0] == 404
    assert (await ask("PATCH", path, wish, If_Match=made["@odata.etag"]))[0] == 200


async def test_whoever_turns_a_notice_down_hears_no_more(ask, erp, ear):
    await ask("POST", SUBSCRIPTIONS, a_wish(ear.address))
    ear.status = 503
    assert await erp.webhooks.tell("items") == 503
    assert len(erp.webhooks.subscriptions) == 1

    ear.status = 404
    assert await erp.webhooks.tell("items") == 404

    assert erp.webhooks.subscriptions == {}


async def test_only_who_asked_for_a_kind_is_told_of_it(ask, erp, ear):
    await ask("POST", SUBSCRIPTIONS, a_wish(ear.address))

    assert await erp.webhooks.tell("vendors") == 0
