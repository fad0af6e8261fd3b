"""Nobody answers, and the clock asks the next person; a timeout never approves."""

from datetime import timedelta

from bot.clock import utc_now
from bot.workflow.clockwork import KEPT
from tests.stories.world import ANA, BO, DEV, ROUTING, World, when

ESCALATING = ROUTING.replace(
    "  {channel: purchasing, owner: ana, deputies: [bo], sla: PT4H}",
    "  {channel: purchasing, owner: ana, sla: PT4H, escalation: [{after: PT1S, to: bo}]}",
)


async def test_bo_is_asked_when_ana_does_not_answer_and_ana_still_may(database, tmp_path):
    async with World(database, tmp_path, routing=ESCALATING) as world:
        message = await world.recommend()
        early = await world.teams.press(BO, message, "approve")
        message.private.clear()
        await world.teams.wait_for(lambda: "Bo Lind" in message.text, within=10)

        stranger = await world.teams.press(DEV, message, "approve")
        message.private.clear()
        await world.teams.press(ANA, message, "approve")
        await world.teams.wait_for(lambda: "PO-" in message.text)

        assert "Ana Ruiz" in early.text
        assert "Bo Lind" in stranger.text
        assert len(world.orders()) == 1
        assert "escalated" in await world.story()


async def test_what_was_put_off_expires_all_the_same(database, tmp_path):
    async with World(database, tmp_path) as world:
        message = await world.recommend(valid_until=when(seconds=3))
        data = world.teams_data(message)
        typed = {"code": "waiting_for_person", "until": when(seconds=2.5)}
        await world.teams.click(ANA, message, "confirm_not_now", data | typed)

        await world.teams.wait_for(lambda: "expired" in message.text.lower(), within=15)
        reply = await world.teams.click(ANA, message, "approve", data)

        assert "expired" in reply.text.lower()
        assert world.orders() == []


async def test_a_card_waits_until_the_bot_is_in_its_channel(database, tmp_path):
    async with World(database, tmp_path) as world:
        await world.teams.uninstall(ANA)
        status, answer = await world.send(world.stockout())
        await world.settled()
        assert (status, world.teams.messages()) == (202, [])

        world.teams.readmit()
        await world.teams.install(ANA)
        await world.hurry()
        message = await world.teams.wait_for(lambda: world.message_of(answer["id"]), within=20)

        assert "approve" in world.verbs(message)


async def test_what_was_done_long_ago_is_cleared_away_once_a_day(database, tmp_path):
    async with World(database, tmp_path) as world:
        await world.settled()
        store = world.bot.ctx.store
        long_ago = utc_now() - KEPT - timedelta(days=1)
        add = {"payload": {}, "due_at": long_ago}
        await store.turn(lambda unit: unit.jobs.add("sweep", "sweep:long-ago", **add))
        await world.settled()

        counts = await store.read(lambda unit: unit.jobs.counts())
        await store.turn(lambda unit: unit.jobs.add("sweep", "sweep:long-ago", **add))

        assert counts["sweep"] == 1
        assert await store.read(lambda unit: unit.jobs.counts()) == counts
