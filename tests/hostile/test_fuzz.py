"""Odd requests by the hundred: every one has a documented answer, and the program goes on."""

import asyncio

from tests.hostile.attack import attack_api, attack_messages, good_activities
from tests.stories.world import ANA


async def test_the_api_answers_whatever_it_is_sent_as_its_document_says(world):
    seen = await asyncio.to_thread(attack_api, world.url, world.headers, cases=160)

    assert sum(seen.values()) >= 80
    assert await world.story() is not None


async def test_odd_activities_harm_nothing_and_a_good_click_still_counts(world):
    message = await world.recommend()
    good = good_activities(world, ANA, message)
    token = world.identity.sign(service_url=world.teams.service_url)

    seen = await asyncio.to_thread(attack_messages, world.teams.bot_url, token, good, cases=300)
    later = await world.recommend(id="after")
    data = world.teams_data(later) | {"code": "data_wrong"}
    reply = await world.teams.click(ANA, later, "confirm_override", data)

    assert sum(seen.values()) >= 250
    assert seen[200] > 0
    assert reply.status == 200
    assert (await world.story(data["rec"])).count("decided") == 1


async def test_a_channel_that_is_no_word_is_refused(world):
    message = await world.recommend()

    reply = await world.teams.click(ANA, message, "why", channelId=["msteams"])

    assert reply.status == 401
