import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from storage.audit import verify_chain
from storage.backup import (
    BackupThereError,
    NoBackupError,
    NotEmptyError,
    ToolFailedError,
    ToolMissingError,
    back_up,
    restore,
)
from storage.store import Store
from tests.build import an_event
from tests.fakes.databases import destroy, fresh_sqlite, postgres_tools
from tests.storage import intruder


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    monkeypatch.setenv("PATH", postgres_tools())


@pytest.fixture
def backup(tmp_path):
    return tmp_path / "countersign.backup"


def something(unit):
    unit.audit.append(an_event())


async def chain(url):
    store = Store.open(url)
    try:
        return await store.read(lambda unit: (unit.audit.head()[0], list(verify_chain(unit))))
    finally:
        store.close()


async def test_a_backup_holds_what_was_kept_before_it(store, url, backup):
    await store.turn(something)
    back_up(url, backup)
    await store.turn(something)
    store.close()

    restore(url, backup, replace=True)

    assert await chain(url) == (1, [])


async def test_a_backup_goes_into_an_empty_database(store, url, backup):
    await store.turn(something)
    back_up(url, backup)
    store.close()
    destroy(url)

    restore(url, backup, replace=False)

    assert await chain(url) == (1, [])


async def test_a_restored_chain_still_refuses_changes(store, url, backup):
    await store.turn(something)
    back_up(url, backup)

    restore(url, backup, replace=True)

    with pytest.raises(DBAPIError, match="append-only"):
        intruder.run(url, "UPDATE audit SET kind = 'forged'")


async def test_records_are_not_overwritten_unless_that_was_said(store, url, backup):
    back_up(url, backup)
    await store.turn(something)

    with pytest.raises(NotEmptyError, match="--replace"):
        restore(url, backup, replace=False)

    assert await chain(url) == (1, [])


def test_a_backup_takes_no_other_file_s_place(url, backup):
    backup.write_text("mine")

    with pytest.raises(BackupThereError):
        back_up(url, backup)

    assert backup.read_text() == "mine"


def test_only_its_owner_may_read_a_backup(url, backup):
    back_up(url, backup)

    assert backup.stat().st_mode & 0o777 == 0o600
    assert [path for path in backup.parent.iterdir() if path.name.startswith(".backup")] == []


def test_what_is_no_backup_changes_nothing(store, url, backup):
    backup.write_text("not a backup")

    with pytest.raises((NoBackupError, ToolFailedError)):
        restore(url, backup, replace=True)

    assert store.is_current()


def test_a_file_that_is_not_there_is_named(url, backup):
    with pytest.raises(NoBackupError, match="no such file"):
        restore(url, backup, replace=False)


async def test_a_backup_that_was_changed_is_refused(tmp_path, backup):
    url = fresh_sqlite(tmp_path)
    store = Store.open(url)
    await store.turn(something)
    store.close()
    back_up(url, backup)
    with closing(sqlite3.connect(backup)) as connection:
        connection.execute("DROP TRIGGER audit_refuses_update")
        connection.execute("UPDATE audit SET kind = 'forged'")
        connection.commit()

    with pytest.raises(NoBackupError, match="entry 1 of its audit chain"):
        restore(url, backup, replace=True)

    assert await chain(url) == (1, [])


def test_a_backup_is_one_file(tmp_path, backup):
    url = fresh_sqlite(tmp_path)

    back_up(url, backup)

    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_without_the_tools_it_is_said_what_to_install(postgres_url, backup, monkeypatch):
    monkeypatch.setenv("PATH", str(backup.parent))

    with pytest.raises(ToolMissingError, match="postgresql-client"):
        back_up(postgres_url, backup)


@pytest.mark.parametrize("place", ["before the host", "in the query"])
def test_no_password_is_on_a_command_line(place, postgres_url, tmp_path, monkeypatch):
    spy = tmp_path / "pg_dump"
    spy.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/seen"\nexit 1\n')
    spy.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    parsed = make_url(postgres_url)
    secret = {"password": "hunter2"}
    parsed = (
        parsed.set(**secret) if place == "before the host" else parsed.update_query_dict(secret)
    )
    url = parsed.render_as_string(hide_password=False)

    with pytest.raises(ToolFailedError):
        back_up(url, tmp_path / "backup")

    assert "hunter2" not in (tmp_path / "seen").read_text()
