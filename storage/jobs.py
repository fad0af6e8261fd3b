"""Everything that happens later: one table, claimed by any number of replicas.

`due_at` is start, retry and lease expiry at once: claiming moves it a lease ahead, so whoever
finds a job due may take it, and nobody has to notice that a replica died. `attempts` is the
fencing token: it counts the claims, and whoever lost a job cannot finish it any more. `key`
makes a job once per occurrence. `lane` runs one job at a time, in the order of `due_at`, and
one that was interrupted goes first.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    FromClause,
    Row,
    ScalarSelect,
    Subquery,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    true,
    update,
)

from decisions.canonical import Plain
from decisions.errors import CountersignError
from storage.inserts import insert_those_not_there
from storage.tables import (
    HAS_LANE,
    HAS_NO_LANE,
    IS_DONE,
    IS_RUNNING,
    IS_UNDONE,
    jobs,
    lane_uses,
)

_LANES_LOCK: Final = 0x636C
"""Sets our advisory locks on PostgreSQL apart from other people's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A claimed job; `due_at` is when it should have started, `until` when its lease ends."""

    id: int
    kind: str
    key: str
    lane: str | None
    payload: Mapping[str, Plain]
    due_at: datetime
    attempts: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most so many within any stretch of time of this length."""

    count: int
    within: timedelta


PER_CONVERSATION: Final = (
    Rate(count=7, within=timedelta(seconds=1)),
    Rate(count=60, within=timedelta(seconds=30)),
    Rate(count=1800, within=timedelta(hours=1)),
)
"""What Teams takes from one bot in one conversation.

https://learn.microsoft.com/microsoftteams/platform/bots/how-to/rate-limit
"""


_SKEW: Final = timedelta(seconds=5)
"""By which the clocks of two replicas may differ."""


class LostLeaseError(CountersignError):
    """A job was given up for lost, and somebody else has it or has done it."""

    def __init__(self, job: Job) -> None:
        """Name the job."""
        self.job = job
        super().__init__(
            f"Job {job.key} took longer than its lease and was taken over. "
            "What this attempt still wanted to keep is dropped."
        )


_HELD: Final = (jobs.c.id == bindparam("job")) & (jobs.c.attempts == bindparam("token"))
_GIVE_BACK: Final = update(jobs).where(_HELD, IS_UNDONE, IS_RUNNING)
_CANCEL: Final = (
    update(jobs)
    .where(jobs.c.key == bindparam("wanted"), IS_UNDONE, jobs.c.waiting)
    .values(done=True)
)


class Jobs:
    """The jobs of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection
        self._new: list[dict[str, object]] = []
        self.added = False

    def add(
        self,
        kind: str,
        key: str,
        payload: Mapping[str, Plain],
        *,
        due_at: datetime,
        lane: str | None = None,
    ) -> None:
        """Let something be done later; nothing, when there is or was a job with this key."""
        self._new.append(
            {
                "kind": kind,
                "key": key,
                "lane": lane,
                "payload": payload,
                "due_at": due_at,
                "attempts": 0,
                "waiting": True,
                "done": False,
                "error": "",
            }
        )

    def insert(self) -> None:
        """Insert what was added, in one statement; the store calls it before the commit.

        `added` tells then whether some of it is new.
        """
        new, self._new = self._new, []
        if new:
            self.added = insert_those_not_there(self._connection, jobs, new) > 0

    def is_known(self, key: str) -> bool:
        """Tell whether there is or was a job with this key."""
        found = select(exists().where(jobs.c.key == key))
        return bool(self._connection.execute(found).scalar())

    def cancel(self, key: str) -> bool:
        """Strike out a job that nobody has started; False when there is none."""
        return self._connection.execute(_CANCEL, {"wanted": key}).rowcount == 1

    def hurry(self, kind: str, now: datetime) -> int:
        """Make due what was put off after a try; return how many jobs of this kind it was."""
        put_off = (jobs.c.kind == kind) & (jobs.c.attempts > 0) & (jobs.c.due_at > now)
        found = update(jobs).where(put_off, IS_UNDONE, jobs.c.waiting).values(due_at=now)
        return self._connection.execute(found).rowcount

    def claim(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        *,
        kinds: Collection[str] | None = None,
        free_first: bool = False,
    ) -> tuple[Job, ...]:
        """Take due jobs, the longest due first; nobody else gets them until the lease ends.

        Where more are due than wanted, those in lanes go first: an approved write does not wait
        behind ten thousand recommendations that just came in. A quarter is kept for the others;
        whoever takes fewer than four at a time lets them be `free_first` now and then.
        With `kinds` no others are taken; a lane whose next job is of another kind waits for
        somebody who takes that kind.
        """
        lanes = self._lanes_with_work(now, limit, kinds)
        heads, free = self._heads(lanes, now, kinds), self._free(now, limit, kinds)
        kept = limit if free_first else limit // 4
        due = _begun_first(list(heads), list(free), limit, kept)
        if not due:
            return ()
        until = now + lease
        self._connection.execute(
            update(jobs)
            .where(jobs.c.id.in_([row.id for row in due]))
            .values(due_at=until, attempts=jobs.c.attempts + 1, waiting=False)
        )
        return tuple(_claimed(row, until) for row in due)

    def _lanes_with_work(
        self, now: datetime, limit: int, kinds: Collection[str] | None
    ) -> list[str]:
        """Return lanes whose next job is due, and on PostgreSQL keep others out of them.

        Without the lock, a claimer that looked a moment earlier could start the second job of
        a lane while the first one is being started here.
        """
        lanes, head = _lane_names(), jobs.alias()
        found = (
            select(lanes.c.lane)
            .select_from(lanes)
            .join(head, head.c.id == _head_of(lanes))
            .where(head.c.due_at <= now, _of_kind(head.c.kind, kinds))
            .order_by(head.c.due_at, head.c.id)
            .limit(limit)
        )
        names = list(self._connection.execute(found).scalars())
        if not names or self._connection.dialect.name == "sqlite":
            return names  # SQLite lets one transaction write at a time
        lane = func.unnest(cast(literal(names), ARRAY(Text))).column_valued("lane")
        locked = select(lane).where(
            func.pg_try_advisory_xact_lock(_LANES_LOCK, func.hashtext(lane))
        )
        return list(self._connection.execute(locked).scalars())

    def _heads(
        self, lanes: list[str], now: datetime, kinds: Collection[str] | None
    ) -> Iterable[Row[tuple[object, ...]]]:
        if not lanes:
            return ()
        # A second look under the lock: on PostgreSQL each statement sees what was kept before it.
        return self._connection.execute(
            select(jobs)
            .where(
                jobs.c.lane.in_(lanes),
                jobs.c.id == _head_of(jobs),
                IS_UNDONE,
                HAS_LANE,
                jobs.c.due_at <= now,
                _of_kind(jobs.c.kind, kinds),
            )
            .with_for_update(skip_locked=True)
        )

    def _free(
        self, now: datetime, limit: int, kinds: Collection[str] | None
    ) -> Iterable[Row[tuple[object, ...]]]:
        return self._connection.execute(
            select(jobs)
            .where(IS_UNDONE, HAS_NO_LANE, jobs.c.due_at <= now, _of_kind(jobs.c.kind, kinds))
            .order_by(jobs.c.due_at, jobs.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )

    def finish(self, job: Job) -> None:
        """Strike a job out; in the turn that keeps what it did.

        Raises:
            LostLeaseError: somebody else took it over.
        """
        self._give_back(job, done=True, waiting=True)

    def retry(self, job: Job, due_at: datetime, error: str) -> None:
        """Let a job be tried again later; the others in its lane go on.

        Raises:
            LostLeaseError: somebody else took it over.
        """
        self._give_back(job, due_at=due_at, waiting=True, error=error)

    def hold(self, job: Job, until: datetime, error: str) -> None:
        """Let a job be tried again later, and nothing in its lane before it.

        Raises:
            LostLeaseError: somebody else took it over.
        """
        self._give_back(job, due_at=until, error=error)

    def renew(self, job: Job, until: datetime) -> None:
        """Keep a job for longer.

        Raises:
            LostLeaseError: somebody else took it over.
        """
        self._give_back(job, due_at=until)

    def _give_back(self, job: Job, **change: object) -> None:
        statement = _GIVE_BACK.values(**change)
        held = self._connection.execute(statement, {"job": job.id, "token": job.attempts})
        if held.rowcount == 0:
            raise LostLeaseError(job)

    def take_rate(
        self, lane: str, now: datetime, limits: Collection[Rate] = PER_CONVERSATION
    ) -> timedelta | None:
        """Count one use of a lane; or return how long to wait, and count nothing.

        Replicas share the count: any stretch of time is kept to, whoever sends.
        """
        if self._connection.dialect.name != "sqlite":
            self._connection.execute(
                select(func.pg_advisory_xact_lock(_LANES_LOCK, func.hashtext(f"rate:{lane}")))
            )
        # A clock that was ahead and is right again must not silence a conversation for as long.
        self._connection.execute(
            delete(lane_uses).where(lane_uses.c.lane == lane, lane_uses.c.at > now + _SKEW)
        )
        waits = [self._wait_for(lane, now, rate) for rate in limits]
        longest = max(waits, default=timedelta(0))
        if longest > timedelta(0):
            return longest
        oldest = now - max((rate.within for rate in limits), default=timedelta(0))
        self._connection.execute(
            delete(lane_uses).where(lane_uses.c.lane == lane, lane_uses.c.at <= oldest)
        )
        self._connection.execute(insert(lane_uses), {"lane": lane, "at": now})
        return None

    def _wait_for(self, lane: str, now: datetime, rate: Rate) -> timedelta:
        """Return how long until the use that is `count` uses back leaves the stretch."""
        at = self._connection.execute(
            select(lane_uses.c.at)
            .where(lane_uses.c.lane == lane)
            .order_by(lane_uses.c.at.desc())
            .offset(rate.count - 1)
            .limit(1)
        ).scalar()
        return timedelta(0) if at is None else at + rate.within - now

    def next_due(self, *, kinds: Collection[str] | None = None) -> datetime | None:
        """Return when something next becomes claimable; None when nothing waits at all.

        A job behind another one in its lane is not counted: it cannot start yet.
        """
        return self._earliest(kinds, true())

    def oldest_due(self, now: datetime) -> datetime | None:
        """Return since when the longest waiting of the claimable jobs is due; None when none."""
        return self._earliest(None, jobs.c.due_at <= now)

    def _earliest(
        self, kinds: Collection[str] | None, condition: ColumnElement[bool]
    ) -> datetime | None:
        lanes = _lane_names()
        free = select(func.min(jobs.c.due_at)).where(
            IS_UNDONE, HAS_NO_LANE, condition, _of_kind(jobs.c.kind, kinds)
        )
        heads = (
            select(func.min(jobs.c.due_at))
            .select_from(lanes)
            .join(jobs, jobs.c.id == _head_of(lanes))
            .where(condition, _of_kind(jobs.c.kind, kinds))
        )
        found = [self._connection.execute(statement).scalar() for statement in (free, heads)]
        return min((moment for moment in found if moment is not None), default=None)

    def counts(self) -> dict[str, int]:
        """Return how many jobs of each kind are not done."""
        rows = self._connection.execute(
            select(jobs.c.kind, func.count()).where(IS_UNDONE).group_by(jobs.c.kind)
        )
        return {row[0]: row[1] for row in rows}

    def sweep(self, before: datetime, *, limit: int) -> int:
        """Remove some done jobs whose lease or start lies before; their keys may be used again."""
        old = select(jobs.c.id).where(IS_DONE, jobs.c.due_at < before).limit(limit)
        return self._connection.execute(delete(jobs).where(jobs.c.id.in_(old))).rowcount


def _lane_names() -> Subquery:
    """Return each lane that has work, by jumping through the index from one to the next.

    A lane may have thousands of jobs waiting; looking at each would make claiming slower the
    more there is to do.
    """
    work = jobs.alias()
    names = select(func.min(work.c.lane).label("lane")).where(
        ~work.c.done, work.c.lane.is_not(None)
    )
    walk = names.cte("lane_walk", recursive=True)
    further = (
        select(func.min(jobs.c.lane))
        .where(IS_UNDONE, HAS_LANE, jobs.c.lane > walk.c.lane)
        .correlate(walk)
        .scalar_subquery()
    )
    walk = walk.union_all(select(further).where(walk.c.lane.is_not(None)))
    return select(walk.c.lane).where(walk.c.lane.is_not(None)).subquery("lanes")


def _head_of(lanes: FromClause) -> ScalarSelect[int]:
    """Return the id of the job that a lane must do next: the one that runs, or the first due."""
    work = jobs.alias()
    return (
        select(work.c.id)
        .where(~work.c.done, work.c.lane.is_not(None), work.c.lane == lanes.c.lane)
        .order_by(work.c.waiting, work.c.due_at, work.c.id)
        .limit(1)
        .correlate(lanes)
        .scalar_subquery()
    )


def _of_kind(kind: ColumnElement[str], kinds: Collection[str] | None) -> ColumnElement[bool]:
    # Put together with nothing, so that no planner finds jobs by their kind: among a hundred
    # thousand that wait, the few that are due are found by when they are due.
    return true() if kinds is None else kind.concat("").in_(sorted(kinds))


def _begun_first(
    heads: list[Row[tuple[object, ...]]],
    free: list[Row[tuple[object, ...]]],
    limit: int,
    kept: int,
) -> list[Row[tuple[object, ...]]]:
    def due(row: Row[tuple[object, ...]]) -> tuple[datetime, int]:
        return row.due_at, row.id

    begun = sorted(heads, key=due)[: limit - min(len(free), kept)]
    return sorted([*begun, *sorted(free, key=due)[: limit - len(begun)]], key=due)


def _claimed(row: Row[tuple[object, ...]], until: datetime) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        key=row.key,
        lane=row.lane,
        payload=row.payload,
        due_at=row.due_at,
        attempts=row.attempts + 1,
        until=until,
    )
