"""Whatever a client sends back, the answer is a card, and nothing is written by mistake."""

import pytest

from bot.workflow.desk import VERBS
from tests.stories.world import ANA

ODD = (
    {},
    {"round": "one", "rev": None},
    {"round": -1, "rev": 10**15, "plan": ["x"]},
    {"round": True, "plan": None, "fields": "text"},
    {"round": 1, "fields": {"quantity_0": {"a": 1}, "vendor": 7}},
    {"round": 1, "fields": {"quantity_99": "5", "__class__": "x"}, "plan": "0" * 64},
    {"round": 1, "code": ["other"], "text": {"a": "b"}, "until": 12},
    {"round": 1, "code": "other", "text": "x" * 20_000, "until": "9999-12-31T23:59:59-14:00"},
    {"round": 1, "code": "other", "text": "ok", "until": "0001-01-01T00:00:00+14:00"},
    {"round": 1, "quantity_0": "1e400", "date_0": "9999-99-99", "vendor": "'; DROP TABLE"},
    {"round": 1, "quantity_0": "٣", "date_0": "2030-01-01", "vendor": "\u202e" * 30},
)


@pytest.mark.parametrize("verb", [*VERBS, "", "unknown"])
async def test_odd_clicks_are_answered_with_a_card(world, verb):
    message = await world.recommend()

    for odd in ODD:
        reply = await world.teams.click(ANA, message, verb, {"rec": world.id} | odd)
        message.private.clear()
        assert reply.status == 200
        assert "Sorry" not in reply.text, (verb, odd)
    await world.settled()

    assert world.orders() == []
