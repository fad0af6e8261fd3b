"""What deploy/compose.yaml starts, as processes: three web, two workers, one writer, one proxy."""

import asyncio

import pytest

from bot.settings import ROLES
from tests.fakes.databases import fresh_postgres
from tests.stories.apart import Apart
from tests.stories.world import ANA, BO

ITEMS = ("6204", "6205", "6206", "6308", "NU207", "30206", "51108", "HK2020")
"""One for each decision: an order for an item makes the others for it ask again."""


@pytest.fixture
async def plant(tmp_path):
    """Six processes on PostgreSQL."""
    with fresh_postgres() as url:
        async with Apart(url, tmp_path) as made:
            await made.divide(web=3, worker=2, writer=1)
            yield made


async def test_with_a_process_of_each_role_killed_everything_is_done_once(plant):
    messages = [await recommend(plant, f"BRG-{item}") for item in ITEMS]

    before = [await click_three_times(plant, message) for message in messages[:4]]
    for role in ROLES:
        await plant.end(role)
    after = [await click_three_times(plant, message) for message in messages[4:]]
    await plant.serve("writer")
    for message in messages:
        await plant.teams.wait_for(lambda message=message: "PO-" in message.text, within=90)

    assert before + after == [[200, 200, 200]] * len(ITEMS)
    assert len(plant.orders()) == len(ITEMS)


async def recommend(plant, item):
    plant.item = plant.item | {"number": item}
    return await plant.recommend(id=f"planner-{item}")


async def click_three_times(plant, message):
    data = plant.teams_data(message, "approve")
    clicks = [plant.teams.click(one, message, "approve", data) for one in (ANA, BO, ANA)]
    return [reply.status for reply in await asyncio.gather(*clicks)]
