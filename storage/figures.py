"""How much waits and what stands open, counted so that it stays cheap at a million rows.

Each count reads a partial index that holds only what is not over; the rest is never looked at.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Column, ColumnElement, Connection, Select, bindparam, case, func, select

from storage.tables import (
    HAS_LANE,
    HAS_NO_LANE,
    IS_ALARM,
    IS_HELD,
    IS_UNDONE,
    IS_UNFINISHED,
    IS_UNWRITTEN,
    audit,
    audit_head,
    jobs,
    orders,
    quarantine,
    recommendations,
)
from storage.types import UtcDateTime

_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFigures:
    """The jobs of one kind that are not done; `failing` said something was wrong last time."""

    waiting: int
    failing: int
    oldest_due: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What stood in the database at one moment; counts by state leave out what is over."""

    jobs: Mapping[str, JobFigures]
    recommendations: Mapping[str, int]
    orders: Mapping[str, int]
    quarantined: int
    audit_entries: int
    alarms: int

    @property
    def oldest_due(self) -> datetime | None:
        """Return since when the longest waiting job is due; None when none is."""
        found = [one.oldest_due for one in self.jobs.values() if one.oldest_due is not None]
        return min(found, default=None)


def _jobs(*conditions: ColumnElement[bool]) -> Select[str, int, int, datetime]:
    due = case((jobs.c.due_at <= bindparam("now", type_=UtcDateTime()), jobs.c.due_at))
    return (
        select(
            jobs.c.kind,
            func.count(),
            func.sum(case((jobs.c.error != "", 1), else_=0)),
            func.min(due),
        )
        .where(IS_UNDONE, *conditions)
        .group_by(jobs.c.kind)
    )


# The ranges say nothing that is not so anyway: they make SQLite start from the partial index.
_JOBS: Final = (
    _jobs(HAS_NO_LANE, jobs.c.due_at >= _LONG_AGO),
    _jobs(HAS_LANE, jobs.c.lane >= ""),
)


def _by_state(state: Column[str], condition: ColumnElement[bool]) -> Select[str, int]:
    return select(state, func.count()).where(condition).group_by(state)


_RECOMMENDATIONS: Final = _by_state(recommendations.c.state, IS_UNFINISHED)
_ORDERS: Final = _by_state(orders.c.state, IS_UNWRITTEN)
_HELD: Final = select(func.count()).select_from(quarantine).where(IS_HELD)
_ALARMS: Final = select(func.count()).select_from(audit).where(IS_ALARM)
_ENTRIES: Final = select(audit_head.c.seq)


def read_figures(connection: Connection, now: datetime) -> Figures:
    """Count what is not over."""

    def number(statement: Select[int]) -> int:
        return connection.execute(statement).scalar_one()

    def by_state(statement: Select[str, int]) -> dict[str, int]:
        return {row[0]: row[1] for row in connection.execute(statement)}

    return Figures(
        jobs=_counted_jobs(connection, now),
        recommendations=by_state(_RECOMMENDATIONS),
        orders=by_state(_ORDERS),
        quarantined=number(_HELD),
        audit_entries=number(_ENTRIES),
        alarms=number(_ALARMS),
    )


def _counted_jobs(connection: Connection, now: datetime) -> dict[str, JobFigures]:
    waiting: Counter[str] = Counter()
    failing: Counter[str] = Counter()
    oldest: dict[str, datetime] = {}
    for statement in _JOBS:
        for kind, number, failed, due in connection.execute(statement, {"now": now}):
            waiting[kind] += number
            failing[kind] += failed
            if due is not None:
                oldest[kind] = min(due, oldest.get(kind, due))
    return {
        kind: JobFigures(waiting=waiting[kind], failing=failing[kind], oldest_due=oldest.get(kind))
        for kind in waiting
    }
