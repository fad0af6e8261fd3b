"""Four days of the past, played by the real program on a clock that is set forward."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from bot.app import demo_doors, running
from bot.demo.board import Board
from bot.demo.cast import MEMBERS
from bot.demo.folder import open_folder
from bot.demo.history import Past, SimulatedClock
from bot.demo.stage import erp_in, introduce, key_of, settings_for
from decisions.lifecycle import State
from erp.standin.advice import Adviser
from storage.audit import verify_chain
from tests.bot.demo.free_port import a_free_port

MONDAY = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


async def four_days(folder):
    """Play from Monday to Friday; return the records, the orders and the chain's flaws."""
    clock = SimulatedClock(MONDAY)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        erp = await enter(erp_in(folder, port=0, now=clock))
        settings = settings_for(folder, erp, host="127.0.0.1", port=0)
        board = Board(first_id=1)
        doors = demo_doors(settings)
        bot = await enter(running(settings, doors=doors, now=clock, poster=board, work=False))
        await introduce(bot.ctx, folder, client_port=a_free_port())
        dice = Random(7)  # noqa: S311  a story, no secret
        past = Past(
            bot=bot,
            clock=clock,
            board=board,
            key=await key_of(bot.ctx),
            advise=Adviser(erp.store, clock, dice),
            rng=dice,
        )
        shares = []
        await past.play(MONDAY + timedelta(days=4), shares.append)
        return await bot.ctx.store.read(_records), erp.orders(), shares


def _records(unit):
    entries = list(unit.audit.walk())
    names = dict.fromkeys(entry.event.recommendation for entry in entries)
    records = [unit.recommendations.get(name) for name in names if name]
    return records, list(verify_chain(unit)), unit.jobs.oldest_due(MONDAY + timedelta(days=4))


@pytest.fixture
async def past(tmp_path):
    return await four_days(open_folder(tmp_path / "one", fresh=False))


async def test_everything_written_was_approved_by_somebody_on_its_route(past):
    (records, broken, _), orders, _ = past

    written = [one for one in records if one.state is State.WRITTEN]
    ours = [order["number"] for order in orders if "CS-" in str(order)]
    assert broken == []
    assert sorted(one.receipt.document for one in written) == sorted(ours)
    assert len(written) >= 3
    assert all(one.may_decide(one.decision.by.id) for one in written)
    assert {one.decision.by for one in written} <= {member.person for member in MEMBERS}


async def test_people_answer_in_different_ways_and_nothing_is_left_undone(past):
    (records, _, undone), _, shares = past

    assert len({one.state for one in records}) >= 3
    assert undone is None
    assert shares == sorted(shares)


async def test_the_past_is_the_same_every_time(past, tmp_path):
    (again, *_), *_ = await four_days(open_folder(tmp_path / "two", fresh=False))

    (records, *_), *_ = past

    def told(all_of_them):
        return [(one.source_id, one.state, one.received_at) for one in all_of_them]

    assert told(again) == told(records)
