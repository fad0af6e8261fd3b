"""What every test may ask for: a database, on SQLite and on PostgreSQL."""

import pytest

from storage.store import Store
from tests.fakes.databases import fresh_postgres, fresh_sqlite


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """The address of an empty database."""
    if request.param == "sqlite":
        yield fresh_sqlite(tmp_path)
        return
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def store(database):
    """An open store on it."""
    opened = Store.open(database)
    yield opened
    opened.close()
