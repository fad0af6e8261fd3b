"""Lets tests see whether jobs are at work, and not wait for those that were put off."""

from sqlalchemy import exists, or_, select, update

from bot.clock import utc_now
from storage.tables import jobs
from storage.unit_of_work import UnitOfWork


def hurry_jobs(unit: UnitOfWork) -> None:
    """Make every job due that was tried and put off; timers and running jobs stay as they are."""
    unit._connection.execute(  # noqa: SLF001  a test reaches behind the repositories
        update(jobs)
        .where(jobs.c.error != "", jobs.c.waiting, ~jobs.c.done)
        .values(due_at=utc_now())
    )


def end_leases(unit: UnitOfWork) -> None:
    """Let the leases of a process that died end now, and not in a minute or five."""
    unit._connection.execute(  # noqa: SLF001  see above
        update(jobs).where(~jobs.c.waiting, ~jobs.c.done).values(due_at=utc_now())
    )


def is_busy(unit: UnitOfWork) -> bool:
    """Tell whether a job runs, or is due."""
    at_work = or_(~jobs.c.waiting, jobs.c.due_at <= utc_now())
    found = select(exists().where(~jobs.c.done, at_work))
    return bool(unit._connection.execute(found).scalar())  # noqa: SLF001  see above
