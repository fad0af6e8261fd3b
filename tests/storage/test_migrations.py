import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from storage.store import Store
from storage.tables import METADATA
from tests.build import an_event
from tests.fakes.databases import fresh_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        with fresh_postgres(migrated=False) as url:
            yield url


@pytest.fixture
def empty(empty_url):
    store = Store.open(empty_url)
    yield store
    store.close()


def test_the_migrations_make_exactly_the_tables_of_the_program(empty, empty_url):
    empty.migrate()

    engine = create_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, METADATA)
    engine.dispose()
    assert differences == []


def test_the_partial_indexes_have_the_conditions_of_the_program(empty, empty_url):
    empty.migrate()
    engine = create_engine(empty_url)
    name = engine.dialect.name

    made = {
        index["name"]: str(index["dialect_options"].get(f"{name}_where"))
        for table in METADATA.tables
        for index in inspect(engine).get_indexes(table)
        if f"{name}_where" in index.get("dialect_options", {})
    }

    engine.dispose()
    assert set(made) == {
        index.name
        for table in METADATA.tables.values()
        for index in table.indexes
        if index.dialect_options[name]["where"] is not None
    }


def test_a_store_knows_whether_its_tables_are_up_to_date(empty):
    assert empty.is_current() is False

    empty.migrate()

    assert empty.is_current() is True


async def test_migrating_again_changes_nothing(empty):
    empty.migrate()
    await empty.turn(lambda unit: unit.audit.append(an_event()))

    empty.migrate()

    assert (await empty.read(lambda unit: unit.audit.head()))[0] == 1


async def test_replicas_that_migrate_at_once_wait_for_each_other(empty_url):
    stores = [Store.open(empty_url) for _ in range(4)]

    await asyncio.gather(*(asyncio.to_thread(store.migrate) for store in stores))

    assert [store.is_current() for store in stores] == [True] * 4
    for store in stores:
        store.close()
