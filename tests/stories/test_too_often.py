"""One who comes too often is asked to wait, and nothing is decided or kept."""

import pytest

from tests.stories.world import ANA, BO, World


@pytest.fixture
async def strict_with_keys(database, tmp_path):
    """The running program that takes one request of a key and then none for a while."""
    world = World(database, tmp_path)
    world.api_rate = 0.001
    async with world:
        yield world


@pytest.fixture
async def strict(database, tmp_path):
    """The running program with hardly any patience with people."""
    world = World(database, tmp_path)
    world.click_rate = 0.001
    async with world:
        yield world


async def test_a_key_that_sends_too_often_is_told_when_to_come_again(strict_with_keys):
    strict = strict_with_keys
    first, _ = await strict.send(strict.stockout())

    async with strict.http.post(
        f"{strict.url}/api/v1/recommendations",
        json=strict.stockout(id="b"),
        headers=strict.headers,
    ) as answer:
        told = await answer.json()
        wait = int(answer.headers["Retry-After"])

    assert first == 202
    assert (answer.status, answer.content_type) == (429, "application/problem+json")
    assert "Slowly" in told["detail"]
    assert 900 < wait <= 1000
    assert "b" not in [one.source_id for one in await opened(strict)]


async def test_a_person_who_clicks_too_often_decides_nothing_and_hinders_nobody(strict):
    message = await strict.recommend()
    data = strict.teams_data(message) | {"code": "data_wrong"}

    first = await strict.teams.click(ANA, message, "why", data)
    refused = await strict.teams.click(ANA, message, "confirm_override", data)
    standing = (await strict.tell(strict.id))["state"]
    other = await strict.teams.click(BO, message, "confirm_override", data)

    assert [one.status for one in (first, refused, other)] == [200] * 3
    assert refused.body["type"] == "application/vnd.microsoft.activity.message"
    assert "Slowly" in refused.body["value"]
    assert standing == "awaiting"
    assert (await strict.story()).count("decided") == 1


async def opened(world):
    return await world.bot.ctx.store.read(lambda unit: list(unit.recommendations.open_all(10)))
