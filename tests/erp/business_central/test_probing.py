"""What a snapshot does without: queries that are not there, not granted, or granted later."""

import json
from contextlib import asynccontextmanager

import aiohttp
import pytest

from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.reader import ON_ORDER, BusinessCentralReader
from erp.ports import ErpUnreachableError
from erp.snapshot import SCOPES
from tests.build import NOW, an_order_action, an_order_line
from tests.erp.business_central.facts import COMPANY
from tests.erp.business_central.scripted import Says, scripted
from tests.erp.business_central.test_reader import NoTokens
from tests.erp.business_central.wide import a_plant

QUERIES = (
    "itemLedgerEntries",
    "outstandingPurchaseLines",
    "manufacturingProductionOrders",
    "outstandingSalesLines",
    "inventoryProdOrderComponentLines",
    "generalLedgerBudgetEntries",
)
POWER_BI = "the permission set PowerBi Report Basic"


@pytest.fixture
async def plant():
    async with a_plant() as plant:
        yield plant


@asynccontextmanager
async def answering(**answers):
    """Run a reader against a server that answers by the name of the collection."""

    async def step(request):
        said = answers.get(request.path.rsplit("/", 1)[1], [])
        if isinstance(said, list):
            said = Says(200, json.dumps({"value": said}))
        return said.clone()

    async with scripted(step) as erp, aiohttp.ClientSession() as session:
        company = Company(base_url=erp.url, environment="sandbox", company_id=COMPANY)
        client = BusinessCentralClient(session, NoTokens(), company)
        yield BusinessCentralReader(client, now=lambda: NOW), erp


def in_boxes(plant):
    """Let the first line of an order be in a unit that converts for its item alone."""
    order = plant.erp.store.by("purchaseOrders", "number", "PO-106001")
    order["purchaseOrderLines"][0]["unitOfMeasureCode"] = "BOX"


async def test_how_units_convert_is_asked_only_where_a_line_needs_it(plant):
    await plant.read("purchase_lines")
    assert plant.asked("outstandingPurchaseLines") == 0

    in_boxes(plant)
    await plant.read("purchase_lines")
    assert plant.asked("outstandingPurchaseLines") == 2


async def test_without_the_power_bi_app_each_scope_has_a_lesser_source_or_is_missing(plant):
    plant.erp.analytics = False
    in_boxes(plant)

    found = await plant.read(*SCOPES)

    reduced = plant.reduced()
    assert set(reduced) == {"stock", "purchase_lines"}
    assert reduced["stock"].startswith("the sum over all locations, because itemLedgerEntries")
    assert all(POWER_BI in why for why in reduced.values())
    assert set(found.missing) == {"production", "needs", "consumption", "machines"}
    assert all(POWER_BI in found.missing[scope] for scope in ("production", "needs"))
    assert {one.location for one in found.stock} == {None}
    assert {one.item: one.quantity.value for one in found.stock}["BRG-6205"] == 160
    assert (len(found.purchase_lines), len(found.budgets)) == (108, 36)


async def test_needs_without_one_of_their_two_queries_are_told_and_said_to_be_less(plant):
    plant.erp.queries.denied.add("outstandingSalesLines")

    found = await plant.read("needs")

    assert {need.wanted_by for need in found.needs} == {"production"}
    assert found.missing == {}
    assert plant.reduced()["needs"].startswith("without those of sales orders")

    plant.erp.queries.denied = {"inventoryProdOrderComponentLines"}
    plant.later(hours=1)
    found = await plant.read("needs")

    assert {need.wanted_by for need in found.needs} == {"sales"}
    assert plant.reduced()["needs"].startswith("without those of production")


async def test_without_the_finance_app_budgets_come_from_the_power_bi_app(plant):
    whole = await plant.read("budgets")
    plant.erp.finance = False
    plant.later(hours=1)

    found = await plant.read("budgets")

    assert [one.given for one in found.budgets] == [one.given for one in whole.budgets]
    assert {one.origin.entered_at for one in found.budgets} == {plant.now}
    assert "API Reports - Finance" in plant.reduced()["budgets"]


async def test_without_either_budgets_are_missing_and_it_says_what_would_mend_it(plant):
    plant.erp.queries.denied.add("generalLedgerBudgetEntries")

    found = await plant.read("budgets")

    assert found.budgets == ()
    assert "API Reports - Finance" in found.missing["budgets"]
    assert plant.reduced() == {}


async def test_a_query_is_probed_with_one_row_once_an_hour(plant):
    for _ in range(3):
        await plant.read("stock", "needs")
        plant.later(minutes=15)

    assert plant.asked("itemLedgerEntries") == 1 + 3
    plant.later(minutes=15)
    await plant.read("stock")
    assert plant.asked("itemLedgerEntries") == 1 + 3 + 2


async def test_what_is_denied_is_not_asked_for_again_and_again(plant):
    plant.erp.queries.denied.add("itemLedgerEntries")

    for _ in range(3):
        await plant.read("stock")

    assert plant.asked("itemLedgerEntries") == 1


async def test_what_is_granted_later_is_found_by_itself(plant):
    plant.erp.queries.denied |= set(QUERIES)
    in_boxes(plant)
    lesser = await plant.read(*SCOPES)
    plant.erp.queries.denied.clear()
    plant.later(hours=1)

    found = await plant.read(*SCOPES)

    assert {"production", "needs", "budgets"} <= set(lesser.missing)
    assert set(found.missing) == {"consumption", "machines"}
    assert plant.reduced() == {}
    assert None not in {one.location for one in found.stock if one.item == "BRG-6205"}


async def test_what_is_taken_away_within_the_hour_is_noticed_when_it_is_read(plant):
    await plant.read("stock")
    plant.erp.queries.denied.add("itemLedgerEntries")

    found = await plant.read("stock")

    assert {one.location for one in found.stock} == {None}
    assert "stock" in plant.reduced()


async def test_a_query_that_lacks_a_column_counts_as_not_there():
    older = Says(400, '{"error": {"code": "BadRequest"}}')
    async with answering(manufacturingProductionOrders=older) as (reader, _):
        found = await reader.snapshot({"production"})

    assert "manufacturingProductionOrders" in found.missing["production"]


async def test_a_passing_trouble_is_not_taken_for_a_missing_permission():
    trouble = Says(500, "{}")
    async with answering(itemLedgerEntries=trouble, vendors=trouble) as (reader, _):
        for scope in ("stock", "vendors"):
            with pytest.raises(ErpUnreachableError, match="status 500"):
                await reader.snapshot({scope})

    assert reader.capabilities().reduced == {}


@pytest.mark.parametrize("name", ["items", "vendors", "locations", "purchaseOrders"])
async def test_a_standard_collection_that_is_not_granted_is_missing(name):
    refused = {name: Says(403, "{}"), "outstandingPurchaseLines": Says(403, "{}")}
    async with answering(**refused) as (reader, _):
        found = await reader.snapshot(SCOPES)

    scope = "purchase_lines" if name == "purchaseOrders" else name
    assert "the right to read" in found.missing[scope]


async def test_without_items_nothing_that_is_counted_in_their_units_is_told():
    async with answering(items=Says(403, "{}")) as (reader, _):
        found = await reader.snapshot({"stock", "production", "needs", "vendors"})

    assert set(found.missing) == {"stock", "production", "needs"}
    assert all("the right to read items" in why for why in found.missing.values())


async def test_without_the_orders_the_query_tells_what_is_to_come_but_not_how_it_stands():
    row = {
        "documentNo": "106001",
        "documentType": "Order",
        "buyFromVendorNo": "V-1",
        "itemNo": "X",
        "outstandingQtyBase": 12,
        "expectedReceiptDate": "0001-01-01",
        "locationCode": "MAIN",
        "unitOfMeasureCode": "BOX",
        "qtyPerUnitOfMeasure": 12,
    }
    item = {
        "number": "X",
        "displayName": "A thing",
        "blocked": False,
        "inventory": 0,
        "unitCost": 1,
        "baseUnitOfMeasureCode": "PCS",
    }
    async with answering(
        purchaseOrders=Says(403, "{}"),
        items=[item],
        outstandingPurchaseLines=[row, row | {"documentType": "Return_x0020_Order"}],
    ) as (reader, _):
        found = await reader.snapshot({"purchase_lines"})

    (line,) = found.purchase_lines
    assert (line.document, line.line, line.status) == ("106001", 0, "unknown")
    assert (str(line.outstanding), line.unit_cost, line.expected) == ("12 PCS", None, None)
    assert "without line numbers" in reader.capabilities().reduced["purchase_lines"]


@pytest.mark.parametrize("information", [[], [{"currencyCode": ""}], Says(403, "{}")])
async def test_without_a_currency_nothing_is_given_a_price(information):
    async with answering(companyInformation=information) as (reader, _):
        found = await reader.snapshot({"items", "budgets"})

    assert "currency" in found.missing["budgets"]
    assert "without costs" in reader.capabilities().reduced["items"]


async def test_wide_reads_name_their_columns_take_long_pages_and_leave_the_primary_alone():
    async with answering() as (reader, erp):
        await reader.snapshot(SCOPES)

    assert all("$select=" in one.query for one in erp.asked)
    assert {one.headers["Prefer"] for one in erp.asked} == {"odata.maxpagesize=2000"}
    assert {one.headers["Data-Access-Intent"] for one in erp.asked} == {"ReadOnly"}
    (orders,) = [one.query for one in erp.asked if one.path.endswith("/purchaseOrders")]
    assert "$expand=purchaseOrderLines($select=sequence,lineType," in orders


async def test_on_order_in_a_plan_is_asked_for_again_after_an_hour_and_leaves_out_returns(plant):
    line = an_order_line(item="FLT-10U", location=None)
    plant.erp.set_vendor("V1120", currencyCode="EUR")
    action = an_order_action(vendor="V1120", lines=(line,))
    plant.erp.queries.denied.add("outstandingPurchaseLines")

    summed = await plant.reader.plan(action, marker="CS-7KX2M9QH4T")
    assert ON_ORDER in plant.reduced()
    plant.erp.queries.denied.clear()
    plant.later(hours=1)
    asked = await plant.reader.plan(action, marker="CS-7KX2M9QH4T")

    assert plant.reduced() == {}
    assert asked.preconditions == summed.preconditions
