"""The bot as a process that can be struck; otherwise the same as `countersign serve`."""

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import Engine, event

import bot.jobs
import bot.workflow.write
from bot.cli.serve import until_told
from bot.clock import utc_now
from bot.settings import settings_from
from tests.faults.points import Watch

LEASE = timedelta(seconds=1.5)
"""Shorter than in production, so that a walk of hundreds of deaths does not take a day."""


def run(environment, options):
    """Serve until a signal ends it."""
    logging.basicConfig(filename=options["log"], level=logging.INFO)
    bot.jobs.LEASE = LEASE
    bot.workflow.write.WRITE_LEASE = LEASE
    _fill_disk(options["pages"])
    Watch(record=options.get("record"), strike=options.get("strike")).install()
    clock = Clock(options["clock"])
    asyncio.run(until_told(settings_from(environment), now=clock))


class Clock:
    """The time, moved by as many seconds as a file says."""

    def __init__(self, path):
        self._path = path

    def __call__(self):
        """Return the present moment, as this process sees it."""
        return utc_now() + timedelta(seconds=float(_said(self._path) or 0))


def _fill_disk(path):
    """Let SQLite's file grow no further than a file says: it is full then, and says so itself."""

    @event.listens_for(Engine, "begin")
    def begin(connection):
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA max_page_count = {_said(path) or 2**30}")


def _said(path):
    return path.read_text() if path.exists() else ""
