"""Rows by the million: COPY on PostgreSQL, one prepared statement on SQLite.

The values go through the column types of the tables, so that they stand there as the program
itself writes them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import sql
from sqlalchemy import Connection, Table


def insert_many(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, object]]
) -> None:
    """Insert rows that have all the same columns."""
    rows = list(rows)
    if not rows:
        return
    names = tuple(rows[0])
    values = _bound(connection, table, names, rows)
    raw: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        raw.executemany(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", values)  # noqa: S608  names of our own tables
        return
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with raw.cursor() as cursor, cursor.copy(copy) as target:
        for one in values:
            target.write_row(one)


def _bound(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    rows: Iterable[Mapping[str, object]],
) -> Iterable[tuple[object, ...]]:
    dialect = connection.dialect
    steps = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
    pairs = list(zip(names, steps, strict=True))
    for row in rows:
        yield tuple(step(row[name]) if step else row[name] for name, step in pairs)
