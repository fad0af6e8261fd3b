"""A real Tryton for these tests; where it is not installed they are skipped, and say so."""

import os

import pytest

from tests.erp.tryton.bench import TrytonBench
from tests.erp.tryton.plant import installed, running


@pytest.fixture(scope="session")
def plant(tmp_path_factory):
    """One Tryton for all of them; each test puts its database back."""
    if not installed() and not os.environ.get("TRYTON_REQUIRED"):
        pytest.skip("Tryton is not installed; `make test-tryton` does it")
    with running(tmp_path_factory.mktemp("tryton")) as plant:
        yield plant


@pytest.fixture
async def bench(plant):
    """Return the Tryton connector, talking to Tryton through a way that can go wrong."""
    async with TrytonBench(plant) as bench:
        yield bench
