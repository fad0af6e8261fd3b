"""One id finds everything that happened to a recommendation, in the log as in the chain."""

import io
import json
import logging

import pytest

from bot.logs import JsonLines
from tests.stories.world import ANA, DEV


@pytest.fixture
def log():
    """Collect what the program logs, as it is written in production."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.setLevel(level)
    root.removeHandler(handler)


async def test_one_id_finds_the_way_from_intake_to_receipt(world, log):
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
    await world.settled()

    about = [line for line in log() if line.get("correlation") == f"CS-{world.id}"]

    found = [line["message"] for line in about]
    story = ["received", "posted", "decided", "click answered", "write_started", "written"]
    assert [word for word in found if word in story] == story
    by_message = {line["message"]: line for line in about}
    assert by_message["received"]["request"]
    assert by_message["posted"]["job_kind"] == "post"
    assert by_message["posted"]["attempt"] == 1
    assert by_message["decided"]["request"] == by_message["click answered"]["request"]
    assert by_message["decided"]["verdict"] == "approve"
    assert by_message["written"]["job_kind"] == "write"


async def test_a_refused_click_says_why_and_who(world, log):
    message = await world.recommend()
    await world.teams.press(DEV, message, "approve")

    (line,) = [line for line in log() if line["message"] == "click_refused"]

    assert (line["why"], line["actor"]) == ("NotYourDecision", DEV.id)
    assert line["correlation"] == f"CS-{world.id}"


async def test_no_line_holds_a_secret_a_name_or_what_somebody_sent(world, log):
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
    await world.settled()

    text = json.dumps(log())

    secrets = [
        world.headers["Authorization"].removeprefix("Bearer "),
        "0123456789abcdef",
    ]
    words = [*secrets, "Bearer ", ANA.name, world.sent["headline"], "4,600 EUR"]
    assert [word for word in words if word in text] == []


async def test_an_answer_names_the_request_so_that_a_sender_can_quote_it(world):
    async with world.http.get(
        f"{world.url}/api/v1/recommendations/nowhere", headers=world.headers
    ) as answer:
        number = answer.headers["X-Request-Id"]

    assert len(number) == 16
