"""A backup is taken, the database is lost, the backup is put back: nothing is written twice."""

import os
import sys

import pytest

from tests.fakes.databases import destroy, postgres_tools
from tests.stories.process import started
from tests.stories.world import ANA


async def countersign(world, *words):
    """Run a command on the world's installation; it must succeed."""
    tools = postgres_tools() if world.database.startswith("postgresql") else ""
    environment = world.environment() | {"PATH": f"{tools}:{os.environ['PATH']}"}
    async with started(sys.executable, "-m", "bot", *words, env=environment) as process:
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def lost_and_restored(world, backup):
    """Lose the database, put the backup in its place and start again."""
    await world.stop()
    destroy(world.database)
    said = await countersign(world, "restore", str(backup))
    await world.start()
    return said


@pytest.fixture
def backup(tmp_path):
    return tmp_path / "countersign.backup"


async def test_what_was_written_after_the_backup_is_found_and_not_written_again(world, backup):
    message = await world.recommend()
    world.erp.faults.down = True
    await world.teams.press(ANA, message, "approve")
    await world.settled()
    await countersign(world, "backup", "--to", str(backup))
    world.erp.faults.down = False
    await world.hurry()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
    receipt = (await world.tell(world.id))["receipt"]

    said = await lost_and_restored(world, backup)
    await world.hurry()
    await world.teams.wait_for(lambda: world.bot and "PO-" in message.text, within=20)
    told = await written(world)

    assert "1 approved changes may have been written since" in said
    assert len(world.orders()) == 1
    assert told["receipt"]["document"] == receipt["document"]
    story = await world.story()
    assert story.index("restored") < story.index("written")
    assert "write_started" not in story


async def test_a_decision_that_the_backup_lacks_is_asked_for_again_and_writes_nothing(
    world, backup
):
    message = await world.recommend()
    await countersign(world, "backup", "--to", str(backup))
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    await lost_and_restored(world, backup)
    await world.teams.wait_for(lambda: "approve" in world.verbs(message), within=20)
    await world.settled()
    await world.teams.press(ANA, message, "approve")
    await world.settled()
    await world.teams.press(ANA, message, "approve")
    told = await written(world)

    assert "facts_moved" in await world.story()  # our own order moved what is on order
    assert told["state"] == "written"
    assert len(world.orders()) == 1
    assert "write_started" not in await world.story()


async def written(world):
    """Return what the API says as soon as the restored record has its receipt."""
    for _ in range(200):
        await world.hurry()
        await world.settled()
        told = await world.tell(world.id)
        if told["state"] == "written":
            return told
    raise AssertionError(told)


async def test_nothing_is_sent_before_what_was_sent_could_be_found(world, backup):
    world.quiet = "PT15M"
    message = await world.recommend()
    approve = world.teams_data(message, "approve")
    await countersign(world, "backup", "--to", str(backup))

    await lost_and_restored(world, backup)
    await world.teams.click(ANA, message, "approve", approve)
    await world.settled()

    assert (await world.tell(world.id))["state"] == "approved"
    assert world.orders() == []
