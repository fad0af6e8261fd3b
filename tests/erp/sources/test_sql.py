"""A database is read with one SELECT, and cannot be changed by it."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, text

from erp.ports import ErpUnreachableError
from tests.fakes.databases import fresh_postgres

SINCE = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
ISO = "ISO 8601, such as 2026-03-31T08:15:00+02:00"
EVERYTHING = "SELECT item, quantity, at FROM stock ORDER BY item"
ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT max(i) AS item, 1 AS quantity, 2 AS at FROM n"
)
CHANGES = "SELECT item, quantity, at FROM stock WHERE at > :since AND at <= :now ORDER BY item"


def mapping(query=EVERYTHING, *, start="", limits=""):
    """Return a file that reads stock from a database."""
    return f"""
name = "Warehouse"
owner = "Bo Lindqvist <bo@example.com>"
kind = "sql"
{start}
[limits]
{limits}
[sql]
dsn_from = "COUNTERSIGN_SOURCE_WMS"
[stock]
query = \"\"\"{query}\"\"\"
[stock.fields]
item = "ITEM"
quantity = {{from = "quantity", unit = "PCS"}}
happened_at = "at"
"""


def items_of(snapshot):
    """Return which items the stock is of."""
    return [one.item for one in snapshot.stock]


async def why(source, scopes=("stock",)):
    """Return why a source cannot be read."""
    with pytest.raises(ErpUnreachableError) as caught:
        await source.snapshot(scopes)
    return caught.value.why


@pytest.fixture
def sqlite(folder):
    """A SQLite file with some stock, named in the environment."""
    path = folder.path / "wms.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE stock (item, quantity, at)")
        connection.executemany(
            "INSERT INTO stock VALUES (?, ?, ?)",
            [("A", 0.1, "2026-03-31T11:00:00Z"), ("B", 4, "2026-03-31T13:00:00Z")],
        )
    folder.environment["COUNTERSIGN_SOURCE_WMS"] = f"sqlite:///{path}"
    return path


@pytest.fixture
def postgres(folder):
    """A PostgreSQL with some stock, named in the environment."""
    with fresh_postgres(migrated=False) as url:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                text("CREATE TABLE stock (item text, quantity numeric, at timestamptz)")
            )
            connection.execute(
                text(
                    "INSERT INTO stock VALUES ('A', 0.1, '2026-03-31 11:00Z'), "
                    "('B', 4, '2026-03-31 13:00Z'), ('C', 'NaN', '2026-03-31 10:00Z')"
                )
            )
            connection.execute(
                text(
                    "CREATE FUNCTION sneak() RETURNS text LANGUAGE sql VOLATILE AS "
                    "$$INSERT INTO stock VALUES ('X', 1, now()) RETURNING item$$"
                )
            )
        engine.dispose()
        folder.environment["COUNTERSIGN_SOURCE_WMS"] = url
        yield url


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_only_what_changed_is_read_where_the_query_can_tell(folder, request, database):
    request.getfixturevalue(database)
    source = folder.source(mapping(CHANGES))

    full = await source.snapshot(["stock"])
    changes = await source.snapshot(["stock"], since=SINCE)

    assert items_of(full) == ["A", "B"]
    assert items_of(changes) == ["B"]
    assert (changes.since, changes.whole) == (SINCE, frozenset())
    assert full.stock[0].quantity.value == Decimal("0.1")
    assert full.stock[0].origin.happened_at == datetime(2026, 3, 31, 11, 0, tzinfo=UTC)


@pytest.mark.usefixtures("sqlite")
async def test_a_query_that_cannot_tell_is_read_in_full(folder):
    source = folder.source(mapping())

    changes = await source.snapshot(["stock"], since=SINCE)

    assert (items_of(changes), changes.whole) == (["A", "B"], {"stock"})


@pytest.mark.usefixtures("sqlite")
async def test_queries_wait_for_one_another(folder):
    source = folder.source(mapping())

    both = await asyncio.gather(source.snapshot(["stock"]), source.snapshot(["stock"]))

    assert [items_of(one) for one in both] == [["A", "B"], ["A", "B"]]


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_more_than_fits_is_not_read(folder, request, database):
    request.getfixturevalue(database)
    long = {"sqlite": "hex(zeroblob(600000))", "postgres": "repeat('x', 1200000)"}[database]
    source = folder.source(
        mapping(f"SELECT {long} AS item, 1 AS quantity, NULL AS at", limits="megabytes = 1")
    )

    assert await why(source) in {"it gives more than 1 MB", "string or blob too big"}


async def test_moments_are_bound_as_the_source_writes_them(folder, sqlite):
    with closing(sqlite3.connect(sqlite)) as connection, connection:
        connection.execute("UPDATE stock SET at = unixepoch(at) * 1000")
    source = folder.source(mapping(CHANGES, start='datetime_format = "epoch_ms"'))

    changes = await source.snapshot(["stock"], since=SINCE)

    assert items_of(changes) == ["B"]
    assert changes.stock[0].origin.happened_at == datetime(2026, 3, 31, 13, 0, tzinfo=UTC)


@pytest.mark.usefixtures("postgres")
async def test_a_number_that_is_none_spoils_its_row_only(folder):
    source = folder.source(mapping())

    reading = await source.read(["stock"])

    assert items_of(reading.snapshot) == ["A", "B"]
    (bad,) = reading.quarantined
    assert bad.problems == ("quantity (from 'quantity'): NaN is no finite number.",)


async def test_bytes_that_are_no_text_spoil_their_row_only(folder, sqlite):
    with closing(sqlite3.connect(sqlite)) as connection, connection:
        connection.execute("INSERT INTO stock VALUES (CAST(x'ff41' AS TEXT), 1, NULL)")
        connection.execute("INSERT INTO stock VALUES (x'41', 1e308 * 10, 'soon')")
    source = folder.source(mapping())

    reading = await source.read(["stock"])

    assert items_of(reading.snapshot) == ["A", "B"]
    assert [one.problems for one in reading.quarantined] == [
        ("item (from 'ITEM'): it holds the character U+DCFF, which does not print.",),
        (
            "item (from 'ITEM'): b'A' is no text.",
            "quantity (from 'quantity'): Infinity is no finite number.",
            f"happened_at (from 'at'): 'soon' is no time; expected is {ISO}.",
        ),
    ]


async def test_a_function_that_writes_fails_in_a_read_only_transaction(folder, postgres):
    source = folder.source(mapping("SELECT sneak() AS item, 1 AS quantity, now() AS at"))

    assert "read-only transaction" in await why(source)
    engine = create_engine(postgres)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM stock")) == 3
    engine.dispose()


async def test_sqlite_is_opened_for_reading_only(folder, sqlite):
    before = sqlite.read_bytes()
    sqlite.chmod(0o600)
    source = folder.source(mapping())

    await source.snapshot(["stock"])

    assert sqlite.read_bytes() == before
    assert sorted(path.name for path in sqlite.parent.iterdir()) == ["source.toml", "wms.db"]


@pytest.mark.parametrize(
    ("database", "query"),
    [
        ("sqlite", ENDLESS),
        ("postgres", "SELECT pg_sleep(60)::text AS item, 1 AS quantity, now() AS at"),
    ],
)
async def test_a_query_without_an_end_is_cut_off(folder, request, database, query):
    request.getfixturevalue(database)
    source = folder.source(mapping(query, limits="seconds = 1"))

    async with asyncio.timeout(30):
        assert await why(source)


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
async def test_more_rows_than_allowed_are_not_read(folder, request, database):
    request.getfixturevalue(database)
    source = folder.source(mapping(limits="rows = 1"))

    assert await why(source) == "it gives more than 1 rows"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT quantity, at FROM stock", "the column 'ITEM' is not there; there are: 'quant"),
        ("SELECT item, item, quantity, at FROM stock", "the column 'ITEM' is there more than on"),
        ("SELECT item FROM nowhere", "no such table: nowhere"),
        ("SELECT item FROM", "incomplete input"),
    ],
)
@pytest.mark.usefixtures("sqlite")
async def test_a_query_that_does_not_fit_the_database_says_why(folder, query, reason):
    source = folder.source(mapping(query))

    assert (await why(source)).startswith(reason)


@pytest.mark.parametrize(
    ("dsn", "reason"),
    [
        ("no address", "its address is no SQLAlchemy address"),
        ("fax://example", "its address is no SQLAlchemy address"),
        ("sqlite:////nowhere/at/all.db", "there is no database file /nowhere/at/all.db"),
        ("sqlite://", "there is no database file"),
        ("oracle+oracledb://a:sesame@127.0.0.1:9/x", "the driver for its database is not inst"),
        ("postgresql+psycopg://ana:sesame@127.0.0.1:9/x", "connection failed"),
    ],
)
async def test_a_database_that_cannot_be_opened_says_why_and_not_the_password(folder, dsn, reason):
    folder.environment["COUNTERSIGN_SOURCE_WMS"] = dsn
    source = folder.source(mapping())

    said = await why(source)

    assert said.startswith(reason)
    assert "sesame" not in said


@pytest.mark.usefixtures("postgres")
async def test_dates_beyond_all_years_do_not_get_through(folder):
    source = folder.source(
        mapping("SELECT 'A' AS item, 1 AS quantity, 'infinity'::timestamptz AS at")
    )

    assert "timestamp too large" in await why(source)
