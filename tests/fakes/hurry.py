"""Lets what waits for another try be due at once, so that no test waits for it."""

from sqlalchemy import update

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
