"""Rows from a database: one SELECT, read-only, in a thread, within limits."""

import asyncio
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, cast

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from erp.ports import ErpUnreachableError
from erp.sources.header import positions
from erp.sources.mapping import Limits, Row, Rows, ScopeMapping, SourceMapping, SqlPlace
from erp.sources.statement import BOUND
from erp.sources.values import EPOCHS, written_moment

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What `:since` is for a full reading."""

STEPS: Final = 10_000
"""How many steps of SQLite's machine pass between two looks at the clock."""

CONNECT: Final = 10
BATCH: Final = 1000
LONGEST_REASON: Final = 200


class SqlRows:
    """Reads the rows of each scope; one query at a time, because one at a time is enough."""

    def __init__(self, mapping: SourceMapping, dsn: str) -> None:
        """Keep the address; nothing is opened yet."""
        self._mapping = mapping
        self._dsn = dsn
        self._turn = asyncio.Lock()

    async def rows(self, scope: ScopeMapping, *, since: datetime | None, now: datetime) -> Rows:
        """Run the scope's query.

        Raises:
            ErpUnreachableError: no connection, an error, or more rows or time than allowed.
        """
        seconds = self._mapping.limits.seconds
        try:
            async with asyncio.timeout(seconds + 1):
                await self._turn.acquire()
        except TimeoutError:
            raise self._away("the query before this one has not come to its end yet") from None
        running = asyncio.create_task(asyncio.to_thread(self._read, scope, since, now))
        running.add_done_callback(self._ended)
        # A thread cannot be stopped; the limit of the database itself speaks first, if it has one.
        await asyncio.wait({running}, timeout=seconds + 1)
        if not running.done():
            raise self._away(f"no answer within {seconds:g} s")
        return running.result()

    def _ended(self, task: asyncio.Task[Rows]) -> None:
        """Let the next query run, and take the outcome of one that nobody waits for any more."""
        self._turn.release()
        if not task.cancelled():
            task.exception()

    def _read(self, scope: ScopeMapping, since: datetime | None, now: datetime) -> Rows:
        place = cast("SqlPlace", scope.place)  # the file gave each scope a place of its kind
        try:
            url = make_url(self._dsn)
            with _engine(url, self._mapping.limits) as engine, engine.connect() as opened:
                rows = self._rows(opened, scope, place, since, now)
        except (ImportError, ArgumentError, FileNotFoundError) as unusable:
            raise self._away(_unusable(unusable)) from None
        except (SQLAlchemyError, OSError, ValueError, LookupError) as failed:
            raise self._away(_reason(failed, self._dsn)) from None
        by_change = "since" in BOUND.findall(place.query)
        return Rows(source=self._mapping.name, rows=rows, entered_at=None, whole=not by_change)

    def _rows(
        self,
        connection: Connection,
        scope: ScopeMapping,
        place: SqlPlace,
        since: datetime | None,
        now: datetime,
    ) -> tuple[Row, ...]:
        limits, dialect = self._mapping.limits, connection.dialect.name
        if dialect == "postgresql":
            connection = connection.execution_options(postgresql_readonly=True)
            connection.exec_driver_sql(
                f"SET LOCAL statement_timeout = {int(limits.seconds * 1000):d}"
            )
        moments = {"since": BEGINNING if since is None else since, "now": now}
        bound = {
            name: self._bound(moments[name], dialect) for name in set(BOUND.findall(place.query))
        }
        query = text(place.query.strip().removesuffix(";"))
        streamed = connection.execution_options(stream_results=True)
        rows: list[Row] = []
        left = limits.bytes
        with streamed.execute(query, bound) as result:
            at = positions(tuple(result.keys()), scope.columns)
            for batch in result.partitions(BATCH):
                for values in batch:
                    found = {column: cast("object", values[index]) for column, index in at.items()}
                    rows.append(Row(place=f"{scope.scope} {len(rows) + 1}", values=found))
                    left -= sum(len(one) for one in values if isinstance(one, str | bytes))
                if len(rows) > limits.rows:
                    raise ValueError(f"it gives more than {limits.rows} rows")
                if left < 0:
                    raise ValueError(f"it gives more than {limits.megabytes} MB")
        connection.rollback()
        return tuple(rows)

    def _bound(self, moment: datetime, dialect: str) -> object:
        """Return a moment as the source has its own: a text or a number, or a time of its own."""
        formats = self._mapping.formats
        if formats.moment is not None and formats.moment in EPOCHS:
            return int(written_moment(moment, formats))
        if formats.moment is not None or dialect == "sqlite":
            return written_moment(moment, formats)
        return moment.astimezone(UTC)

    def _away(self, why: str) -> ErpUnreachableError:
        return ErpUnreachableError(self._mapping.name, why)


@contextmanager
def _engine(url: URL, limits: Limits) -> Generator[Engine]:
    """Open a database in the strictest way it offers for reading only."""
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "").absolute()
        if not path.is_file():
            raise FileNotFoundError(str(path))
        engine = create_engine(
            "sqlite://", creator=lambda: _sqlite(path, limits), poolclass=NullPool
        )
    elif url.get_backend_name() == "postgresql":
        engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": CONNECT})
    else:
        engine = create_engine(url, poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


def _sqlite(path: Path, limits: Limits) -> sqlite3.Connection:
    until = time.monotonic() + limits.seconds
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limits.bytes)
    connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
    # Bytes that are no UTF-8 become signs that do not print, and so spoil their row only.
    connection.text_factory = _decoded
    return connection


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _unusable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no database file {error}"
    if isinstance(error, ImportError):
        return f"the driver for its database is not installed ({error.name})"
    return "its address is no SQLAlchemy address such as postgresql+psycopg://user@host/name"


def _reason(error: Exception, dsn: str) -> str:
    """Return the first line of what was said, without the password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    said = said.strip().splitlines()[0] if said.strip() else type(error).__name__
    if isinstance(error, LookupError):
        said = str(error.args[0])
    password = make_url(dsn).password
    return (said.replace(password, "***") if password else said)[:LONGEST_REASON]
