"""The worker: claims due jobs, runs their step, and keeps what became of them."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from time import perf_counter
from typing import Final, TypeAlias

from opentelemetry import trace

from bot import logs, measure
from bot.ports import Clock
from bot.workflow.retry import LaneWaitsError, RetryLaterError
from bot.workflow.together import Together
from storage.jobs import Job, LostLeaseError
from storage.store import Store
from storage.unit_of_work import UnitOfWork

Step: TypeAlias = Callable[[Job], Awaitable[None]]

LEASE: Final = timedelta(seconds=60)
"""How long a claimed job is ours; renewed while it runs, taken over when we die."""

LONGEST_NAP: Final = timedelta(seconds=1)
"""How long the worker sleeps at most when nobody wakes it."""

_FIRST_WAIT: Final = timedelta(seconds=2)
_FEW: Final = 1
"""Jobs that run while somebody waits for the answer to a click."""

_FREE_EVERY: Final = 4
"""Each so many claims, jobs without a lane go first, or the few that run would never be theirs."""

_TOGETHER: Final = 0.02
"""Seconds that a claim waits for more jobs to end while most of the workers are busy."""

_LONGEST_WAIT: Final = timedelta(minutes=10)

_TRACER: Final = trace.get_tracer("countersign.jobs")

log = logging.getLogger(__name__)


def backoff(attempts: int) -> timedelta:
    """Return how long a job that broke waits: doubling, up to ten minutes."""
    doublings: int = min(attempts - 1, 12)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)


class Worker:
    """Runs jobs, several at once, until it is told to stop."""

    def __init__(
        self,
        store: Store,
        steps: Mapping[str, Step],
        *,
        now: Clock,
        at_once: int,
        last_jobs: timedelta = LEASE,
        people_wait: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the steps by job kind; `at_once` bounds how many run together.

        While `people_wait`, few jobs start: whoever clicked goes first. `last_jobs` is how long
        those in hand have when it is told to stop.
        """
        self._store = store
        self._steps = steps
        self._now = now
        self._at_once = at_once
        self._last_jobs = last_jobs
        self._people_wait = people_wait
        self._running: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._claims = count(1)
        self._finish = Together(self._finish_all)

    def wake(self) -> None:
        """Look for due jobs now; may be called from the event loop only."""
        self._wake.set()

    async def run(self) -> None:
        """Work until told to stop; then finish what is in hand."""
        while not self._stopping:
            self._wake.clear()
            if not await self._claimed():
                await self._nap()
        if self._running:
            await asyncio.wait(self._running, timeout=self._last_jobs.total_seconds())
        # What is not done by now is given up as if we had died: another takes it over when its
        # lease ends, and a write among them is looked for before it is sent.
        for task in (left := tuple(self._running)):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def stop(self) -> None:
        """Claim nothing more; `run` ends when what is in hand is done.

        It is told, not cancelled: a cancelled claim would hold jobs until their lease ends.
        """
        self._stopping = True
        self._wake.set()

    async def drain(self) -> int:
        """Run everything that is due now and what it causes; return how many jobs ran."""
        ran = 0
        while claimed := await self._claim_some():
            ran += claimed
            while self._running:
                await asyncio.wait(self._running)
        return ran

    async def _claimed(self) -> int:
        """Claim jobs; a database that is away must not be the end of a worker."""
        try:
            return await self._claim_some()
        except Exception:
            log.exception("no job could be claimed; it is tried again")
            return 0

    async def _claim_some(self) -> int:
        if len(self._running) > self._at_once // 2:
            # While many run, let a few end, since claims are dear.
            await asyncio.wait(self._running, timeout=_TOGETHER)
        room = self._most() - len(self._running)
        if room <= 0:
            return 0  # whichever ends first wakes us, and so does being told to stop
        now, free_first = self._now(), next(self._claims) % _FREE_EVERY == 0
        jobs = await self._store.turn(
            lambda unit: unit.jobs.claim(
                now, LEASE, room, kinds=self._steps.keys(), free_first=free_first
            )
        )
        for job in jobs:
            task = asyncio.create_task(self._run_one(job))
            self._running.add(task)
            task.add_done_callback(self._finished)
        return len(jobs)

    def _most(self) -> int:
        return min(_FEW, self._at_once) if self._people_wait() else self._at_once

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._wake.set()

    async def _nap(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LONGEST_NAP.total_seconds())

    async def _run_one(self, job: Job) -> None:
        with (
            logs.bound(job=job.id, job_kind=job.kind, attempt=job.attempts),
            _TRACER.start_as_current_span(f"job {job.kind}"),
        ):
            if "id" in job.payload:
                logs.about(str(job.payload["id"]))
            renewing = asyncio.create_task(self._renew(job))
            started = perf_counter()
            outcome = "lost"
            try:
                outcome = await self._run_step(job)
            except LostLeaseError as lost:
                log.warning("%s", lost)
            finally:
                renewing.cancel()
                seconds = perf_counter() - started
                measure.JOB_SECONDS.labels(kind=job.kind, outcome=outcome).observe(seconds)

    async def _run_step(self, job: Job) -> str:
        try:
            await self._steps[job.kind](job)
        except LostLeaseError:
            raise
        except RetryLaterError as later:
            log.info("job %s waits %s: %s", job.key, later.after, later)
            await self._again(job, later)
            return "later"
        except Exception as error:
            log.exception("job %s broke", job.key)
            why = f"{type(error).__name__}: {error}"
            await self._again(job, RetryLaterError(backoff(job.attempts), why))
            return "broke"
        (lost,) = await self._finish([job])
        if lost is not None:
            raise lost
        return "done"

    async def _finish_all(self, jobs: Sequence[Job]) -> Sequence[LostLeaseError | None]:
        return await self._store.turn(lambda unit: [_finish(unit, job) for job in jobs])

    async def _again(self, job: Job, later: RetryLaterError) -> None:
        """Put a job off; a lane that was told to wait waits as a whole."""
        due, why = self._now() + later.after, str(later)[:500]
        if isinstance(later, LaneWaitsError):
            await self._store.turn(lambda unit: unit.jobs.hold(job, due, why))
        else:
            await self._store.turn(lambda unit: unit.jobs.retry(job, due, why))

    async def _renew(self, job: Job) -> None:
        with contextlib.suppress(LostLeaseError):  # the step finds out when it wants to keep
            while True:
                await asyncio.sleep(LEASE.total_seconds() / 3)
                await self._keep_on(job)

    async def _keep_on(self, job: Job) -> None:
        try:
            await self._store.turn(lambda unit: unit.jobs.renew(job, self._now() + LEASE))
        except LostLeaseError:
            raise
        except Exception:
            log.exception("the lease of job %s could not be renewed this time", job.key)


def _finish(unit: UnitOfWork, job: Job) -> LostLeaseError | None:
    try:
        unit.jobs.finish(job)
    except LostLeaseError as lost:
        return lost
    return None
