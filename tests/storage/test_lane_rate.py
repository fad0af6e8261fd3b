import asyncio
from datetime import timedelta

import pytest

from storage.jobs import PER_CONVERSATION, Rate
from tests.build import NOW

SECOND = timedelta(seconds=1)
TWO_A_SECOND = (Rate(count=2, within=SECOND),)


def take(lane="a", now=NOW, limits=TWO_A_SECOND):
    return lambda unit: unit.jobs.take_rate(lane, now, limits)


async def test_a_lane_is_used_up_to_its_rate(store):
    used = [await store.turn(take(now=NOW + n * SECOND / 4)) for n in range(3)]

    assert used == [None, None, SECOND / 2]


async def test_any_stretch_of_time_is_kept_to(store):
    moments = [0.0, 0.9, 1.0, 1.1, 1.9]

    used = [await store.turn(take(now=NOW + at * SECOND)) for at in moments]

    assert used == [None, None, None, 0.8 * SECOND, None]


async def test_a_use_that_was_refused_does_not_count(store):
    for _ in range(5):
        await store.turn(take())

    assert await store.turn(take(now=NOW + SECOND)) is None


async def test_lanes_do_not_share_a_rate(store):
    used = [await store.turn(take(lane)) for lane in ("a", "a", "b", "b")]

    assert used == [None] * 4


async def test_replicas_share_a_rate(replicas):
    limits = (Rate(count=7, within=SECOND),)

    used = await asyncio.gather(*(replicas[n % 4].turn(take(limits=limits)) for n in range(40)))

    assert used.count(None) == 7
    assert set(used) == {None, SECOND}


@pytest.mark.parametrize(
    ("sent", "pause", "wait"),
    [
        (7, timedelta(0), SECOND),
        (60, 0.2 * SECOND, 18 * SECOND),
    ],
)
async def test_teams_gets_no_more_than_it_takes(store, sent, pause, wait):
    def turn(unit):
        return [unit.jobs.take_rate("a", NOW + n * pause) for n in range(sent + 1)]

    assert await store.turn(turn) == [None] * sent + [wait]


async def test_an_hour_has_a_limit_too(store):
    limits = PER_CONVERSATION[2:]

    def turn(unit):
        return [unit.jobs.take_rate("a", NOW + n * SECOND, limits) for n in range(1801)]

    assert await store.turn(turn) == [None] * 1800 + [1800 * SECOND]


async def test_a_clock_that_was_an_hour_ahead_silences_nobody_once_it_is_right(store):
    ahead = NOW + timedelta(hours=1)
    for _ in range(2):
        assert await store.turn(take(now=ahead)) is None

    assert await store.turn(take()) is None


async def test_the_clock_of_another_replica_may_be_a_little_ahead_and_still_counts(store):
    ahead = NOW + 2 * SECOND
    for _ in range(2):
        assert await store.turn(take(now=ahead)) is None

    assert await store.turn(take()) == 3 * SECOND
