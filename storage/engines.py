"""The two databases, and the threads that talk to them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from sqlite3 import Connection as SqliteConnection
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from decisions.errors import CountersignError

BUSY_TIMEOUT: Final = 5.0
"""Seconds that SQLite waits for another process, such as a command on the same file."""

POSTGRES_CONNECTIONS: Final = 8
"""How many turns run at once; they wait for the disk, so more than the processors."""


class UnknownDatabaseError(CountersignError):
    """A URL names a database that rows cannot be kept in."""

    def __init__(self, url: str) -> None:
        """Say which can."""
        super().__init__(
            f"{make_url(url).render_as_string()!r} is not a database that Countersign knows. "
            "Give sqlite:////path/to/file.db or postgresql+psycopg://user@host/name."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An engine, and the threads that alone use its connections."""

    engine: Engine
    threads: ThreadPoolExecutor

    def close(self) -> None:
        """Let running turns end, then close the connections."""
        self.threads.shutdown()
        self.engine.dispose()


def open_sides(url: str) -> tuple[Side, Side]:
    """Return one side that writes and one that reads; they never wait for each other.

    Raises:
        UnknownDatabaseError: neither SQLite nor PostgreSQL.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite" if parsed.database:
            return _sqlite(parsed, writes=True), _sqlite(parsed, writes=False)
        case "postgresql":
            return _postgres(parsed.set(drivername="postgresql+psycopg"))
        case _:
            raise UnknownDatabaseError(url)


def _sqlite(url: URL, *, writes: bool) -> Side:
    """Open one connection, owned by one thread.

    A thread that runs whole turns is several times cheaper than an asynchronous driver, which
    hops threads at every statement (docs/decisions).
    """
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,  # an error is logged, and what was sent to us is not
        connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def settle(connection: SqliteConnection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if not writes:
            connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # Whoever begins by reading and then writes may find that somebody else wrote in between;
        # SQLite then refuses without waiting. So a turn takes the write lock first.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    name = "sqlite-writer" if writes else "sqlite-reader"
    return Side(engine=engine, threads=ThreadPoolExecutor(1, thread_name_prefix=name))


def _postgres(url: URL) -> tuple[Side, Side]:
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=2 * POSTGRES_CONNECTIONS,
        max_overflow=0,
        hide_parameters=True,
    )
    # A reading turn sees one moment, as on SQLite: a chain that grows while it is verified, or a
    # list and its count, would contradict themselves otherwise.
    reading = engine.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
    return (
        Side(engine=engine, threads=ThreadPoolExecutor(POSTGRES_CONNECTIONS, "postgres-writer")),
        Side(engine=reading, threads=ThreadPoolExecutor(POSTGRES_CONNECTIONS, "postgres-reader")),
    )
