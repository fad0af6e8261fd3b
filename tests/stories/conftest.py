"""The world that a story plays in."""

import pytest

from tests.stories.world import World


@pytest.fixture
async def world(database, tmp_path):
    """The running program, on each database."""
    async with World(database, tmp_path) as made:
        yield made
