"""The queries of the Power BI and finance apps, as far as they are no entities."""

import pytest

from erp.standin.queries import ANALYTICS, FINANCE
from tests.erp.standin.test_quirks import code

QUERIES = [
    (ANALYTICS, "itemLedgerEntries"),
    (ANALYTICS, "outstandingPurchaseLines"),
    (ANALYTICS, "manufacturingProductionOrders"),
    (ANALYTICS, "inventoryProdOrderComponentLines"),
    (ANALYTICS, "outstandingSalesLines"),
    (ANALYTICS, "generalLedgerBudgetEntries"),
    (FINANCE, "generalLedgerBudgetEntries"),
]


@pytest.mark.parametrize(("api", "name"), QUERIES)
async def test_rows_have_no_tags_and_cannot_be_written(call, api, name):
    status, answer = await call("GET", f"{name}?$top=2", api=api)
    assert status == 200
    assert len(answer["value"]) == 2
    assert not [field for row in answer["value"] for field in row if "etag" in field]

    status, answer = await call("POST", name, {}, api=api)
    assert (status, code(answer)) == (405, "BadRequest_MethodNotAllowed")


@pytest.mark.parametrize(("api", "name"), QUERIES)
async def test_a_query_is_denied_by_its_name(call, erp, api, name):
    erp.queries.denied.add(name)

    status, answer = await call("GET", name, api=api)

    assert (status, code(answer)) == (403, "Authentication_InsufficientPermissions")


async def test_an_app_that_is_not_installed_has_no_queries(call, erp):
    erp.finance = False

    status, _ = await call("GET", "generalLedgerBudgetEntries", api=FINANCE)
    assert status == 404
    status, _ = await call("GET", "generalLedgerBudgetEntries", api=ANALYTICS)
    assert status == 200


@pytest.mark.parametrize("api", [ANALYTICS, FINANCE])
async def test_an_unknown_query_is_not_found(call, api):
    status, _ = await call("GET", "everythingThereIs", api=api)

    assert status == 404


async def test_a_column_that_a_query_does_not_have_is_refused(call):
    status, answer = await call("GET", "itemLedgerEntries?$select=itemNo,lineNo", api=ANALYTICS)

    assert status == 400
    assert "lineNo" in answer["error"]["message"]


async def test_returns_stand_among_what_is_to_come(call):
    _, answer = await call("GET", "outstandingPurchaseLines", api=ANALYTICS)

    assert {row["documentType"] for row in answer["value"]} == {"Order", "Return_x0020_Order"}
