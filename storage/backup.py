"""Copies of a whole database: taken while the program runs, put back when it does not."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import URL, inspect, make_url, select

from decisions.errors import CountersignError
from storage.audit import verify_chain
from storage.engines import open_sides
from storage.store import Store
from storage.tables import audit_head
from storage.unit_of_work import UnitOfWork

_PLAIN: Final = ("--no-owner", "--no-privileges")


class BackupThereError(CountersignError):
    """A file stands where the backup should go."""

    def __init__(self, path: Path) -> None:
        """Name it."""
        super().__init__(f"{path} is there already. Give a backup a name of its own.")


class NoBackupError(CountersignError):
    """A file cannot be restored."""

    def __init__(self, path: Path, why: str) -> None:
        """Say why."""
        super().__init__(f"{path} cannot be restored: {why}. Nothing was changed.")


class NotEmptyError(CountersignError):
    """The database that would be overwritten holds records."""

    def __init__(self) -> None:
        """Say what would be lost."""
        super().__init__(
            "The database holds records, which a restore would overwrite. Back it up, stop the "
            "program, then say --replace."
        )


class ToolMissingError(CountersignError):
    """PostgreSQL's own tool is not on the PATH."""

    def __init__(self, tool: str) -> None:
        """Say what to install."""
        super().__init__(
            f"{tool} is not on the PATH. Install PostgreSQL's client tools, of the server's "
            "version or newer (postgresql-client)."
        )


class ToolFailedError(CountersignError):
    """PostgreSQL's own tool gave up."""

    def __init__(self, tool: str, said: str) -> None:
        """Repeat its last words."""
        super().__init__(f"{tool} failed: {said.strip()[-500:]}")


def back_up(url: str, to: Path) -> None:
    """Copy a database, as it was at one moment, to a file that only its owner can read.

    It is complete and on disk when this returns. The program may run meanwhile.

    Raises:
        BackupThereError: the file is there.
        ToolMissingError: PostgreSQL's tools are not installed.
        ToolFailedError: they gave up.
        NoBackupError: the copy does not hold what was copied.
    """
    if to.exists():
        raise BackupThereError(to)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=".backup-") as folder:
        copy = Path(folder) / "copy"
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            _copy_sqlite(Path(str(parsed.database)), copy)
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA journal_mode = DELETE")  # one file, without a -wal
            _check_sqlite(copy, to)
        else:
            _postgres("pg_dump", parsed, "--format=custom", *_PLAIN, f"--file={copy}")
            _postgres("pg_restore", None, "--list", str(copy))
        copy.chmod(0o600)
        _sync(copy)
        try:
            os.link(copy, to)  # unlike a rename, it never takes the place of another file
        except FileExistsError:
            raise BackupThereError(to) from None
    _sync(to.parent)


def restore(url: str, backup: Path, *, replace: bool) -> None:
    """Put a backup in the place of a database; an older layout is brought up to date.

    Raises:
        NoBackupError: the file is no backup of this kind of database, or was changed.
        NotEmptyError: the database holds records, and `replace` was not said.
        ToolMissingError: PostgreSQL's tools are not installed.
        ToolFailedError: they gave up; the database is as it was.
    """
    parsed = make_url(url)
    if not backup.is_file():
        raise NoBackupError(backup, "there is no such file")
    if not replace and not _is_empty(url):
        raise NotEmptyError
    if parsed.get_backend_name() == "sqlite":
        _check_sqlite(backup, backup)
        _copy_sqlite(backup, Path(str(parsed.database)))
    else:
        _postgres("pg_restore", None, "--list", str(backup))
        _postgres(
            "pg_restore",
            parsed,
            *("--clean", "--if-exists", "--single-transaction", "--exit-on-error"),
            *_PLAIN,
            str(backup),
        )
    store = Store.open(url)
    try:
        store.migrate()
    finally:
        store.close()


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy with SQLite's own means, which keep to its locks and to one moment."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        writing.execute("PRAGMA synchronous = FULL")
        reading.backup(writing)


def _check_sqlite(file: Path, name: Path) -> None:
    """Read a copy of it from end to end: a backup nobody opened is a hope.

    Raises:
        NoBackupError: it is no database of ours, or its audit chain does not hold.
    """
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(file, copy)
        try:
            with closing(sqlite3.connect(copy)) as connection:
                (sound,) = connection.execute("PRAGMA integrity_check").fetchone()
        except sqlite3.DatabaseError as wrong:
            raise NoBackupError(name, str(wrong)) from None
        if sound != "ok":
            raise NoBackupError(name, "it is damaged")
        _, reading = sides = open_sides(f"sqlite:///{copy}")
        try:
            if "audit_head" not in inspect(reading.engine).get_table_names():
                raise NoBackupError(name, "it holds no audit chain")
            with reading.engine.begin() as connection:
                broken = next(iter(verify_chain(UnitOfWork(connection))), None)
        finally:
            for side in sides:
                side.close()
        if broken is not None:
            raise NoBackupError(name, f"entry {broken.seq} of its audit chain: {broken.what}")


def _is_empty(url: str) -> bool:
    sides = open_sides(url)
    engine = sides[0].engine
    try:
        names = inspect(engine).get_table_names()
        if "audit_head" not in names:
            return not names
        with engine.begin() as connection:
            return connection.execute(select(audit_head.c.seq)).scalar() == 0
    finally:
        for side in sides:
            side.close()


def _postgres(tool: str, url: URL | None, *options: str) -> None:
    """Run one of PostgreSQL's tools; a password goes by way of the environment.

    Raises:
        ToolMissingError: it is not installed.
        ToolFailedError: it gave up.
    """
    program = shutil.which(tool)
    if program is None:
        raise ToolMissingError(tool)
    environment = dict(os.environ)
    if url is not None:
        password = url.password or url.query.get("password")
        if password:
            environment["PGPASSWORD"] = str(password)
        bare = url.difference_update_query(["password"])._replace(
            drivername="postgresql", password=None
        )
        options = (f"--dbname={bare.render_as_string(hide_password=False)}", *options)
    ran = subprocess.run(  # noqa: S603  the tool is PostgreSQL's, its options are ours
        [program, *options], env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise ToolFailedError(tool, ran.stderr)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
