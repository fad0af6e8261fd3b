"""`make load LOAD=--compare`: what the same things cost with a short past and with a long one.

Both programs run at the same time, each in a process of its own, and everything is measured in
turn, so that a busy machine slows down both.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.fill import CHANNELS, fill_with_bar
from benchmarks.past import channel_name
from benchmarks.stage import Stage, Targets, a_stage, bodies, key_for, stand
from bot.clock import utc_now
from storage.store import Store
from storage.unit_of_work import UnitOfWork
from tests.fakes.screens import actions
from tests.stories.world import ANA

SHORT: Final = (1_000, 1_000)
LONG: Final = (1_000_000, 100_000)
"""Closed and open recommendations."""

RATIO: Final = 1.5
READY: Final = 3.0
IDLE: Final = 1.0
"""What an idle program may take of a core, in percent."""

TIMES: Final = 100
INTAKE: Final = "intake, until it is answered"
_IDLE_FOR: Final = 10.0
_LEASE: Final = timedelta(seconds=60)


@dataclass(kw_only=True)
class Side:
    """A program, its cards, and how long everything took."""

    name: str
    stage: Stage
    ready: float = 0.0
    idle: float = 0.0
    memory: float = 0.0
    number: int = 0
    took: dict[str, list[float]] = field(default_factory=dict)

    async def click(self, verb: str, **typed: str) -> None:
        """Press a button of a filled card; the same card is never decided on twice."""
        others = self.stage.targets.others
        target = others.pop() if verb.startswith("confirm") else others[self.number % len(others)]
        teams = self.stage.teams
        teams.bot_url = f"{self.stage.url}/api/messages"
        reply = await teams.click(ANA, target.message, verb, target.data | typed)
        if reply.status != 200:  # noqa: PLR2004  OK
            raise RuntimeError(str(reply))

    async def submit(self) -> str:
        """Send a recommendation, and return our id for it."""
        body = bodies(self.stage.world, [f"{self.name[:5]}-{utc_now():%H%M%S%f}"])[0]
        address = f"{self.stage.url}/api/v1/recommendations"
        async with self.stage.http.post(address, json=body, headers=self.stage.headers) as answer:
            said = await answer.json()
            if answer.status != 202:  # noqa: PLR2004  Accepted
                raise RuntimeError(str(said))
            return str(said["id"])

    async def card(self) -> None:
        """Send a recommendation and wait until its card stands; the answer is timed by itself."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        wanted = await self.submit()
        self.took.setdefault(INTAKE, []).append(loop.time() - begin)

        def stands() -> bool:
            newest = list(self.stage.teams.screens.values())[-20:]
            return any(
                one["data"].get("rec") == wanted for shown in newest for one in actions(shown.card)
            )

        await _until(stands)

    async def command(self) -> None:
        """Ask for what is open in a channel and wait for the answer."""
        teams = self.stage.teams
        teams.bot_url = f"{self.stage.url}/api/messages"
        before = len(teams.screens)
        await teams.message(ANA, "open", channel_name(self.number % CHANNELS))
        await _until(lambda: len(teams.screens) > before)

    async def look(self, work: Callable[[UnitOfWork], object]) -> None:
        """Do something with the database that no request asks for."""
        store = Store.open(self.stage.database)
        try:
            await store.turn(work)
            loop = asyncio.get_running_loop()
            begin = loop.time()
            for _ in range(5):
                await store.turn(work)
            self._spent = (loop.time() - begin) / 5
        finally:
            store.close()

    _spent: float | None = None

    async def timed(self, name: str, what: Callable[["Side"], Awaitable[object]]) -> None:
        """Do something once and note how long it took."""
        loop = asyncio.get_running_loop()
        begin, self._spent = loop.time(), None
        await what(self)
        took = loop.time() - begin if self._spent is None else self._spent
        self.took.setdefault(name, []).append(took)
        self.number += 1


async def _until(true: Callable[[], bool], within: float = 30.0) -> None:
    deadline = asyncio.get_running_loop().time() + within
    while not true():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.002)


def _claim(unit: UnitOfWork) -> None:
    unit.jobs.claim(utc_now(), _LEASE, 8, kinds=["nothing that anybody does"])


def _oldest(unit: UnitOfWork) -> None:
    unit.jobs.oldest_due(utc_now())


MEASURES: Final[Mapping[str, tuple[Callable[[Side], Awaitable[object]], int]]] = {
    "click: why": (lambda side: side.click("why"), TIMES),
    "click: override, decided and durable": (
        lambda side: side.click("confirm_override", code="data_wrong"),
        TIMES // 2,
    ),
    "intake until the card stands": (lambda side: side.card(), TIMES // 2),
    "`open`, until the answer stands": (lambda side: side.command(), TIMES // 4),
    "looking for jobs to claim": (lambda side: side.look(_claim), TIMES // 10),
    "how long jobs wait": (lambda side: side.look(_oldest), TIMES // 10),
    "counting what waits": (lambda side: side.look(lambda unit: unit.jobs.counts()), 3),
}


async def measure(databases: Mapping[str, str], folder: Path) -> list[Side]:
    """Measure both programs in turn."""
    async with AsyncExitStack() as stack:
        names = list(databases)
        first = await stack.enter_async_context(a_stage(databases[names[0]], folder))
        second = await _beside(first, databases[names[1]], folder)
        sides = [Side(name=names[0], stage=first), Side(name=names[1], stage=second)]
        for side in sides:
            await stand(side.stage)
            side.ready = await stack.enter_async_context(side.stage.serving())
            await side.stage.install()
        await _rest(sides)
        for name, (what, times) in MEASURES.items():
            for turn in range(times + 3):
                for side in sides:
                    await side.timed(name, what)
                    if turn < 3:  # noqa: PLR2004  the first ones warm up
                        side.took[name].clear()
        return sides


async def _beside(first: Stage, database: str, folder: Path) -> Stage:
    targets = Targets()
    environment = first.environment | {"COUNTERSIGN_DATABASE": database}
    key = await key_for(database, folder / "routing.yaml")
    return replace(
        first,
        database=database,
        environment=environment,
        headers={"Authorization": f"Bearer {key}"},
        targets=targets,
    )


async def _rest(sides: list[Side]) -> None:
    """Let both programs idle, with nothing but timers that wait."""
    await asyncio.sleep(_IDLE_FOR / 2)
    for side in sides:
        side.stage.processes[0].cpu_percent()
    await asyncio.sleep(_IDLE_FOR)
    for side in sides:
        side.idle = side.stage.processes[0].cpu_percent()
        side.memory = side.stage.processes[0].memory_info().rss / 2**20


def compare(databases: Mapping[str, str], folder: Path, console: Console) -> dict[str, object]:
    """Fill what is empty, measure, print, and return the figures."""
    for database, (closed, open_) in zip(databases.values(), (SHORT, LONG), strict=True):
        if is_empty(database):
            fill_with_bar(database, console, closed=closed, open_=open_)
    short, long = asyncio.run(measure(databases, folder))
    table = Table("p50, ms", short.name, long.name, "ratio", title="What a long past costs")
    ratios: dict[str, float] = {}
    for name in short.took:
        few, many = (statistics.median(side.took[name]) * 1000 for side in (short, long))
        ratios[name] = many / few
        table.add_row(name, f"{few:.2f}", f"{many:.2f}", f"{ratios[name]:.2f}")
    for name, unit, values in (
        ("ready after", "s", (short.ready, long.ready)),
        ("idle", "% of a core", (short.idle, long.idle)),
        ("memory", "MiB", (short.memory, long.memory)),
    ):
        table.add_row(name, *(f"{value:.2f} {unit}" for value in values))
    console.print(table)
    return {
        "ratios": ratios,
        "ready_s": [short.ready, long.ready],
        "idle_percent": [short.idle, long.idle],
        "memory_mib": [short.memory, long.memory],
    }


def is_empty(database: str) -> bool:
    """Tell whether nothing was ever kept in a database; make its tables, where there are none."""
    store = Store.open(database)
    try:
        store.migrate()
        return asyncio.run(store.read(lambda unit: unit.audit.head()))[0] == 0
    finally:
        store.close()


def missed(found: Mapping[str, object]) -> list[str]:
    """Return which targets were missed, in words."""
    ratios, ready, idle = found["ratios"], found["ready_s"], found["idle_percent"]
    assert isinstance(ratios, dict)  # noqa: S101  made above
    assert isinstance(ready, list)  # noqa: S101
    assert isinstance(idle, list)  # noqa: S101
    wrong = [
        f"{name} costs {ratio:.2f} times as much with a long past"
        for name, ratio in ratios.items()
        if ratio > RATIO and name != "counting what waits"
    ]
    if ready[1] > READY:
        wrong.append(f"it was ready after {ready[1]:.1f} s only")
    if idle[1] > IDLE:
        wrong.append(f"it took {idle[1]:.1f}% of a core when idle")
    return wrong
