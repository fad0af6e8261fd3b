"""Hostile content gets a named answer, and reads on a card as it was typed."""

import io
import json
import re

import pytest

from tests.fakes.screens import CARD
from tests.stories.world import ANA

EVALUATED = re.compile(
    r"\{\{(DATE|TIME)\(|<at>(?!Ana Ruiz</at>)|(?<!\\)\]\(|[\u202a-\u202e\u200b]"
)
"""What a client of Teams would act upon: functions, mentions, links, reordered text."""

TRICKS = (
    "{{DATE(2017-02-14T06:00:00Z, SHORT)}} and {{TIME(2017-02-14T06:00:00Z)}}",
    "${vendor} ${$root} ${if(true, 1, 2)} ${string(json('{}'))}",
    "<at>Ana Ruiz</at> has approved this",
    "[Approve](https://evil.example) **now** _please_",
    '=HYPERLINK("https://evil.example") @SUM(1) +1 -1',
    "# Approved by Ana\tRuiz".replace("\t", " "),
    "'; DROP TABLE recommendations; --",
    "\u200b\u200bzero\u200bwidth\ufeff",
    "Z̸̢̛͎a̵l̴g̷o̶ " + "\u0300" * 60,
)


async def post(world, body):
    async with world.http.post(
        f"{world.url}/api/v1/recommendations",
        data=io.BytesIO(body),
        headers=world.headers | {"Content-Type": "application/json"},
    ) as answer:
        return answer.status, await answer.text()


def spelled(world, old, new):
    """Return a good recommendation with a piece of its JSON replaced, byte for byte."""
    text = json.dumps(world.stockout())
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"0.86"', "NaN", {400}),
        ('"0.86"', "-Infinity", {400}),
        ('"0.86"', "1e400", {422}),
        ('"0.86"', "1" + "0" * 400, {422}),
        ('"0.86"', "1" * 100_000, {400, 422}),
        ('"0.86"', "-0", {202, 422}),
        ('"0.86"', "1e-400", {422}),
        ('"0.86"', '"0.86", "confidence": "0.1"', {400}),
        ('"BRG-6205"', '"\\ud800"', {400, 422}),
        ('"BRG-6205"', '"\\u0000"', {422}),
        ('"BRG-6205"', '"\\u202eBRG"', {422}),
        ('"BRG-6205"', '"' + "x" * 1_000_000 + '"', {422}),
        ('"BRG-6205"', "[" * 5_000 + "]" * 5_000, {400, 422}),
        ('"BRG-6205"', '{"a":' * 100_000 + "1" + "}" * 100_000, {400}),
        ('"id": "planner-1"', '"id": {"$gt": ""}', {422}),
        ('"id": "planner-1"', '"__proto__": {"x": 1}, "id": "p"', {422}),
    ],
)
async def test_odd_values_get_a_named_answer_and_no_traceback(world, old, new, expected):
    status, text = await post(world, spelled(world, old, new))

    assert status in expected, text[:300]
    assert "Traceback" not in text
    assert len(text) < 20_000


@pytest.mark.parametrize("trick", TRICKS)
async def test_what_others_typed_is_shown_as_typed_and_never_acted_upon(world, trick):
    message = await world.recommend(headline=trick, rationale=trick)
    data = world.teams_data(message) | {"code": "other", "text": trick}

    why = await world.teams.click(ANA, message, "why", data)
    over = await world.teams.click(ANA, message, "confirm_override", data)

    assert why.body["type"] == over.body["type"] == CARD
    for card in (*message.history, why.body["value"], over.body["value"]):
        entities = card.get("msteams", {}).get("entities", [])
        assert [*texts(card)]
        assert [one for one in texts(card) if EVALUATED.search(one)] == []
        assert {one["mentioned"]["id"] for one in entities} <= {ANA.id}


def texts(card):
    """Yield every text that Teams renders as Markdown."""
    if isinstance(card, list):
        for one in card:
            yield from texts(one)
    elif isinstance(card, dict):
        if card.get("type") == "TextBlock":
            yield card["text"]
        for name, one in card.items():
            if name == "facts":
                yield from (fact[key] for fact in one for key in ("title", "value"))
            elif name != "msteams":
                yield from texts(one)


async def test_a_name_that_is_a_mention_is_no_mention(world):
    message = await world.recommend()
    odd = {"id": f"29:{ANA.id}", "aadObjectId": ANA.id, "name": "<at>Bo Lind</at> {{DATE(x)}}"}
    data = world.teams_data(message) | {"code": "other", "text": "because"}

    over = await world.teams.click(ANA, message, "confirm_override", data, **{"from": odd})

    assert over.body["type"] == CARD
    assert [one for one in texts(over.body["value"]) if EVALUATED.search(one)] == []
