"""A sample of the crash walk; `make faults` walks all of it."""

import random

import pytest

from tests.faults.storms import storm
from tests.faults.walk import Setting, points_of, walk

SEED = 20261121


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("setting", "sample"),
    [
        (Setting("sqlite", 1, "kill"), 6),
        (Setting("postgresql", 1, "kill"), 4),
        (Setting("postgresql", 3, "freeze"), 2),
    ],
    ids=str,
)
async def test_wherever_a_process_dies_or_sleeps_one_order_is_written(setting, sample):
    points = await points_of(setting.database)
    chosen = random.Random(SEED).sample(points, sample)  # noqa: S311  a sample, no secret

    ends = await walk(setting, chosen, at_once=2)

    assert {str(point): end.problems for point, end in ends.items() if end.problems} == {}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("name", "database"),
    [("disk full", "sqlite"), ("database restarted", "postgresql")],
)
async def test_when_the_database_fails_for_a_while_nothing_is_lost(name, database):
    end = await storm(name, Setting(database, 1, "kill"))

    assert end.problems == ()


async def test_the_points_are_those_of_a_whole_life():
    names = {point.name for point in await points_of("sqlite")}

    assert names >= {
        "before commit: intake.kept",
        "after commit: decide.give",
        "before request: POST teams/conversations",
        "after request: POST companies/purchaseOrders",
        "after commit: write.ended write",
        "before answer: POST messages",
    }
