"""Many people, several replicas, one card: one decision, one order, an answer for everybody."""

import asyncio
import random
from datetime import timedelta

import pytest

from bot.clock import utc_now
from decisions.people import Person, PersonId
from storage.jobs import Job
from tests.fakes.databases import fresh_sqlite
from tests.stories.world import ANA, BO, DEV, ROUTING, World

CROWD = [
    Person(id=PersonId(f"c0ffee00-0000-4000-8000-{number:012d}"), name=f"Person {number}")
    for number in range(100)
]
DEPUTIES = CROWD[:60]
"""The other forty are in the team and nothing more."""

CROWDED = ROUTING.replace(
    "channels: {",
    "".join(f"  p{n}: {{id: {one.id}, name: {one.name}}}\n" for n, one in enumerate(DEPUTIES))
    + "channels: {",
).replace("deputies: [bo]", f"deputies: [{', '.join(f'p{n}' for n in range(len(DEPUTIES)))}]")


def what_people_press(data):
    """Return verbs with what was typed, as a card or somebody's script would send them."""
    return (
        ("approve", data),
        ("confirm_override", data | {"code": "data_wrong"}),
        ("confirm_override", data | {"code": "other", "text": "We rent one"}),
        ("confirm_not_now", data | {"code": "waiting_for_person", "until": soon()}),
        ("override", data),
        ("changes", data),
        ("recost", data | {"quantity_0": "250"}),
        ("approve_changed", data | {"quantity_0": "250"}),
        ("retry", data),
        ("why", data),
        ("no_such_button", data),
        ("approve", data | {"round": 7}),
        ("approve", data | {"plan": "0" * 64}),
    )


def soon():
    return (utc_now() + timedelta(hours=1)).isoformat()


@pytest.mark.parametrize("seed", range(2))
async def test_a_hundred_people_click_different_things_at_once_on_three_replicas(
    database, tmp_path, seed
):
    async with World(database, tmp_path, routing=CROWDED) as world:
        message = await world.recommend()
        replicas = [world.url, await world.another(), await world.another()]
        presses = what_people_press(world.teams_data(message, "approve"))
        dice = random.Random(seed)  # noqa: S311  it shuffles, it keeps no secret
        clicks = [(one, *dice.choice(presses), dice.choice(replicas)) for one in CROWD]

        replies = await asyncio.gather(
            *(world.teams.click(one, message, verb, data, to=to) for one, verb, data, to in clicks)
        )
        await world.settled(within=60)

        assert {reply.status for reply in replies} == {200}
        assert all(reply.card for reply in replies)
        story = await world.story()
        assert story.count("decided") == 1
        assert len(world.orders()) == story.count("written") <= 1
        one = await world.bot.ctx.store.read(lambda unit: unit.recommendations.get(world.id))
        assert one.decision.by in DEPUTIES


async def test_a_click_that_is_delivered_again_gets_the_same_answer(world):
    message = await world.recommend()
    other = await world.another()
    data = world.teams_data(message, "approve")
    again = {"id": "f:another-id-15-seconds-later"}

    first = await world.teams.click(ANA, message, "approve", data, id="f:1")
    at_once = await world.teams.click(ANA, message, "approve", data, id="f:1")
    elsewhere = await world.teams.click(ANA, message, "approve", data, id="f:1", to=other)
    later = await world.teams.click(ANA, message, "approve", data, **again)
    await world.teams.wait_for(lambda: "PO-" in message.text)
    much_later = await world.teams.click(ANA, message, "approve", data, **again, to=other)
    await world.settled()

    for reply in (first, at_once, elsewhere, later, much_later):
        assert "Ana Ruiz approved this" in reply.text
    assert len(world.orders()) == 1
    assert (await world.story()).count("decided") == 1


async def test_one_person_presses_two_buttons_on_two_replicas(world):
    message = await world.recommend()
    other = await world.another()
    data = world.teams_data(message, "approve")

    replies = await asyncio.gather(
        world.teams.click(ANA, message, "approve", data),
        world.teams.click(
            ANA, message, "confirm_override", data | {"code": "data_wrong"}, to=other
        ),
    )
    await world.settled()

    told = [reply for reply in replies if "already answered" in reply.text]
    assert len(told) == 1
    story = await world.story()
    assert story.count("decided") == 1
    assert len(world.orders()) == story.count("written")


async def test_two_recommendations_for_one_item_are_not_both_ordered_unseen(world):
    one = await world.recommend()
    two = await world.recommend(id="planner-2")

    await asyncio.gather(
        world.teams.press(ANA, one, "approve"), world.teams.press(BO, two, "approve")
    )
    await world.teams.wait_for(lambda: any("PO-" in card.text for card in (one, two)), within=20)
    await world.settled()

    story = await world.story()
    written = [card for card in (one, two) if "PO-" in card.text]
    assert len(world.orders()) == len(written) == story.count("written")
    if len(written) == 1:
        (asked,) = (card for card in (one, two) if "PO-" not in card.text)
        assert "Already on order" in asked.text
        assert "approve" in world.verbs(asked)


async def test_rules_that_change_between_card_and_click_leave_the_card_to_its_owner(world):
    message = await world.recommend()
    data = world.teams_data(message, "approve")
    changed = ROUTING.replace("owner: ana, deputies: [bo]", "owner: dev").replace(
        "channels: {", f"  dev: {{id: {DEV.id}, name: {DEV.name}}}\nchannels: {{"
    )
    (world.folder / "routing.yaml").write_text(changed, encoding="utf-8")
    world.routing = changed
    await world.stop()
    await world.start()

    newcomer = await world.teams.click(DEV, message, "approve", data)
    owner = await world.teams.click(ANA, message, "approve", data)
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert "belongs to Ana Ruiz" in newcomer.text
    assert "Ana Ruiz approved this" in owner.text
    assert len(world.orders()) == 1


async def test_an_old_card_that_overtakes_a_new_one_does_not_stay_on_the_screen(world):
    message = await world.recommend()
    await world.settled()
    store = world.bot.ctx.store
    (shown,) = await store.read(lambda unit: unit.postings.of(world.id))
    late = asyncio.Event()
    world.teams.fail_next(method="PUT", until=late)
    await store.turn(
        lambda unit: unit.postings.painted(shown.posting, revision=0, card_sha=shown.card_sha)
    )

    sleeper = asyncio.create_task(repaint_as_one_who_slept(world))
    await world.teams.wait_for(lambda: any(one.method == "PUT" for one in world.teams.sent))
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)
    late.set()
    await sleeper
    hidden = message.text
    await world.settled()

    assert "PO-" not in hidden
    assert "PO-" in message.text


async def test_a_click_that_is_quicker_than_the_answer_of_teams_leaves_the_card_alone(world):
    answered = asyncio.Event()
    world.teams.fail_next(method="POST", until=answered, after_doing=True)

    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    answered.set()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
    await world.settled()

    assert world.teams.messages() == [message]
    assert "copy_removed" not in await world.story()


async def repaint_as_one_who_slept(world):
    """Run the step of a repaint that another replica has taken over meanwhile."""
    now = utc_now()
    job = Job(
        id=0,
        kind="repaint",
        key="slept",
        lane=None,
        payload={"id": world.id},
        due_at=now,
        attempts=1,
        until=now,
    )
    await world.bot.worker._steps["repaint"](job)  # noqa: SLF001  a worker that is not in the program any more


@pytest.mark.parametrize("status", [412, 429])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("after", [None, "0", "Wed, 21 Oct 2015 07:28:00 GMT"])
async def test_teams_asks_to_wait_and_the_screen_still_shows_the_last_state(
    tmp_path, status, method, after
):
    async with World(fresh_sqlite(tmp_path), tmp_path) as world:
        world.teams.fail_next(status, retry_after=after, method=method)

        message = await world.recommend()
        await world.teams.press(ANA, message, "approve")
        await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

        assert len(world.teams.messages()) == 1
