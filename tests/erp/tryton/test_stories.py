"""From a recommendation in Teams to a purchase in a real Tryton, through the whole program."""

import asyncio
import os
from datetime import timedelta

import pytest

from erp.connectors import names
from erp.tryton.calls import CREATE, MOVE
from tests.erp.tryton.bench import TrytonBench
from tests.erp.tryton.company import NAME, READER, WRITER
from tests.erp.tryton.plant import DATABASE, skip_unless_installed
from tests.fakes.databases import fresh_sqlite
from tests.stories.world import ANA, World

skip_unless_installed()
if "tryton" not in names() and "TRYTON_REQUIRED" not in os.environ:
    pytest.skip("the program is installed without its Tryton connector", allow_module_level=True)

RELEASED = "1"


class TrytonWorld(World):
    """The running program, with Tryton where the other stories have Business Central."""

    def __init__(self, database, folder, bench):
        super().__init__(database, folder)
        self.bench = bench
        self.item = {"number": "1000-B6204", "baseUnitOfMeasureCode": "PCS"}
        self.vendor = {"number": "V-2040"}
        self.location = "MAIN"

    def environment(self):
        tryton = {
            "URL": self.bench.way.url,
            "DATABASE": DATABASE,
            "COMPANY": NAME,
            "READER_USER": READER[0],
            "READER_PASSWORD": READER[1],
            "WRITER_USER": WRITER[0],
            "WRITER_PASSWORD": WRITER[1],
        }
        kept = {
            name: value
            for name, value in super().environment().items()
            if not name.startswith("COUNTERSIGN_BC_")
        }
        named = {f"COUNTERSIGN_TRYTON_{name}": value for name, value in tryton.items()}
        return kept | named | {"COUNTERSIGN_ERP": "tryton"}

    def written(self):
        """Return the purchases that Countersign wrote, as they stand."""
        office = self.bench.office
        found = office.find("purchase.purchase", ["reference", "like", "Countersign CS-%"])
        return [office.read("purchase.purchase", one, "state", "untaxed_amount") for one in found]


@pytest.fixture
async def world(plant, tmp_path):
    """The running program with Tryton behind it."""
    async with (
        TrytonBench(plant) as bench,
        TrytonWorld(fresh_sqlite(tmp_path), tmp_path, bench) as made,
    ):
        yield made


async def test_an_approved_order_stands_in_tryton_as_a_draft_and_reads_back_clean(world):
    message = await world.recommend()

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text, within=30)
    await world.settled()

    (order,) = world.written()
    assert order["state"] == "draft"
    assert f"{order['untaxed_amount']}" == "1140.00"
    assert (await world.story(world.id)).count("written") == 1
    assert (await world.tell(world.id))["receipt"]["document"] == "(2)"


async def test_an_answer_that_tryton_gave_and_nobody_heard_is_looked_up(world):
    message = await world.recommend()
    world.bench.way.next(CREATE, "lost answer")

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text, within=30)
    await world.settled()

    assert len(world.written()) == 1
    assert "unknown" in await world.story(world.id)


async def test_two_people_who_press_at_once_move_a_delivery_once(world):
    day = world.bench.plant.today + timedelta(days=12)
    line = world.bench.line(RELEASED)
    message = await world.recommend(
        kind="overdue_purchase_order",
        action={
            "kind": "set_receipt_date",
            "document": RELEASED,
            "line": line,
            "expected_receipt_date": day.isoformat(),
        },
    )

    await asyncio.gather(*(world.teams.press(ANA, message, "approve") for _ in range(2)))
    await world.teams.wait_for(lambda: "Written and read back" in message.text, within=30)
    await world.settled()

    assert world.bench.way.calls[MOVE] == 1
    (move,) = world.bench.office.find("stock.move", ["origin.id", "=", line, "purchase.line"])
    stands = world.bench.office.read("stock.move", move, "planned_date")
    assert stands["planned_date"] == day
    assert (await world.story(world.id)).count("written") == 1
