"""What the reader asks for, and what it does without when it may not."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest

from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.reader import ON_ORDER, BusinessCentralReader
from erp.ports import ErpUnreachableError, NotPlannableError
from tests.build import NOW, an_order_action, an_order_line
from tests.erp.business_central.facts import COMPANY, MAIN
from tests.erp.business_central.scripted import Says, scripted

MARKER = "CS-7KX2M9QH4T"
VENDOR = {
    "number": "V-2040",
    "displayName": "Nordlager GmbH",
    "currencyCode": "EUR",
    "blocked": "_x0020_",
}
ITEM = {
    "number": "1000-B6204",
    "displayName": "Deep groove bearing 6204",
    "blocked": False,
    "inventory": 12,
    "unitCost": 30.10,
    "baseUnitOfMeasureCode": "PCS",
}
OUTSTANDING = {"itemNo": "1000-B6204", "outstandingQtyBase": 2.5}


class NoTokens:
    scheme = "Bearer"

    async def token(self):
        return "token"

    def forget(self):
        """Have nothing to forget."""


def an_open_line(**overrides):
    return {
        "sequence": 10000,
        "lineType": "Item",
        "lineObjectNumber": "1000-B6204",
        "unitOfMeasureCode": "PCS",
        "quantity": 10,
        "receivedQuantity": 4,
    } | overrides


def an_open_order(*lines):
    return {
        "id": "5d115c9c-44e3-ea11-bb43-000d3a2feca1",
        "number": "106001",
        "vendorNumber": "V-1",
        "purchaseOrderLines": list(lines),
    }


@asynccontextmanager
async def reading(**answers):
    """Run a reader against a server that answers by the name of the collection."""
    known = {
        "vendors": [VENDOR],
        "items": [ITEM],
        "locations": [{"id": str(MAIN), "code": "MAIN"}],
        "outstandingPurchaseLines": [OUTSTANDING, OUTSTANDING],
    } | answers

    async def step(request):
        answer = known.get(request.path.rsplit("/", 1)[1], Says(404, "{}"))
        if isinstance(answer, float):
            await asyncio.sleep(answer)
        rows = answer if isinstance(answer, list) else []
        said = answer if isinstance(answer, Says) else Says(200, json.dumps({"value": rows}))
        return said.clone()

    async with scripted(step) as erp, aiohttp.ClientSession() as session:
        company = Company(base_url=erp.url, environment="sandbox", company_id=COMPANY)
        client = BusinessCentralClient(session, NoTokens(), company)
        yield BusinessCentralReader(client, now=lambda: NOW, budget=0.5), erp


def on_order(plan):
    return next(fact.value for fact in plan.preconditions if fact.name == ON_ORDER)


async def plan_of(reader, action=None):
    return await reader.plan(action or an_order_action(), marker=MARKER)


async def test_everything_is_asked_for_by_number_and_from_the_primary():
    async with reading() as (reader, erp):
        plan = await plan_of(reader)

    asked = {one.path.rsplit("/", 1)[1]: one for one in erp.asked}
    assert {name: one.query for name, one in asked.items()} == {
        "vendors": "$filter=number eq 'V-2040'",
        "items": "$filter=number eq '1000-B6204'",
        "locations": "$filter=code eq 'MAIN'",
        "outstandingPurchaseLines": "$filter=itemNo eq '1000-B6204'",
    }
    assert [one for one in erp.asked if "Data-Access-Intent" in one.headers] == []
    assert on_order(plan) == "5"
    assert reader.capabilities().reduced == {}


async def test_items_of_several_lines_are_asked_for_together():
    lines = (an_order_line(), an_order_line(), an_order_line(item="X"))
    async with reading() as (reader, erp):
        with pytest.raises(NotPlannableError, match="no item X"):
            await plan_of(reader, an_order_action(lines=lines))

    (asked,) = [one.query for one in erp.asked if one.path.endswith("/items")]
    assert asked == "$filter=number eq '1000-B6204' or number eq 'X'"


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_without_the_query_the_open_orders_are_summed_up_and_it_says_so(status):
    orders = [
        an_open_order(an_open_line(), an_open_line(lineObjectNumber="X", quantity=99)),
        an_open_order(an_open_line(quantity=1, receivedQuantity=0), an_open_line(lineType="Y")),
    ]
    denied = Says(status, "{}")
    async with reading(outstandingPurchaseLines=denied, purchaseOrders=orders) as (reader, erp):
        first, second = await plan_of(reader), await plan_of(reader)

    assert (on_order(first), on_order(second)) == ("7", "7")
    assert "Power BI Report Basic" in reader.capabilities().reduced[ON_ORDER]
    asked = [one for one in erp.asked if one.path.endswith("/outstandingPurchaseLines")]
    assert len(asked) == 1


async def test_open_orders_in_a_unit_that_does_not_convert_are_not_guessed_at():
    orders = [an_open_order(an_open_line(unitOfMeasureCode="BOX"), an_open_line())]
    async with reading(outstandingPurchaseLines=Says(404, "{}"), purchaseOrders=orders) as (
        reader,
        _,
    ):
        assert on_order(await plan_of(reader)) == "cannot be read"


async def test_without_either_the_plan_says_that_it_could_not_be_read():
    denied = Says(403, "{}")
    async with reading(outstandingPurchaseLines=denied, purchaseOrders=denied) as (reader, _):
        plan = await plan_of(reader)

    assert on_order(plan) == "cannot be read"
    assert "neither" in reader.capabilities().reduced[ON_ORDER]


@pytest.mark.parametrize("name", ["outstandingPurchaseLines", "purchaseOrders"])
async def test_a_passing_trouble_is_not_taken_for_a_missing_permission(name):
    denied = {"outstandingPurchaseLines": Says(403, "{}")} | {name: Says(500, "{}")}
    async with reading(**denied) as (reader, _):
        with pytest.raises(ErpUnreachableError, match="status 500"):
            await plan_of(reader)

    assert reader.capabilities().reduced == {}


async def test_the_companys_currency_is_read_for_a_vendor_without_one():
    vendor = VENDOR | {"currencyCode": ""}
    async with reading(vendors=[vendor], companyInformation=[{"currencyCode": "EUR"}]) as (
        reader,
        _,
    ):
        plan = await plan_of(reader)

    assert "currencyCode" not in plan.requests[0].body


async def test_a_company_that_names_no_currency_is_not_ordered_in():
    async with reading(vendors=[VENDOR | {"currencyCode": ""}], companyInformation=[]) as (
        reader,
        _,
    ):
        with pytest.raises(NotPlannableError, match="no currency"):
            await plan_of(reader)


async def test_a_plan_takes_no_longer_than_its_budget():
    async with reading(items=1.0) as (reader, _):
        began = asyncio.get_running_loop().time()

        with pytest.raises(ErpUnreachableError, match="no answer in time"):
            await plan_of(reader)

        assert asyncio.get_running_loop().time() - began < 0.9


async def test_a_line_without_a_location_asks_for_none():
    action = an_order_action(lines=(an_order_line(location=None),))
    async with reading() as (reader, erp):
        await plan_of(reader, action)

    assert [one for one in erp.asked if one.path.endswith("/locations")] == []


async def test_an_unknown_item_is_said_without_asking_for_its_orders():
    async with reading(items=[]) as (reader, erp):
        with pytest.raises(NotPlannableError, match="knows no item"):
            await plan_of(reader)

    assert [one for one in erp.asked if one.path.endswith("/outstandingPurchaseLines")] == []


def test_what_cannot_be_written_says_what_it_needs():
    able = BusinessCentralReader(client=None, now=lambda: NOW).capabilities()

    assert able.writes == {
        "create_purchase_order",
        "add_po_line",
        "set_po_quantity",
        "set_receipt_date",
        "cancel_draft_po",
        "acknowledge",
    }
    assert able.needs == {
        "create_transfer_order": "needs the Countersign extension in Business Central",
        "reschedule_production_order": "needs the Countersign extension in Business Central",
        "send_supplier_chaser": "not switched on in this version",
    }
