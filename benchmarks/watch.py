"""What a process costs while it is at work: memory, processor, and how far its jobs lag."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from bot.clock import utc_now
from storage.store import Store
from storage.unit_of_work import UnitOfWork

EVERY: Final = 1.0
LAG_EVERY: Final = 5
"""Samples between two looks at the jobs, which cost the database something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One look: seconds after the beginning, memory in MiB, processor in percent of a core."""

    at: float
    memory: float
    processor: float
    driver: float
    lag: float | None


@dataclass(kw_only=True)
class Watch:
    """Samples of a run."""

    samples: list[Sample] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)

    @property
    def thirds(self) -> tuple[float, float, float]:
        """Return the mean memory of each third of the run, in MiB."""
        size = max(1, len(self.samples) // 3)
        parts = (self.samples[:size], self.samples[size : 2 * size], self.samples[-size:])
        first, middle, last = (sum(one.memory for one in part) / len(part) for part in parts)
        return first, middle, last


@asynccontextmanager
async def watching(processes: Sequence[psutil.Process], database: str) -> AsyncIterator[Watch]:
    """Watch processes and the jobs in their database until the block ends."""
    watch, store = Watch(), Store.open(database)
    task = asyncio.create_task(_watch(watch, processes, store))
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        watch.waiting = await store.read(lambda unit: unit.jobs.counts())
        store.close()


async def _watch(watch: Watch, processes: Sequence[psutil.Process], store: Store) -> None:
    loop = asyncio.get_running_loop()
    begin, own = loop.time(), psutil.Process()
    for process in (own, *processes):
        process.cpu_percent()  # from here on
    while True:
        await asyncio.sleep(EVERY)
        lag = await store.read(_lag) if len(watch.samples) % LAG_EVERY == 0 else None
        watch.samples.append(
            Sample(
                at=loop.time() - begin,
                memory=sum(one.memory_info().rss for one in processes) / 2**20,
                processor=sum(one.cpu_percent() for one in processes),
                driver=own.cpu_percent(),
                lag=lag,
            )
        )


def _lag(unit: UnitOfWork) -> float:
    now = utc_now()
    oldest = unit.jobs.oldest_due(now)
    return (now - oldest).total_seconds() if oldest else 0.0
