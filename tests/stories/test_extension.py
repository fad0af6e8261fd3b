"""What only the Countersign extension can do in Business Central, from Teams to the receipt."""

from datetime import timedelta

import pytest

from bot.cli.doctor import examined
from bot.clock import utc_now
from bot.workflow.balance import balance
from erp.standin.faults import Fault
from tests.stories.world import ANA


def day(days):
    return f"{utc_now() + timedelta(days=days):%Y-%m-%d}"


def transfer():
    """Return a transfer of bearings as a vendor's AI would send it."""
    return {
        "kind": "create_transfer_order",
        "item": "BRG-6205",
        "quantity": "60",
        "unit": "PCS",
        "from_location": "LEJ-RAW",
        "to_location": "GDN-RAW",
        "receipt_date": day(4),
    }


def reschedule():
    """Return another due date for a production order, as a vendor's AI would send it."""
    return {"kind": "reschedule_production_order", "document": "FA-1001", "due_date": day(14)}


DRAFTS = {"transfer": transfer, "reschedule": reschedule}


@pytest.fixture(params=DRAFTS)
def action(request):
    """Each kind that the extension carries out."""
    return DRAFTS[request.param]()


def transfers(world):
    return list(world.erp.store.all("transferOrders"))


def posts(world):
    return [one for one in world.erp.log if one.method != "GET"]


async def test_an_approved_action_is_carried_out_once_and_read_back(world, action):
    world.erp.extension = True
    message = await world.recommend(action=action)
    assert "Approve" in str(message.card)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()

    assert "as approved" in message.text
    (sent,) = posts(world)
    assert sent.path == "actions"
    told = await world.tell(world.id)
    if action["kind"] == "create_transfer_order":
        (order,) = transfers(world)
        assert (order["transferToCode"], order["quantity"]) == ("GDN-RAW", 60)
        assert told["receipt"]["document"] == order["number"]
        assert f"Transfer order {order['number']} stands in Business Central" in message.text
    else:
        made = world.erp.store.by("productionOrders", "no", "FA-1001")
        assert made["dueDate"] == day(14)
        assert " → " in message.text
        assert "Production order FA-1001 was moved in Business Central" in message.text


async def test_a_lost_answer_is_looked_up_and_never_sent_again(world, action):
    world.erp.extension = True
    message = await world.recommend(action=action)
    world.erp.faults.next("POST", "actions", Fault.ANSWER_LOST_AFTER_COMMIT)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()

    assert len(posts(world)) == 1
    assert (await world.story(world.id)).count("unknown") == 1


async def test_without_the_extension_the_card_says_so_and_can_be_acknowledged(world, action):
    message = await world.recommend(action=action)

    assert "needs the Countersign extension in Business Central" in message.text
    assert "approve" not in world.verbs(message)
    assert "acknowledge" in world.verbs(message)
    assert posts(world) == []


async def test_a_program_that_starts_again_still_shows_what_was_planned(world):
    world.erp.extension = True
    message = await world.recommend(action=transfer())
    asked = sum(one.path == "actions" for one in world.erp.log)
    await world.stop()
    await world.start()

    await world.teams.press(ANA, message, "why")
    reply = await world.teams.press(ANA, message, "Back")
    assert sum(one.path == "actions" for one in world.erp.log) == asked
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)

    assert "needs the Countersign extension" not in reply.text
    assert len(transfers(world)) == 1


async def test_an_item_that_was_blocked_meanwhile_is_not_moved(world):
    world.erp.extension = True
    message = await world.recommend(action=transfer())
    world.erp.set_item("BRG-6205", blocked=True)

    reply = await world.teams.press(ANA, message, "approve")
    await world.settled()

    assert "is blocked in Business Central" in reply.text
    assert (posts(world), transfers(world)) == ([], [])


async def test_an_extension_that_was_removed_meanwhile_writes_nothing(world):
    world.erp.extension = True
    message = await world.recommend(action=transfer())
    await world.stop()
    world.erp.extension = False
    await world.start()

    reply = await world.teams.press(ANA, message, "approve")
    await world.settled()

    assert "needs the Countersign extension" in reply.text
    assert posts(world) == []


async def test_what_was_carried_out_is_held_against_the_approvals(world, action):
    world.erp.extension = True
    message = await world.recommend(action=action)
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()
    assert await balance(world.bot.ctx, back=timedelta(days=1)) == ()

    (row,) = world.erp.store.all("actions")
    forged = {"id": "5d115c9c-44e3-4a11-bb43-000d3a2feca1", "marker": "CS-0000000000"}
    world.erp.store.put("actions", row | forged)

    (wrong,) = await balance(world.bot.ctx, back=timedelta(days=1))
    assert (wrong.what, wrong.marker) == ("nobody_approved", "CS-0000000000")


async def test_doctor_finds_the_extension(world):
    world.erp.extension = True

    found = {one.what: one.says async for one in examined(world.bot.ctx)}

    assert "create_transfer_order" in found["Business Central: writes"]
    assert "Business Central: reschedule_production_order" not in found
