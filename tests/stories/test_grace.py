"""Time to pull an approval back, and how far the ERP may move before a person is asked again."""

from decimal import Decimal

import pytest

from tests.stories.world import ANA, BO, ROUTING, World

LONG = ROUTING.replace("sla: PT4H", "sla: PT4H, grace: PT10M", 1)
SHORT = ROUTING.replace("sla: PT4H", "sla: PT4H, grace: PT1S", 1)
LOOSE = ROUTING.replace("sla: PT4H", 'sla: PT4H, tolerance: {price: "0.05"}', 1)


@pytest.fixture
def plant(database, tmp_path):
    """Make a world with other rules."""

    def make(routing):
        assert routing != ROUTING
        return World(database, tmp_path, routing=routing)

    return make


async def test_an_approval_that_is_pulled_back_writes_nothing_and_asks_again(plant):
    async with plant(LONG) as world:
        message = await world.recommend()
        approved = await world.teams.press(ANA, message, "approve")
        assert "can pull it back" in approved.text
        await world.settled()
        assert world.orders() == []

        back = await world.teams.press(ANA, message, "pull_back")
        await world.settled()

        assert "Waiting for a decision" in back.text
        assert "approve" in world.verbs(message)
        assert world.orders() == []
        await world.hurry()
        await world.settled()
        assert world.orders() == []
        story = await world.story(world.id)
        assert story.count("pulled_back") == 1
        assert "write_started" not in story


async def test_what_was_pulled_back_may_be_approved_again_or_overridden(plant):
    async with plant(LONG) as world:
        message = await world.recommend()
        await world.teams.press(ANA, message, "approve")
        await world.teams.wait_for(lambda: "pull_back" in world.verbs(message))
        await world.teams.press(ANA, message, "pull_back")
        await world.teams.wait_for(lambda: "override" in world.verbs(message))

        await world.teams.press(BO, message, "override")
        reply = await world.teams.press(BO, message, "confirm_override", code="already_ordered")

        assert "Bo Lind" in reply.text
        assert world.orders() == []


async def test_only_the_approver_pulls_back(plant):
    async with plant(LONG) as world:
        message = await world.recommend()
        await world.teams.press(ANA, message, "approve")
        await world.teams.wait_for(lambda: "pull_back" in world.verbs(message))

        reply = await world.teams.press(BO, message, "pull_back")

        assert "Only Ana Ruiz" in reply.text
        assert "click_refused" in await world.story(world.id)


async def test_two_taps_on_pull_back_are_one(plant):
    async with plant(LONG) as world:
        message = await world.recommend()
        await world.teams.press(ANA, message, "approve")
        await world.teams.wait_for(lambda: "pull_back" in world.verbs(message))
        data = world.teams_data(message, "pull_back")

        first = await world.teams.click(ANA, message, "pull_back", data)
        second = await world.teams.click(ANA, message, "pull_back", data)

        assert "Waiting for a decision" in first.text
        assert "Waiting for a decision" in second.text
        assert (await world.story(world.id)).count("pulled_back") == 1


async def test_when_the_time_is_over_it_is_written_and_cannot_be_pulled_back(plant):
    async with plant(SHORT) as world:
        message = await world.recommend()
        approved = await world.teams.press(ANA, message, "approve")
        data = world.teams_data(message, "why")
        assert "can pull it back" in approved.text

        await world.teams.wait_for(lambda: "Written and read back" in message.text, within=20)
        late = await world.teams.click(ANA, message, "pull_back", data)

        assert "too late" in late.text
        assert len(world.orders()) == 1


async def test_without_grace_nothing_can_be_pulled_back(world):
    message = await world.recommend()
    approved = await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Written and read back" in message.text)

    assert "pull" not in approved.text.lower()
    reply = await world.teams.click(ANA, message, "pull_back", world.teams_data(message))
    assert "too late" in reply.text


@pytest.mark.parametrize(
    ("routing", "share", "asked_again"),
    [(LOOSE, "1.04", False), (LOOSE, "1.06", True), (LONG, "1.001", True)],
    ids=["within the tolerance", "beyond it", "without one"],
)
async def test_a_price_in_the_erp_may_move_as_far_as_the_rule_says(
    plant, routing, share, asked_again
):
    async with plant(routing) as world:
        message = await world.recommend()
        item = world.erp.store.by("items", "number", world.item["number"])
        price = item["unitCost"]
        world.erp.set_item(item["number"], unitCost=Decimal(price) * Decimal(share))

        reply = await world.teams.press(ANA, message, "approve")

        assert ("Changed since the last time" in reply.text) is asked_again
        assert ("facts_moved" in await world.story(world.id)) is asked_again
        if routing == LOOSE and not asked_again:
            await world.teams.wait_for(lambda: "Written and read back" in message.text)
            assert len(world.orders()) == 1
