"""The stand-in's Countersign extension does what its AL source is meant to do."""

import hashlib
import json
from datetime import timedelta
from uuid import uuid4

import pytest

from bot.clock import utc_now

API = "countersign/actions/v1.0"


@pytest.fixture
def installed(erp):
    """The stand-in with the extension."""
    erp.extension = True
    return erp


def a_transfer(**changes):
    return {
        "marker": "CS-7KX2M9QH4T",
        "item": "BRG-6205",
        "quantity": "40",
        "unit": "PCS",
        "fromLocation": "LEJ-RAW",
        "toLocation": "GDN-RAW",
        "receiptDate": "2026-03-09",
    } | changes


def an_action(payload=None, *, kind="create_transfer_order", text=None, **changes):
    text = json.dumps(payload or a_transfer()) if text is None else text
    return {
        "actionId": str(uuid4()),
        "kind": kind,
        "payload": text,
        "payloadSha256": hashlib.sha256(text.encode()).hexdigest(),
    } | changes


def code(answer):
    return answer["error"]["code"]


def without(name):
    return {key: value for key, value in a_transfer().items() if key != name}


async def test_a_company_without_the_extension_knows_no_such_api(call):
    status, answer = await call("GET", "actions?$top=1", api=API)

    assert (status, code(answer)) == (404, "BadRequest_NotFound")


@pytest.mark.usefixtures("installed")
async def test_the_extension_has_no_other_pages(call):
    assert (await call("GET", "purchaseOrders", api=API))[0] == 404


@pytest.mark.usefixtures("installed")
async def test_an_action_is_told_with_its_document_as_it_stands(call):
    action = an_action()
    status, made = await call("POST", "actions", action, api=API)
    assert status == 201

    status, row = await call("GET", f"actions({action['actionId']})", api=API)
    listed = (await call("GET", "actions?$top=1", api=API))[1]["value"]
    orders = (await call("GET", "transferOrders"))[1]["value"]

    assert status == 200
    assert row == made
    assert [one["actionId"] for one in listed] == [action["actionId"]]
    assert [one["number"] for one in orders] == [made["documentNo"]]
    assert (row["itemNo"], row["quantity"], row["marker"]) == ("BRG-6205", 40, "CS-7KX2M9QH4T")
    assert row["dueDate"] == "0001-01-01"


async def test_the_same_key_is_taken_whatever_comes_with_it(call, installed):
    action = an_action()
    await call("POST", "actions", action, api=API)

    status, answer = await call("POST", "actions", action | {"kind": "another"}, api=API)

    assert (status, code(answer)) == (409, "Internal_EntityWithSameKeyExists")
    assert len(list(installed.store.all("transferOrders"))) == 1


@pytest.mark.usefixtures("installed")
async def test_an_action_is_never_changed_or_deleted(call):
    action = an_action()
    await call("POST", "actions", action, api=API)
    path = f"actions({action['actionId']})"

    assert (await call("PATCH", path, {"kind": "x"}, api=API))[0] == 405
    assert (await call("DELETE", path, api=API))[0] == 405


async def test_whoever_only_reads_carries_nothing_out(call, installed):
    status, _ = await call("POST", "actions", an_action(), api=API, who=installed.reader)

    assert status == 403
    assert list(installed.store.all("actions")) == []


async def test_a_production_order_moves_with_its_days(call, installed):
    before = installed.store.by("productionOrders", "no", "FA-1001") | {}
    due = utc_now().date() + timedelta(days=30)
    payload = {
        "marker": "CS-7KX2M9QH4T",
        "document": "FA-1001",
        "presentDueDate": before["dueDate"],
        "dueDate": due.isoformat(),
    }

    action = an_action(payload, kind="reschedule_production_order")
    status, row = await call("POST", "actions", action, api=API)

    now = installed.store.by("productionOrders", "no", "FA-1001")
    assert (status, row["documentNo"], row["dueDate"]) == (201, "FA-1001", due.isoformat())
    assert now["startingDate"] > before["startingDate"]


@pytest.mark.usefixtures("installed")
async def test_a_finished_production_order_is_not_moved(call):
    payload = {"marker": "CS-1", "document": "FA-1010", "presentDueDate": "2026-01-01"}
    action = an_action(payload | {"dueDate": "2026-02-01"}, kind="reschedule_production_order")

    status, answer = await call("POST", "actions", action, api=API)

    assert (status, code(answer)) == (400, "Application_DialogException")


REFUSED = {
    "no key": (an_action(actionId="no"), "BadRequest_InvalidRequestBody"),
    "blank key": (
        an_action(actionId="00000000-0000-0000-0000-000000000000"),
        "Application_DialogException",
    ),
    "a field of its own": (an_action(documentNo="TO-1"), "BadRequest_InvalidProperty"),
    "another hash": (an_action(payloadSha256="0" * 64), "Application_DialogException"),
    "too long": (an_action(text='"' + "x" * 2050 + '"'), "Application_StringExceededLength"),
    "no JSON": (an_action(text="{"), "Application_DialogException"),
    "no object": (an_action(text="[]"), "Application_DialogException"),
    "no marker": (an_action(without("marker")), "Application_DialogException"),
    "another kind": (an_action(kind="post_invoice"), "Application_DialogException"),
    "no day": (an_action(a_transfer(receiptDate="soon")), "Application_DialogException"),
    "no number": (an_action(a_transfer(quantity="many")), "Application_DialogException"),
    "less than nothing": (an_action(a_transfer(quantity="-1")), "Application_DialogException"),
    "nowhere": (an_action(a_transfer(toLocation="LEJ-RAW")), "Application_DialogException"),
    "no item": (an_action(a_transfer(item="X")), "Internal_RecordNotFound"),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_what_is_refused_leaves_nothing_behind(call, installed, why):
    action, expected = REFUSED[why]

    status, answer = await call("POST", "actions", action, api=API)

    assert status in (400, 404)
    assert code(answer) == expected
    assert list(installed.store.all("actions")) == []
    assert list(installed.store.all("transferOrders")) == []
