"""The ERP and our records are held against each other, every night and on demand."""

from datetime import timedelta

import pytest

from bot.workflow.balance import balance
from tests.stories.world import ANA, ROUTING, World

DAY = timedelta(days=1)
WITH_ALARMS = ROUTING.replace("rates:", "alarms: purchasing\nrates:", 1)


@pytest.fixture
async def plant(database, tmp_path):
    """A plant with a channel for alarms."""
    async with World(database, tmp_path, routing=WITH_ALARMS) as world:
        yield world


async def written(world, **changes):
    message = await world.recommend(**changes)
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    await world.settled()
    return world.orders()[-1]


async def compared(world):
    return [one.what for one in await balance(world.bot.ctx, back=DAY)]


def said(world):
    return [one.text for one in world.teams.messages()]


async def test_what_was_approved_and_stands_balances(plant):
    await written(plant)

    assert await compared(plant) == []


async def test_an_order_that_nobody_approved_is_told_once(plant):
    order = await written(plant)
    forged = {
        "vendorNumber": order["vendorNumber"],
        "purchaseOrderLines": [
            {"lineType": "Comment", "description": "Countersign CS-0000000000"}
        ],
    }
    plant.erp._book.create(forged)  # noqa: SLF001  somebody with the writer's log-in

    assert await compared(plant) == ["nobody_approved"]
    assert await compared(plant) == ["nobody_approved"]
    await plant.settled()

    told = [text for text in said(plant) if "nobody approved it here" in text]
    assert len(told) == 1
    assert (await plant.story()).count("discrepancy") == 1


async def test_an_order_that_somebody_copied_is_told(plant):
    order = await written(plant)
    lines = [
        {"lineType": "Comment", "description": line["description"]}
        for line in order["purchaseOrderLines"]
        if line["lineType"] == "Comment"
    ]
    plant.erp._book.create(  # noqa: SLF001  a person, in the client
        {"vendorNumber": order["vendorNumber"], "purchaseOrderLines": lines}
    )

    assert await compared(plant) == ["twice"]
    await plant.settled()
    assert any("several orders" in text for text in said(plant))


async def test_an_order_that_was_deleted_is_told(plant):
    order = await written(plant)
    plant.erp.store.drop("purchaseOrders", order["id"])

    assert await compared(plant) == ["gone"]


async def test_a_line_that_was_added_carries_its_mark(plant):
    order = next(
        one
        for one in plant.erp.orders()
        if (one["status"], one["currencyCode"]) == ("Draft", "EUR")
    )
    line = plant.stockout()["action"]["lines"][0]
    message = await plant.recommend(
        action={"kind": "add_po_line", "document": order["number"], "line": line}
    )
    await plant.teams.press(ANA, message, "approve")
    await plant.teams.wait_for(lambda: "Written and read back" in message.text)

    assert await compared(plant) == []


async def test_what_is_still_under_way_is_left_alone(plant):
    message = await plant.recommend()
    plant.erp.faults.down = True
    await plant.teams.press(ANA, message, "approve")
    plant.erp.faults.down = False

    assert "gone" not in await compared(plant)
