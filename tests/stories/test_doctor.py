"""`countersign doctor` and `countersign reconcile` as an operator runs them."""

import asyncio
import os
import sys

import pytest

from bot.cli.doctor import examined
from tests.stories.world import ANA


async def ran(world, *arguments):
    """Run a command in a process of its own; return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        env=world.environment() | {"PATH": os.environ["PATH"], "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


async def found(world):
    return {one.what: one async for one in examined(world.bot.ctx)}


async def test_a_sound_installation_works(world):
    code, said = await ran(world, "doctor")

    assert code == 0, said
    assert "reads budgets, items" in said
    assert "create_purchase_order" in said


async def test_what_the_erp_does_not_grant_is_named_with_what_would_mend_it(world):
    world.erp.analytics = False

    findings = await found(world)

    reduced = [one for one in findings.values() if "Power" in one.says or "grant" in one.says]
    assert reduced
    assert {one.stands for one in reduced} == {"in part"}


async def test_an_erp_that_is_away_is_said_and_the_rest_is_tried(world):
    world.erp.faults.down = True

    findings = await found(world)

    assert findings["Business Central"].stands == "no"
    assert findings["database"].stands == "ok"
    assert findings["channels"].stands == "in part"


async def test_reconcile_says_that_all_balances_or_what_does_not(world):
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)
    (order,) = world.orders()

    sound = await ran(world, "reconcile")
    world.erp.store.drop("purchaseOrders", order["id"])
    code, said = await ran(world, "reconcile", "--days", "1")

    assert sound == (0, "Everything of the last 3 days balances.\n")
    assert code == 1
    assert "gone" in said
    assert order["number"] in said


@pytest.mark.parametrize("command", ["doctor", "reconcile"])
async def test_a_command_without_settings_says_which(command):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", command),
        env={"PATH": os.environ["PATH"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()

    assert process.returncode == 1
    assert "COUNTERSIGN_BC_COMPANY is not set" in said.decode()
