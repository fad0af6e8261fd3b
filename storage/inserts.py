"""Inserting what is not there yet, in one statement that two replicas may race for."""

from collections.abc import Mapping, Sequence
from functools import cache

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from decisions.errors import CountersignError


class RacedError(CountersignError):
    """Somebody else kept the same thing in between; the store runs the turn again."""


@cache
def _insert_unless_there(table: Table, dialect: str) -> ReturningInsert[object]:
    key = next(iter(table.primary_key.columns))
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing().returning(key)
    return postgresql.insert(table).on_conflict_do_nothing().returning(key)


def insert_unless_there(
    connection: Connection, table: Table, row: Mapping[str, object]
) -> object | None:
    """Insert a row and return its primary key; None when a unique constraint has it already."""
    statement = _insert_unless_there(table, connection.dialect.name)
    return connection.execute(statement, row).scalar()


def insert_those_not_there(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]
) -> int:
    """Insert rows, many to a statement, and return how many were not there; they are alike."""
    statement = _insert_unless_there(table, connection.dialect.name)
    return len(connection.execute(statement, rows).all())
