"""The running program to attack; one database is enough, since the attacks stop before it."""

import pytest

from tests.fakes.databases import fresh_sqlite
from tests.stories.world import World


@pytest.fixture
async def world(tmp_path):
    async with World(fresh_sqlite(tmp_path), tmp_path) as made:
        yield made
