"""The same tests on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.store import Store
from tests.fakes.databases import fresh_postgres, fresh_sqlite


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty, migrated database."""
    if request.param == "sqlite":
        yield fresh_sqlite(tmp_path)
    else:
        with fresh_postgres() as address:
            yield address


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Open the database."""
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def replicas(url: str) -> Iterator[tuple[Store, ...]]:
    """Open the same database four times, as four processes do."""
    opened = tuple(Store.open(url) for _ in range(4))
    yield opened
    for one in opened:
        one.close()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """Return the URL of an empty, migrated database on PostgreSQL, whatever the test is about."""
    with fresh_postgres() as address:
        yield address


@pytest.fixture
def postgres_store(postgres_url: str) -> Iterator[Store]:
    """Open a database on PostgreSQL."""
    opened = Store.open(postgres_url)
    yield opened
    opened.close()
