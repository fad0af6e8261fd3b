"""The store: one turn is one transaction, on a thread of its own."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from contextvars import copy_context
from typing import Final, Self, TypeVar

from opentelemetry import trace
from opentelemetry.trace import Span
from sqlalchemy.exc import DBAPIError

from decisions.audit import AuditEvent
from storage.engines import Side, open_sides
from storage.grouping import Grouping
from storage.inserts import RacedError
from storage.listening import listen
from storage.migrate import is_current, migrate
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")

TRIES: Final = 6
"""How often a turn is run when others get in its way."""

_FIRST_PAUSE: Final = 0.01
_TRACER: Final = trace.get_tracer("countersign.storage")

_GIVES_WAY: Final = frozenset({"40001", "40P01"})
"""PostgreSQL's serialization failure and deadlock; the turn was undone and may be run again.

https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
"""


class Store:
    """Runs turns; open one for each process."""

    def __init__(self, writing: Side, reading: Side) -> None:
        """Take the two sides of a database; `open` makes them."""
        self._writing = writing
        self._reading = reading
        self._waiters: list[Callable[[], None]] = []
        self._readers: list[Callable[[AuditEvent], None]] = []
        self._grouping = (
            Grouping(writing, lambda one: _run(writing, one.work, one.committed))
            if writing.engine.dialect.name == "sqlite"
            else None
        )

    @classmethod
    def open(cls, url: str) -> Self:
        """Open `sqlite:////path/file.db` or `postgresql+psycopg://...`.

        Raises:
            UnknownDatabaseError: neither of the two.
        """
        return cls(*open_sides(url))

    def migrate(self) -> None:
        """Bring the tables up to date; replicas that do so at once wait for each other."""
        self._writing.threads.submit(migrate, self._writing.engine).result()

    def is_current(self) -> bool:
        """Tell whether the tables are those that this program was built for."""
        return self._writing.threads.submit(is_current, self._writing.engine).result()

    async def has_newest_layout(self) -> bool:
        """Tell the same while turns run; it waits for none of them."""
        loop = asyncio.get_running_loop()
        reading = self._reading
        return await loop.run_in_executor(reading.threads, is_current, reading.engine)

    def close(self) -> None:
        """Let running turns end and close the connections."""
        self._writing.close()
        self._reading.close()

    def on_jobs(self, wake: Callable[[], None]) -> None:
        """Call `wake` in the loop of a turn that added jobs, once they are committed."""
        self._waiters.append(wake)

    def on_events(self, read: Callable[[AuditEvent], None]) -> None:
        """Call `read` with what each turn put in the chain, once it is committed.

        It runs in the loop and the context of the turn, before whoever waits for the turn.
        """
        self._readers.append(read)

    async def listen(self, wake: Callable[[], None]) -> None:
        """Call `wake` when another process added jobs, until this is cancelled.

        On SQLite there are no other workers, so it only waits for the cancellation.
        """
        await listen(self._writing.engine.url, wake)

    async def turn(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in one transaction, commit, and return what it returned.

        Whatever it raises undoes all of it. `work` may be run again when others got in its way,
        so it changes nothing outside the unit. A cancelled turn still ends, one way or the other.
        """
        loop = asyncio.get_running_loop()

        context = copy_context()

        def committed(unit: UnitOfWork) -> None:
            with suppress(RuntimeError):  # the loop ended meanwhile; nobody waits there
                if unit.audit.chained:
                    loop.call_soon_threadsafe(self._tell, unit.audit.chained, context=context)
                if unit.jobs.added:
                    loop.call_soon_threadsafe(self._wake)

        with _span("turn"):
            if self._grouping is not None:
                return await asyncio.wrap_future(self._grouping.submit(work, committed))
            return await loop.run_in_executor(
                self._writing.threads, _run, self._writing, work, committed
            )

    async def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in a transaction that keeps nothing and holds up nobody."""
        loop = asyncio.get_running_loop()
        with _span("read"):
            return await loop.run_in_executor(self._reading.threads, _look, self._reading, work)

    def _tell(self, events: Sequence[AuditEvent]) -> None:
        for event in events:
            for read in self._readers:
                read(event)

    def _wake(self) -> None:
        for wake in self._waiters:
            wake()


def _span(name: str) -> AbstractContextManager[Span]:
    """Begin a span; what went wrong inside is not put on it, for it may quote what was sent."""
    return _TRACER.start_as_current_span(
        name, record_exception=False, set_status_on_exception=False
    )


def _run(
    side: Side, work: Callable[[UnitOfWork], T], committed: Callable[[UnitOfWork], None]
) -> T:
    def turn() -> tuple[T, UnitOfWork]:
        with side.engine.begin() as connection:
            unit = UnitOfWork(connection)
            result = work(unit)
            unit.complete()
            return result, unit

    result, unit = _until_it_holds(turn)
    committed(unit)
    return result


def _look(side: Side, work: Callable[[UnitOfWork], T]) -> T:
    def reading() -> T:
        with side.engine.begin() as connection:
            return work(UnitOfWork(connection))

    return _until_it_holds(reading)


def _until_it_holds(attempt: Callable[[], T]) -> T:
    for tried in range(1, TRIES):
        try:
            return attempt()
        except (DBAPIError, RacedError) as problem:
            if not _may_be_run_again(problem):
                raise
            pause = _FIRST_PAUSE * 2**tried
            time.sleep(pause * random.random())  # noqa: S311  it spreads replicas, it hides nothing
    return attempt()


def _may_be_run_again(problem: DBAPIError | RacedError) -> bool:
    """Tell whether the transaction is known to have left nothing behind."""
    if isinstance(problem, RacedError):
        return True
    if problem.connection_invalidated:
        return problem.statement is not None  # lost while committing: it may have been kept
    cause = problem.orig
    return getattr(cause, "sqlstate", None) in _GIVES_WAY or getattr(
        cause, "sqlite_errorname", ""
    ).startswith("SQLITE_BUSY")
