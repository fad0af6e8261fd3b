"""Turns that wait for SQLite's one writer share a commit: the disk is flushed once for all.

Each runs within a savepoint of its own, so that one that fails undoes nothing of the others, and
each is answered when the commit is on disk. PostgreSQL does the same by itself, for connections
that commit at the same time.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from storage.engines import Side
from storage.unit_of_work import UnitOfWork

MOST: Final = 32
"""Turns in one commit; the first one waits for the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A turn, what is called when it is committed, and who waits for its result."""

    work: Callable[[UnitOfWork], Any]
    committed: Callable[[UnitOfWork], None]
    answer: "Future[Any]"


Outcome = Callable[[Waiting], None]


class Grouping:
    """Runs turns on the thread of one connection, all that wait in one transaction."""

    def __init__(self, side: Side, alone: Callable[[Waiting], Any]) -> None:
        """Take the side that writes, and how one turn is run by itself, with its retries."""
        self._side = side
        self._alone = alone
        self._waiting: deque[Waiting] = deque()

    def submit(
        self, work: Callable[[UnitOfWork], Any], committed: Callable[[UnitOfWork], None]
    ) -> "Future[Any]":
        """Let a turn run; the future has its result once it is committed."""
        one = Waiting(work=work, committed=committed, answer=Future())
        one.answer.set_running_or_notify_cancel()  # whoever cancels it does not stop the turn
        self._waiting.append(one)
        self._side.threads.submit(self._run)
        return one.answer

    def _run(self) -> None:
        # Called once for each turn; it finds nothing when another call took its turn along.
        some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        if len(some) > 1:
            self._together(some)
        elif some:
            self._by_itself(some[0])

    def _together(self, some: list[Waiting]) -> None:
        try:
            outcomes = self._in_one(some)
        except Exception as error:  # noqa: BLE001  whatever it is, nobody may wait for ever
            for one in some:
                one.answer.set_exception(error)
            return
        for one, outcome in zip(some, outcomes, strict=True):
            outcome(one)

    def _in_one(self, some: list[Waiting]) -> list[Outcome]:
        try:
            with self._side.engine.begin() as connection:
                return [self._within(connection, one) for one in some]
        except DBAPIError:
            # Nothing was kept: the database was busy, or gave the whole transaction up.
            return [self._by_itself] * len(some)

    def _by_itself(self, one: Waiting) -> None:
        try:
            result = self._alone(one)
        except BaseException as error:  # noqa: BLE001  it belongs to whoever waits for the turn
            one.answer.set_exception(error)
        else:
            one.answer.set_result(result)

    def _within(self, connection: Connection, one: Waiting) -> Outcome:
        savepoint = connection.begin_nested()
        try:
            unit = UnitOfWork(connection)
            result = one.work(unit)
            unit.complete()
            savepoint.commit()
        except DBAPIError:
            raise
        except Exception:  # noqa: BLE001  it is run again by itself, where it may fail for good
            savepoint.rollback()
            return self._by_itself
        return lambda one: _answer(one, result, unit)


def _answer(one: Waiting, result: object, unit: UnitOfWork) -> None:
    one.committed(unit)
    one.answer.set_result(result)
