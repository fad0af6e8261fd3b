"""The walk: find the points of a life, then live it once for each point and fault."""

import asyncio
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.databases import fresh_postgres, fresh_sqlite
from tests.faults.life import End, Life
from tests.faults.points import Point, Strike


@dataclass(frozen=True, slots=True)
class Setting:
    """On which database, with how many replicas, struck how."""

    database: str
    replicas: int
    fault: str

    def __str__(self):
        replicas = "1 replica" if self.replicas == 1 else f"{self.replicas} replicas"
        return f"{self.database}, {replicas}, {self.fault}"


SETTINGS = (
    Setting("sqlite", 1, "kill"),
    Setting("postgresql", 1, "kill"),
    Setting("sqlite", 3, "kill"),
    Setting("postgresql", 3, "kill"),
    Setting("sqlite", 3, "freeze"),
    Setting("postgresql", 3, "freeze"),
)


@asynccontextmanager
async def a_life(setting, **how):
    """A life on an empty database in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="life-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if setting.database == "sqlite":
            url, close = fresh_sqlite(folder), lambda: None
        else:
            database = fresh_postgres()
            url, close = database.__enter__(), lambda: database.__exit__(None, None, None)
        try:
            if "point" in how:
                how["strike"] = Strike(
                    point=how.pop("point"), fault=setting.fault, once=folder / "struck"
                )
            async with Life(url, folder, replicas=setting.replicas, **how) as life:
                await life.divide()
                yield life
        finally:
            close()


async def points_of(database):
    """Live once unharmed, and return every point that was passed, in order."""
    with tempfile.NamedTemporaryFile("r", prefix="points-") as record:
        async with a_life(Setting(database, 1, "none"), record=Path(record.name)) as life:
            end = await life.lived()
        if end.problems:
            raise AssertionError(f"a life that nobody harmed ended so: {end.problems}")
        lines = [line.rstrip("\n").split("\t") for line in record]
    return [Point(name, int(count)) for name, count in lines]


async def struck(setting, point):
    """Live once and be struck at a point."""
    async with a_life(setting, point=point) as life:
        return await life.lived()


async def walk(setting, points, *, at_once=2, done=None):
    """Live once for each point; return how each life ended."""
    room = asyncio.Semaphore(at_once)
    ends: dict[Point, End] = {}

    async def one(point):
        async with room:
            ends[point] = await struck(setting, point)
            if done:
                done(point, ends[point])

    async with asyncio.TaskGroup() as group:
        for point in points:
            group.create_task(one(point))
    return ends
