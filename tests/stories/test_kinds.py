"""Every change of an order that stands, from the recommendation to the receipt."""

import copy
from datetime import timedelta

import pytest

from bot.clock import utc_now
from erp.standin.faults import Fault
from tests.stories.world import ANA


@pytest.fixture
def draft(world):
    """A draft order of the plant and its first line, as they stand now."""
    order = copy.deepcopy(_first_draft(world))
    return order, _lines(order)[0]


def _first_draft(world):
    return next(
        one
        for one in world.erp.orders()
        if (one["status"], one["currencyCode"]) == ("Draft", "EUR") and _lines(one)
    )


def _lines(order):
    return [line for line in order["purchaseOrderLines"] if line["lineType"] == "Item"]


def standing(world, number):
    return world.erp.store.by("purchaseOrders", "number", number)


def in_days(days):
    return f"{utc_now() + timedelta(days=days):%Y-%m-%d}"


def action_of(kind, order, line, *, world):
    """Return the drafted action as a vendor's AI would send it."""
    own = {"kind": kind, "document": order["number"]}
    match kind:
        case "set_po_quantity":
            more = str(line["quantity"] + 10)
            return own | {
                "line": line["sequence"],
                "quantity": more,
                "unit": line["unitOfMeasureCode"],
            }
        case "set_receipt_date":
            return own | {"line": line["sequence"], "expected_receipt_date": in_days(21)}
        case "add_po_line":
            return own | {"line": world.stockout()["action"]["lines"][0]}
        case _:
            return own


WRITE = {"add_po_line": ("POST", "purchaseOrderLines"), "cancel_draft_po": ("DELETE", ")")}
"""What the write of a kind asks, where it is no PATCH."""

KINDS = ("set_po_quantity", "set_receipt_date", "add_po_line", "cancel_draft_po")


@pytest.fixture(params=KINDS)
def kind(request):
    """Each of them."""
    return request.param


async def recommended(world, kind, draft, **changes):
    action = action_of(kind, *draft, world=world)
    return await world.recommend(kind="overdue_purchase_order", action=action, **changes)


async def test_an_approved_change_is_made_once_and_read_back(world, draft, kind):
    order, line = draft
    before = len(_lines(order))
    message = await recommended(world, kind, draft)
    assert order["number"] in message.text

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()

    assert "as approved" in message.text
    now = standing(world, order["number"])
    match kind:
        case "set_po_quantity":
            assert _lines(now)[0]["quantity"] == line["quantity"] + 10
            assert " → " in message.text
        case "set_receipt_date":
            assert _lines(now)[0]["expectedReceiptDate"] == in_days(21)
        case "add_po_line":
            assert len(_lines(now)) == before + 1
        case _:
            assert now is None
            assert "was cancelled in Business Central" in message.text
    assert (await world.story(world.id)).count("written") == 1
    told = await world.tell(world.id)
    assert told["receipt"]["document"] == order["number"]


async def test_a_lost_answer_is_looked_up_and_never_sent_again(world, draft, kind):
    message = await recommended(world, kind, draft)
    world.erp.faults.next(*WRITE.get(kind, ("PATCH", ")")), Fault.ANSWER_LOST_AFTER_COMMIT)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()

    sent = [one for one in world.erp.log if one.method != "GET"]
    assert len(sent) == 1
    assert (await world.story(world.id)).count("unknown") == 1


async def test_a_token_that_ran_out_in_the_middle_is_replaced_and_the_write_goes_on(
    world, draft, kind
):
    message = await recommended(world, kind, draft)
    world.erp.faults.next(*WRITE.get(kind, ("PATCH", ")")), Fault.TOKEN_EXPIRED)

    await world.teams.press(ANA, message, "approve")
    while world.erp.faults.pending:
        await world.settled()
    await world.hurry()
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()

    assert (await world.story(world.id)).count("not_sent") == 1
    assert (await world.story(world.id)).count("written") == 1


async def test_a_person_who_edits_meanwhile_is_not_overwritten(world, draft, kind):
    order, line = draft
    message = await recommended(world, kind, draft)
    world.erp.edit_order(order["number"], quantity=line["quantity"] + 3)

    reply = await world.teams.press(ANA, message, "approve")
    await world.settled()

    assert "Changed since the last time" in reply.text
    assert [one for one in world.erp.log if one.method != "GET"] == []
    assert standing(world, order["number"]) is not None
    assert (await world.story(world.id)).count("written") == 0


async def test_another_quantity_than_was_recommended_is_what_is_written(world, draft):
    order, line = draft
    message = await recommended(world, "set_po_quantity", draft)

    await world.teams.press(ANA, message, "changes")
    costed = await world.teams.press(ANA, message, "recost", quantity_0=f"{line['quantity'] + 4}")
    await world.teams.press(ANA, message, "approve_changed")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)

    assert "Is this what you want?" in costed.text
    assert _lines(standing(world, order["number"]))[0]["quantity"] == line["quantity"] + 4


async def test_another_date_than_was_recommended_is_what_is_written(world, draft):
    order, _ = draft
    message = await recommended(world, "set_receipt_date", draft)

    await world.teams.press(ANA, message, "changes")
    await world.teams.press(ANA, message, "recost", date_0=in_days(30))
    await world.teams.press(ANA, message, "approve_changed")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)

    assert _lines(standing(world, order["number"]))[0]["expectedReceiptDate"] == in_days(30)


async def test_a_deletion_can_only_be_approved_as_it_is(world, draft):
    message = await recommended(world, "cancel_draft_po", draft)

    assert "changes" not in world.verbs(message)


async def test_two_changes_of_one_order_do_not_overlap(world, draft):
    first = await recommended(world, "set_po_quantity", draft)
    first_id = world.id
    second = await recommended(world, "set_receipt_date", draft, id="planner-2")

    await world.teams.press(ANA, first, "approve")
    await world.teams.press(ANA, second, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in first.text)
    await world.settled()

    # The second one relied on the line as it was before the first: Ana is asked again.
    assert (await world.story(first_id)).count("written") == 1
    kinds = await world.story(world.id)
    assert "asked_again" in kinds
    assert "approve" in world.verbs(second)


async def test_a_receipt_links_to_the_order_in_the_web_client(world):
    message = await world.recommend()

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)

    (order,) = world.orders()
    text = str(message.card)
    assert "Open in Business Central" in text
    assert f"page=50&filter=%27Purchase%20Header%27.%27No.%27%20IS%20%27{order['number']}" in text
    assert "company=Nordwerk" in text
