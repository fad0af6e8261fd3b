"""Drafts saved, changed, removed and read back; over HTTP."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from decisions.actions import (
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.plan import PlannedRequest, Precondition
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    Moved,
    NotFound,
    NotPlannableError,
    NotSent,
    Refused,
)
from erp.sap_business_one.plans import NotOurPlanError
from erp.standin.faults import Fault
from tests.build import NOW, USD, an_order_action, an_order_line, pieces, usd
from tests.erp.sap_business_one.service_layer import a_partner, a_warehouse, an_item

MARKER = "CS-7KX2M9QH4T"
OTHER = "CS-0THER"
SOON = NOW + timedelta(minutes=1)


async def saved(bench, action=None):
    """Save the bench's order as a draft; return where it stands."""
    plan = await bench.reader.plan(action or bench.action, marker=MARKER)
    applied = await bench.writer.apply(plan, before=SOON)
    return Found(document=applied.document, document_id=applied.document_id)


def a_quantity(document):
    return SetPurchaseOrderQuantity(document=document, line=0, quantity=pieces(60))


def a_date(document):
    return SetReceiptDate(document=document, line=0, expected_receipt_date=date(2026, 3, 20))


def a_removal(document):
    return CancelDraftPurchaseOrder(document=document)


CHANGES = pytest.mark.parametrize("change", [a_quantity, a_date, a_removal])


@CHANGES
async def test_a_change_that_slips_in_between_look_and_request_is_not_undone(bench, change):
    draft = await saved(bench)
    plan = await bench.reader.plan(change(draft.document), marker=OTHER)
    bench.erp.before_change = lambda: bench.change_quantity(draft.document)

    outcome = await bench.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Moved)
    assert "(ODBC -2039)" in outcome.text
    assert bench.quantity(draft.document) == 41


@pytest.mark.parametrize("change", [a_quantity, a_date])
async def test_a_third_value_says_nothing_of_who_wrote_it(bench, change):
    draft = await saved(bench)
    plan = await bench.reader.plan(change(draft.document), marker=OTHER)
    bench.erp.edit_draft("1", Quantity=Decimal(41), ShipDate="2026-04-01")

    assert isinstance(await bench.writer.probe(plan), CannotTell)


async def test_a_line_that_is_gone_says_nothing(bench):
    draft = await saved(bench)
    plan = await bench.reader.plan(a_quantity(draft.document), marker=OTHER)
    bench.erp.sets["Drafts"]["1"]["DocumentLines"].clear()

    assert isinstance(await bench.writer.probe(plan), CannotTell)
    assert not (await bench.writer.verify(plan, draft)).clean


async def test_only_the_named_fields_of_a_line_are_changed(bench):
    draft = await saved(bench)
    before = dict(bench.erp.sets["Drafts"]["1"]["DocumentLines"][0])
    plan = await bench.reader.plan(a_date(draft.document), marker=OTHER)

    await bench.writer.apply(plan, before=SOON)

    (line,) = bench.erp.sets["Drafts"]["1"]["DocumentLines"]
    assert line == before | {"ShipDate": "2026-03-20"}


async def test_only_the_line_that_is_meant_is_changed(bench):
    later = an_order_line(expected_receipt_date=date(2026, 3, 12))
    draft = await saved(bench, an_order_action(lines=(an_order_line(), later)))
    action = SetPurchaseOrderQuantity(document=draft.document, line=1, quantity=pieces(7))
    plan = await bench.reader.plan(action, marker=OTHER)

    await bench.writer.apply(plan, before=SOON)

    lines = bench.erp.sets["Drafts"]["1"]["DocumentLines"]
    assert [line["Quantity"] for line in lines] == [40, 7]
    assert await bench.writer.probe(plan) == draft
    assert (await bench.writer.verify(plan, draft)).clean


async def test_an_order_without_place_and_date_reads_back_clean(bench):
    line = an_order_line(location=None, expected_receipt_date=None)
    action = an_order_action(lines=(line,))

    draft = await saved(bench, action)

    plan = await bench.reader.plan(action, marker=MARKER)
    assert (await bench.writer.verify(plan, draft)).clean


async def test_an_error_that_says_nothing_of_a_draft_is_not_taken_for_its_absence(bench):
    draft = await saved(bench)
    plan = await bench.reader.plan(a_removal(draft.document), marker=OTHER)
    for _ in range(4):
        bench.erp.faults.next("GET", "Drafts(1)", Fault.TOKEN_EXPIRED)

    assert isinstance(await bench.writer.probe(plan), CannotTell)
    with pytest.raises(ErpUnreachableError):
        await bench.reader.plan(a_removal(draft.document), marker=OTHER)


async def test_a_draft_that_went_back_reads_as_a_difference(bench):
    draft = await saved(bench)
    removal = await bench.reader.plan(a_removal(draft.document), marker=OTHER)

    receipt = await bench.writer.verify(removal, draft)

    assert not receipt.clean


async def test_a_changed_draft_that_is_gone_cannot_be_read_back(bench):
    draft = await saved(bench)
    plan = await bench.reader.plan(a_quantity(draft.document), marker=OTHER)
    bench.erp.sets["Drafts"].clear()

    assert isinstance(await bench.writer.probe(plan), CannotTell)
    with pytest.raises(ErpUnreachableError, match="not there any more"):
        await bench.writer.verify(plan, draft)


async def test_a_draft_that_nobody_knows_is_not_planned_for(bench):
    with pytest.raises(NotPlannableError, match="knows no Draft 99"):
        await bench.reader.plan(a_quantity("Draft 99"), marker=OTHER)


async def test_a_draft_that_was_added_as_an_order_is_not_changed(bench):
    draft = await saved(bench)
    bench.release(draft.document)

    with pytest.raises(NotPlannableError, match="no draft any more"):
        await bench.reader.plan(a_quantity(draft.document), marker=OTHER)


async def test_an_erp_that_is_away_cannot_tell_of_a_change(bench):
    draft = await saved(bench)
    plan = await bench.reader.plan(a_quantity(draft.document), marker=OTHER)
    await bench.away()

    assert isinstance(await bench.writer.probe(plan), CannotTell)
    with pytest.raises(ErpUnreachableError):
        await bench.writer.verify(plan, draft)
    with pytest.raises(ErpUnreachableError):
        await bench.reader.plan(a_quantity(draft.document), marker=OTHER)


async def test_an_order_whose_draft_was_deleted_is_found_by_its_marker(bench):
    draft = await saved(bench)
    plan = await bench.reader.plan(bench.action, marker=MARKER)
    bench.release(draft.document)
    bench.erp.sets["Drafts"].clear()

    found = await bench.writer.probe(plan)

    assert found == Found(document="701", document_id="PurchaseOrders(1)")
    receipt = await bench.writer.verify(plan, found)
    (status,) = [check for check in receipt.fields if not check.same]
    assert (status.field, status.found) == ("status", "Released")


async def test_a_line_that_nobody_planned_is_on_the_receipt(bench):
    draft = await saved(bench)
    plan = await bench.reader.plan(bench.action, marker=MARKER)
    bench.add_line(draft.document)

    receipt = await bench.writer.verify(plan, draft)

    extra = receipt.fields[-1]
    assert (extra.field, extra.planned, extra.found) == ("quantity", None, pieces(3))


async def test_an_order_in_a_foreign_currency_reads_back_in_it(bench):
    bench.set_vendor(Currency="##")
    action = an_order_action(currency=USD, lines=(an_order_line(unit_cost=usd("31.25")),))

    draft = await saved(bench, action)

    plan = await bench.reader.plan(action, marker=MARKER)
    assert (await bench.writer.verify(plan, draft)).clean


async def test_a_marker_that_only_differs_in_case_is_another(bench):
    plan = await bench.reader.plan(bench.action, marker=MARKER)
    await saved(bench)
    bench.release("Draft 1")
    bench.erp.sets["Drafts"]["1"]["NumAtCard"] = MARKER.lower()
    bench.erp.sets["PurchaseOrders"]["1"]["NumAtCard"] = MARKER.lower()

    assert await bench.writer.probe(plan) == NotFound()


async def test_a_session_that_ended_under_a_write_is_not_sent_and_may_be_sent_again(bench):
    plan = await bench.reader.plan(bench.action, marker=MARKER)
    await bench.writer.probe(plan)
    bench.erp.end_sessions()

    first = await bench.writer.apply(plan, before=SOON)
    second = await bench.writer.apply(plan, before=SOON)

    assert isinstance(first, NotSent)
    assert isinstance(second, Applied)
    assert bench.count(MARKER) == 1


async def test_from_its_time_on_nothing_is_sent(bench):
    plan = await bench.reader.plan(bench.action, marker=MARKER)

    outcome = await bench.writer.apply(plan, before=NOW)

    assert isinstance(outcome, NotSent)
    assert bench.writes() == []


async def test_a_log_in_that_is_refused_sent_nothing(bench):
    plan = await bench.reader.plan(bench.action, marker=MARKER)
    bench.erp.users["writer"] = "changed"

    outcome = await bench.writer.apply(plan, before=SOON)

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(minutes=1)


async def test_only_the_writer_changes_anything_and_no_draft_is_ever_made_an_order(bench):
    draft = await saved(bench)
    for change in (a_quantity, a_date, a_removal):
        plan = await bench.reader.plan(change(draft.document), marker=OTHER)
        await bench.writer.apply(plan, before=SOON)

    writes = bench.writes()
    assert {one["user"] for one in writes} == {"writer"}
    assert [one["path"] for one in writes] == [
        "/b1s/v2/Drafts",
        *["/b1s/v2/Drafts(1)"] * 3,
    ]


async def test_lines_of_others_whose_unit_is_not_known_are_said_to_be_unreadable(bench):
    await saved(bench)
    bench.erp.hide_inventory_quantity = True

    plan = await bench.reader.plan(bench.action, marker=OTHER)

    (on_order,) = [one for one in plan.preconditions if one.name == "quantity already on order"]
    assert on_order.value == "cannot be read"


async def test_what_orders_bring_and_what_drafts_would_bring_is_added_up(bench):
    stock = [
        {"WarehouseCode": "MAIN", "InStock": Decimal(112), "Ordered": Decimal(25)},
        {"WarehouseCode": "YARD", "InStock": Decimal(0), "Ordered": Decimal(5)},
    ]
    bench.set_item(ItemWarehouseInfoCollection=stock)
    await saved(bench)

    plan = await bench.reader.plan(bench.action, marker=OTHER)

    (on_order,) = [one for one in plan.preconditions if one.name == "quantity already on order"]
    assert on_order.value == "70"


async def test_what_others_order_of_something_else_does_not_count(bench):
    bench.erp.put("Items", an_item(ItemCode="2000"))
    await saved(bench, an_order_action(lines=(an_order_line(item="2000"),)))

    plan = await bench.reader.plan(bench.action, marker=OTHER)

    (on_order,) = [one for one in plan.preconditions if one.name == "quantity already on order"]
    assert on_order.value == "0"


async def test_a_quote_in_a_name_is_no_end_of_a_filter(bench):
    bench.erp.put("BusinessPartners", a_partner(CardCode="O'NEIL"))
    bench.erp.put("Warehouses", a_warehouse(WarehouseCode="M' or '1'='1"))

    plan = await bench.reader.plan(
        an_order_action(vendor="O'NEIL", lines=(an_order_line(location="M' or '1'='1"),)),
        marker=MARKER,
    )

    assert isinstance(await bench.writer.apply(plan, before=SOON), Applied)


def a_request(**overrides):
    defaults = {"method": "PATCH", "path": "Drafts(1)", "body": '{"DocumentLines":[]}'}
    return (PlannedRequest(**defaults | overrides),)


VERSION = (Precondition(name="document version", subject="Draft 1", value='W/"1"'),)
ONE_LINE = '{"DocumentLines":[{"LineNum":0,"Quantity":1}]}'
TWO = '{"DocumentLines":[{"LineNum":0,"Quantity":1,"ShipDate":"2026-03-20"}]}'
NO_LINES = (
    '{"DocObjectCode":"oPurchaseOrders","DocType":"dDocument_Items","CardCode":"V","DocCurrency":'
    f'"EUR","NumAtCard":"{MARKER}","DocumentLines":[]}}'
)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"connector": "business_central"}, "it is for business_central"),
        ({"company": "OTHER"}, "it is for company OTHER"),
        ({"requests": ()}, "not one request"),
        ({"marker": OTHER}, "does not carry its marker"),
        ({"requests": a_request(method="POST", path="Drafts", body=NO_LINES)}, "no draft of a"),
        ({"requests": a_request(method="POST", path="PurchaseOrders")}, "for no draft"),
        ({"requests": a_request(method="POST")}, "for no draft"),
        ({"requests": a_request(path="PurchaseOrders(1)", body=ONE_LINE)}, "for no draft"),
        ({"requests": a_request(body=ONE_LINE), "preconditions": ()}, "which version"),
        ({"requests": a_request(), "preconditions": VERSION}, "does not change one line"),
        ({"requests": a_request(body=TWO), "preconditions": VERSION}, "exactly one thing"),
        (
            {"requests": a_request(body='{"CardCode":"V"}'), "preconditions": VERSION},
            "not on the list",
        ),
    ],
)
async def test_a_plan_that_is_not_ours_is_not_sent(bench, changed, why):
    plan = replace(await bench.reader.plan(bench.action, marker=MARKER), **changed)

    outcome = await bench.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Refused)
    assert why in outcome.text
    with pytest.raises(NotOurPlanError, match=why):
        await bench.writer.probe(plan)
    assert bench.writes() == []


@pytest.mark.parametrize("document_id", ["", "Invoices(1)", "Drafts(1)/Cancel", "Drafts(1)?x=y"])
async def test_a_document_that_is_none_of_ours_is_not_read(bench, document_id):
    plan = await bench.reader.plan(bench.action, marker=MARKER)

    with pytest.raises(NotOurPlanError, match="no document of ours"):
        await bench.writer.verify(plan, Found(document="1", document_id=document_id))
