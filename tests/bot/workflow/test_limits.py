"""A bucket for each sender and each person."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.workflow.limits import Limits, TooOftenError

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def taken(limits, key, now, tries=100):
    count = 0
    for _ in range(tries):
        try:
            limits.check(key, now)
        except TooOftenError:
            return count
        count += 1
    return count


def test_a_burst_is_taken_then_a_steady_rate():
    limits = Limits(5)

    first = taken(limits, "ana", NOW)
    later = taken(limits, "ana", NOW + timedelta(seconds=1))
    rested = taken(limits, "ana", NOW + timedelta(hours=1))

    assert (first, later, rested) == (20, 5, 20)


def test_one_who_comes_too_often_hinders_nobody_else():
    limits = Limits(5)
    taken(limits, "ana", NOW)

    assert taken(limits, "bo", NOW) == 20


def test_it_is_said_when_to_come_again():
    limits = Limits(0.5)
    taken(limits, "ana", NOW)

    with pytest.raises(TooOftenError, match="again in 2 s") as caught:
        limits.check("ana", NOW)

    assert caught.value.seconds == 2


def test_a_clock_that_is_set_back_gives_nothing_away_and_takes_nothing():
    limits = Limits(5)
    limits.check("ana", NOW)

    assert taken(limits, "ana", NOW - timedelta(hours=1)) == 19


def test_no_more_is_remembered_than_the_bound():
    limits = Limits(0.25, most=2)

    counts = [taken(limits, key, NOW) for key in ("a", "b", "b", "c", "b", "a")]

    assert counts == [1, 1, 0, 1, 0, 1]
