"""Things go wrong, and nothing is lost or done twice."""

import asyncio

from bot.clock import utc_now
from bot.workflow.decide import REREAD_WITHIN
from erp.standin.faults import Fault
from storage.jobs import Job
from tests.stories.world import ANA, BO, when


async def test_two_people_click_at_once_and_one_order_is_written(world):
    message = await world.recommend()
    data = world.teams_data(message, "approve")
    override = data | {"code": "data_wrong"}

    replies = await asyncio.gather(
        *(world.teams.click(ANA, message, "approve", data) for _ in range(5)),
        *(world.teams.click(BO, message, "approve", data) for _ in range(5)),
        *(world.teams.click(BO, message, "confirm_override", override) for _ in range(5)),
    )
    await world.settled()

    assert [reply.status for reply in replies] == [200] * 15
    story = await world.story()
    assert story.count("decided") == 1
    assert len(world.orders()) == story.count("written")


async def test_the_same_recommendation_a_hundred_times_gives_one_card_and_one_order(world):
    body = world.stockout()
    other = await world.another()

    answers = await asyncio.gather(
        *(world.send(body, url=world.url if n % 2 else other) for n in range(100))
    )
    message = await world.teams.wait_for(world.teams.last)
    await world.settled()
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert {status for status, _ in answers} == {200, 202}
    assert len({answer["id"] for _, answer in answers}) == 1
    assert len(world.teams.messages()) == 1
    assert len(world.orders()) == 1


async def test_the_answer_of_the_write_is_lost_and_looked_up(world):
    message = await world.recommend()
    world.erp.faults.next("POST", "purchaseOrders", Fault.ANSWER_LOST_AFTER_COMMIT)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert len(world.orders()) == 1
    assert "unknown" in await world.story()


async def test_a_gateway_error_after_the_write_is_looked_up_too(world):
    message = await world.recommend()
    world.erp.faults.next("POST", "purchaseOrders", Fault.GATEWAY_TIMEOUT_AFTER_COMMIT)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert len(world.orders()) == 1


async def test_a_write_that_never_arrived_is_said_so_and_may_be_asked_again(world):
    message = await world.recommend()
    world.erp.faults.next("POST", "purchaseOrders", Fault.RESET_BEFORE_COMMIT)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "retry" in world.verbs(message), within=60)
    assert world.orders() == []
    await world.teams.press(ANA, message, "retry")
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert len(world.orders()) == 1


async def test_an_erp_that_is_down_does_not_lose_the_click(world):
    message = await world.recommend()
    world.erp.faults.down = True

    reply = await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "cannot be read" in message.text)
    world.erp.faults.down = False
    await world.hurry()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert "Ana Ruiz" in reply.text
    assert len(world.orders()) == 1


async def test_a_card_comes_without_a_plan_while_the_erp_is_down_and_gets_it_later(world):
    world.erp.faults.down = True
    message = await world.recommend()
    assert "approve" not in world.verbs(message)

    world.erp.faults.down = False
    await world.hurry()
    await world.teams.wait_for(lambda: "approve" in world.verbs(message), within=20)

    assert world.orders() == []


async def test_stop_and_start_in_the_middle_loses_nothing(world):
    message = await world.recommend()
    await world.stop()
    await world.start()

    await world.teams.press(ANA, message, "approve")
    await world.stop()
    await world.start()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
    await world.settled()

    assert len(world.orders()) == 1
    assert (await world.story()).count("decided") == 1


async def test_teams_asks_to_wait_and_the_card_still_comes_once(world):
    world.teams.fail_next(429, retry_after="1")
    world.teams.fail_next(412)

    await world.recommend()
    await world.settled()

    assert len(world.teams.messages()) == 1


async def test_a_deleted_card_is_posted_again(world):
    message = await world.recommend()
    world.teams.delete(message)

    world.erp.set_item(world.item["number"], unitCost="3.10")
    await world.teams.click(ANA, message, "approve", world.teams_data(message, "approve"))
    again = await world.teams.wait_for(world.teams.last)

    assert again.activity_id != message.activity_id
    assert "2.85 → 3.1" in again.text


async def test_nobody_answers_and_the_buttons_close(world):
    message = await world.recommend(valid_until=when(seconds=2))

    await world.teams.wait_for(lambda: "approve" not in world.verbs(message), within=15)
    reply = await world.teams.click(ANA, message, "approve", {"rec": world.id, "round": 1})
    await world.settled()

    assert "expired" in reply.text.lower()
    assert world.orders() == []


async def test_a_newer_one_takes_the_place_of_the_older(world):
    message = await world.recommend()
    newer = await world.recommend(id="planner-2", supersedes="planner-1")
    await world.teams.wait_for(lambda: "approve" not in world.verbs(message))

    reply = await world.teams.click(ANA, message, "approve", {"rec": world.first, "round": 1})

    assert "superseded" in reply.text.lower() or "newer" in reply.text.lower()
    assert "approve" in world.verbs(newer)


async def test_a_locked_lane_never_lets_two_cards_of_one_recommendation_out(world):
    await asyncio.gather(*(world.recommend(id=f"planner-{number}") for number in range(8)))
    await world.another()
    await world.settled()

    assert len(world.teams.messages()) == 8


async def test_an_erp_that_is_slow_does_not_keep_the_person_waiting(world):
    message = await world.recommend()
    world.erp.faults.next("GET", "items", Fault.SLOW)
    started = asyncio.get_running_loop().time()

    reply = await world.teams.press(ANA, message, "approve")
    waited = asyncio.get_running_loop().time() - started
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert waited < REREAD_WITHIN + 0.9
    assert "Ana Ruiz" in reply.text
    assert len(world.orders()) == 1


async def test_a_busy_erp_is_asked_again_and_the_order_written_once(world):
    message = await world.recommend()
    world.erp.faults.next("POST", "purchaseOrders", Fault.TOO_MANY_REQUESTS)

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert len(world.orders()) == 1
    assert "not_sent" in await world.story()


async def test_two_workers_that_post_one_card_leave_one_card(world):
    await world.teams.uninstall(ANA)
    _, answer = await world.send(world.stockout())
    await world.settled()
    world.teams.readmit()
    await world.teams.install(ANA)
    job = Job(
        id=0,
        kind="post",
        key="post",
        lane=None,
        payload={"id": answer["id"]},
        due_at=utc_now(),
        attempts=1,
        until=utc_now(),
    )

    post = world.bot.worker._steps["post"]  # noqa: SLF001  as one does that slept and one that took over
    await asyncio.gather(post(job), post(job))
    await world.settled()

    (message,) = world.teams.messages()
    assert "approve" in world.verbs(message)
    assert "copy_removed" in await world.story()
