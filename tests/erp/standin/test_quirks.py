"""The stand-in behaves as Business Central does, also where that is awkward."""

import aiohttp
import pytest

from bot.clock import utc_now
from erp.standin.faults import Fault
from erp.standin.plant import seed
from erp.standin.server import StandIn

ORDER = {
    "vendorNumber": "V1010",
    "purchaseOrderLines": [
        {"lineType": "Item", "lineObjectNumber": "BRG-6205", "quantity": 40},
        {"lineType": "Comment", "description": "Countersign CS-7KX2M9QH4T"},
    ],
}


async def created(call):
    status, order = await call("POST", "purchaseOrders", ORDER)
    assert status == 201, order
    path = f"purchaseOrders({order['id']})?$expand=purchaseOrderLines"
    return (await call("GET", path))[1]


def code(answer):
    return answer["error"]["code"]


async def test_a_deep_insert_makes_a_draft_with_a_number_and_totals(call):
    order = await created(call)

    assert order["status"] == "Draft"
    assert order["number"].startswith("PO-")
    assert order["totalAmountExcludingTax"] == 114.0
    assert [line["sequence"] for line in order["purchaseOrderLines"]] == [10000, 20000]


async def test_the_same_body_twice_makes_two_orders(call, erp):
    before = len(erp.orders())
    await created(call)
    await created(call)

    assert len(erp.orders()) == before + 2


async def test_a_bad_line_leaves_nothing_of_the_order(call, erp):
    before = len(erp.orders())
    bad = ORDER | {
        "purchaseOrderLines": [
            *ORDER["purchaseOrderLines"],
            {"lineType": "Item", "lineObjectNumber": "NOTHING", "quantity": 1},
        ]
    }

    status, answer = await call("POST", "purchaseOrders", bad)

    assert (status, code(answer)) == (404, "Internal_RecordNotFound")
    assert len(erp.orders()) == before


async def test_a_moved_tag_is_409_a_missing_one_400_and_a_star_is_taken(call):
    order = await created(call)
    path, change = f"purchaseOrders({order['id']})", {"requestedReceiptDate": "2030-01-01"}

    missing = await call("PATCH", path, change)
    good = await call("PATCH", path, change, If_Match=order["@odata.etag"])
    stale = await call("PATCH", path, change, If_Match=order["@odata.etag"])
    star = await call("PATCH", path, change, If_Match="*")

    assert (missing[0], code(missing[1])) == (400, "BadRequest_InvalidToken")
    assert (stale[0], code(stale[1])) == (409, "Request_EntityChanged")
    assert (good[0], star[0]) == (200, 200)


async def test_a_line_change_moves_the_headers_tag_only_with_the_totals(call):
    order = await created(call)
    line = order["purchaseOrderLines"][0]
    path, header = f"purchaseOrderLines({line['id']})", f"purchaseOrders({order['id']})"

    await call("PATCH", path, {"expectedReceiptDate": "2030-01-01"}, If_Match="*")
    same = (await call("GET", header))[1]
    await call("PATCH", path, {"quantity": 50}, If_Match="*")
    moved = (await call("GET", header))[1]

    assert same["@odata.etag"] == order["@odata.etag"]
    assert moved["@odata.etag"] != order["@odata.etag"]


async def test_a_released_order_is_called_open_and_refuses_quantities_not_dates(call, erp):
    order = await created(call)
    erp.release(order["number"])
    path = f"purchaseOrderLines({order['purchaseOrderLines'][0]['id']})"

    refused = await call("PATCH", path, {"quantity": 50}, If_Match="*")
    taken = await call("PATCH", path, {"expectedReceiptDate": "2030-01-01"}, If_Match="*")
    deleted = await call("DELETE", f"purchaseOrders({order['id']})")

    assert (await call("GET", f"purchaseOrders({order['id']})"))[1]["status"] == "Open"
    assert (refused[0], code(refused[1])) == (400, "Application_DialogException")
    assert taken[0] == 200
    assert deleted[0] == 400


async def test_lines_want_their_document(call):
    order = await created(call)

    without = await call("GET", "purchaseOrderLines")
    within = await call("GET", f"purchaseOrderLines?$filter=documentId eq {order['id']}")

    assert "You must specify an Id or a Document Id" in without[1]["error"]["message"]
    assert len(within[1]["value"]) == 2


async def test_a_sequence_that_is_taken_is_refused(call):
    order = await created(call)
    line = {"lineType": "Comment", "description": "x", "sequence": 10000}

    status, answer = await call("POST", f"purchaseOrders({order['id']})/purchaseOrderLines", line)

    assert status == 400
    assert "a line already exists" in answer["error"]["message"]


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        ({"number": "X"}, 400, "Control 'number' is read-only"),
        ({"wishes": "X"}, 400, "'wishes' does not exist"),
        ({"vendorNumber": "V9999"}, 404, "The Vendor does not exist"),
        ({"requestedReceiptDate": "soon"}, 400, "Edm.Date"),
        (
            {"purchaseOrderLines": [{"lineType": "Comment", "description": "x" * 101}]},
            400,
            "longer than 100",
        ),
    ],
)
async def test_what_it_does_not_take_is_named(call, change, expected, words):
    status, answer = await call("POST", "purchaseOrders", ORDER | change)

    assert status == expected
    assert words in answer["error"]["message"]
    assert "CorrelationId" in answer["error"]["message"]


async def test_blocked_vendors_and_items_are_refused(call, erp):
    erp.set_item("BRG-6205", blocked=True)
    item = await call("POST", "purchaseOrders", ORDER)
    erp.set_item("BRG-6205", blocked=False)
    erp.set_vendor("V1010", blocked="All")
    vendor = await call("POST", "purchaseOrders", ORDER)

    assert "Blocked" in item[1]["error"]["message"]
    assert "Blocked is All" in vendor[1]["error"]["message"]


async def test_the_readers_log_in_cannot_write_and_none_cannot_read(call, erp):
    write = await call("POST", "purchaseOrders", ORDER, who=erp.reader)
    read = await call("GET", "items?$top=1", who=erp.reader)
    nobody = await call("GET", "items", who=None)

    assert (write[0], read[0]) == (403, 200)
    assert nobody[0] == 401
    assert nobody[1].startswith("<html>")


@pytest.mark.parametrize(
    ("fault", "stands"),
    [
        (Fault.ANSWER_LOST_AFTER_COMMIT, 1),
        (Fault.GATEWAY_TIMEOUT_AFTER_COMMIT, 1),
        (Fault.HTML_AFTER_COMMIT, 1),
        (Fault.RESET_BEFORE_COMMIT, 0),
        (Fault.TOO_MANY_REQUESTS, 0),
        (Fault.UNAVAILABLE, 0),
        (Fault.TOKEN_EXPIRED, 0),
    ],
)
async def test_a_fault_says_whether_the_work_was_done(call, erp, fault, stands):
    before = len(erp.orders())
    erp.faults.next("POST", "purchaseOrders", fault)

    try:
        status, _ = await call("POST", "purchaseOrders", ORDER)
    except aiohttp.ClientError:
        status = 0

    assert status != 201
    assert len(erp.orders()) == before + stands


async def test_pages_follow_the_next_link(call, erp):
    first = (await call("GET", "items?$select=number", Prefer="odata.maxpagesize=25"))[1]

    assert len(first["value"]) == 25
    assert first["@odata.nextLink"].startswith(erp.base_url)


async def test_filters_ignore_a_lambda_and_refuse_or_over_two_fields(call):
    everything = await call("GET", "purchaseOrders")
    lambda_ = await call(
        "GET", "purchaseOrders?$filter=purchaseOrderLines/any(l:l/quantity gt 100000)"
    )
    two = await call("GET", "items?$filter=number eq 'A' or displayName eq 'B'")

    assert len(lambda_[1]["value"]) == len(everything[1]["value"])
    assert "distinct fields" in two[1]["error"]["message"]


async def test_the_analytics_query_can_be_missing(call, erp):
    path, api = "outstandingPurchaseLines", "microsoft/analytics/v1.0"

    there = await call("GET", path, api=api)
    erp.analytics = False
    gone = await call("GET", path, api=api)

    assert there[1]["value"]
    assert gone[0] == 404


async def test_posting_is_remembered_so_that_a_test_can_say_it_never_happened(call, erp):
    order = await created(call)

    await call("POST", f"purchaseOrders({order['id']})/Microsoft.NAV.receiveAndInvoice")

    assert erp.posted_irreversibly == [order["number"]]


async def test_a_restart_on_the_same_file_keeps_everything(tmp_path):
    first = StandIn(now=utc_now, path=tmp_path / "erp.db")
    seed(first.store, utc_now().date())
    first.set_item("BRG-6205", unitCost=9)
    orders = first.orders()
    await first.stop()

    second = StandIn(now=utc_now, path=tmp_path / "erp.db")

    assert second.orders() == orders
    assert second.store.by("items", "number", "BRG-6205")["unitCost"] == 9
    await second.stop()


def late(order):
    day = order["purchaseOrderLines"][0]["expectedReceiptDate"]
    return day < utc_now().date().isoformat()


async def test_the_plant_is_large_enough_and_every_reference_resolves(erp):
    items = {one["number"] for one in erp.store.all("items")}
    vendors = {one["number"] for one in erp.store.all("vendors")}
    orders = erp.orders()

    assert len(items) >= 60
    assert len(vendors) >= 15
    assert len(orders) >= 40
    assert 0.25 < sum(map(late, orders)) / len(orders) < 0.45
    assert {order["vendorNumber"] for order in orders} <= vendors
    assert {line["lineObjectNumber"] for o in orders for line in o["purchaseOrderLines"]} <= items
