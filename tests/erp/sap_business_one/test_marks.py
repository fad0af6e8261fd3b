"""What carries a mark of ours, and whom to write to; over HTTP."""

from datetime import timedelta

import pytest

from decisions.reconciliation import Marked
from erp.ports import Contact, ErpUnreachableError, NotPlannableError
from tests.build import NOW

ONE, TWO, THREE = "CS-0000000001", "CS-0000000002", "CS-0000000003"


async def saved(bench, *markers):
    """Save a draft for each marker and return their names."""
    names = []
    for marker in markers:
        plan = await bench.reader.plan(bench.action, marker=marker)
        applied = await bench.writer.apply(plan, before=NOW + timedelta(minutes=1))
        names.append(applied.document)
    return names


async def test_drafts_are_found_by_their_marks_and_those_of_people_are_not(bench):
    await saved(bench, ONE, "4711", "CS-bearings")

    assert await bench.reader.marked(since=NOW) == (
        Marked(marker=ONE, document="Draft 1", document_id="Drafts(1)"),
    )


async def test_an_order_that_came_of_a_draft_is_the_same_document(bench):
    first, second = await saved(bench, ONE, TWO)
    bench.release(first)

    found = await bench.reader.marked(since=NOW)

    assert [(one.marker, one.document) for one in found] == [(ONE, first), (TWO, second)]


async def test_two_orders_of_one_draft_and_two_drafts_of_one_mark_are_two(bench):
    (first, second, third) = await saved(bench, ONE, TWO, TWO)
    bench.release(first)
    order = bench.erp.sets["PurchaseOrders"]["1"]
    bench.erp.put("PurchaseOrders", order | {"DocEntry": 2, "DocNum": 702})

    found = await bench.reader.marked(since=NOW)

    assert sorted((one.marker, one.document) for one in found) == [
        (ONE, "702"),
        (ONE, first),
        (TWO, second),
        (TWO, third),
    ]


async def test_an_order_whose_draft_is_gone_is_found_as_itself(bench):
    (draft,) = await saved(bench, THREE)
    bench.release(draft)
    bench.delete(draft)

    assert await bench.reader.marked(since=NOW) == (
        Marked(marker=THREE, document="701", document_id="PurchaseOrders(1)"),
    )


async def test_a_vendor_is_reached_where_the_partner_says(bench):
    bench.set_vendor(EmailAddress=None)
    silent = await bench.reader.contact("V-2040")
    bench.set_vendor(EmailAddress="orders@nordlager.example")

    assert silent == Contact(vendor="V-2040", name="Nordlager GmbH", email="")
    assert (await bench.reader.contact("V-2040")).email == "orders@nordlager.example"


async def test_a_vendor_that_nobody_knows_is_not_reached(bench):
    with pytest.raises(NotPlannableError, match="knows no vendor NOBODY"):
        await bench.reader.contact("NOBODY")


async def test_an_erp_that_is_away_says_neither(bench):
    await bench.away()

    with pytest.raises(ErpUnreachableError):
        await bench.reader.marked(since=NOW)
    with pytest.raises(ErpUnreachableError):
        await bench.reader.contact("V-2040")
