"""A folder of mapping files, and what the program gives their sources."""

from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from erp.sources.folder import Around, read_sources
from tests.erp.sources.api import Api

PAGE = Path(__file__).parents[3] / "docs" / "sources.md"
NOW = datetime(2026, 3, 31, 16, 0, tzinfo=UTC)


class Folder:
    """Mapping files in a folder of their own."""

    def __init__(self, path, session):
        """Begin with none."""
        self.path = path
        self.environment = {}
        self._session = session

    def put(self, name, text):
        """Write a mapping file."""
        (self.path / name).write_text(text, encoding="utf-8")

    def sources(self):
        """Read all of them."""
        around = Around(environment=self.environment, session=self._session, now=lambda: NOW)
        return read_sources(self.path, around)

    def source(self, text, name="source.toml"):
        """Write one and read it."""
        self.put(name, text)
        (source,) = self.sources()
        return source


@pytest.fixture
async def folder(tmp_path):
    """A folder without any mapping file."""
    async with aiohttp.ClientSession() as session:
        yield Folder(tmp_path, session)


@pytest.fixture
async def api():
    """An API that knows no path yet."""
    async with Api() as api:
        yield api


@pytest.fixture
def drop(folder):
    """The folder that people drop files in."""
    path = folder.path / "drop"
    path.mkdir()
    return path
