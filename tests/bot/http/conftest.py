"""The running program, for what is seen from outside."""

import pytest

from tests.fakes.databases import fresh_sqlite
from tests.stories.world import World


@pytest.fixture
async def world(tmp_path):
    """The running program on SQLite."""
    async with World(fresh_sqlite(tmp_path), tmp_path) as made:
        yield made
