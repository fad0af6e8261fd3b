"""A real Tryton for these tests, put back before each of them."""

import pytest

from tests.erp.tryton.bench import TrytonBench
from tests.erp.tryton.plant import running


@pytest.fixture(scope="session")
def plant(tmp_path_factory):
    """One Tryton for all of them; each test puts its database back."""
    with running(tmp_path_factory.mktemp("tryton")) as plant:
        yield plant


@pytest.fixture
async def bench(plant):
    """Return the Tryton connector, talking to Tryton through a way that can go wrong."""
    async with TrytonBench(plant) as bench:
        yield bench
