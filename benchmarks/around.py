"""The running bot on a disk, with Entra, Teams and the ERP played on loopback."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
from psycopg import sql

from tests.fakes.databases import fresh_postgres, postgres_server
from tests.stories.world import World


@contextmanager
def durable_postgres() -> Iterator[str]:
    """Return the URL of an empty database on a server that waits for the disk.

    The tests' server does not, which would flatter every figure.
    """
    with fresh_postgres() as url:
        for statement in ("ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()"):
            postgres_server().run(sql.SQL(statement).format())
        yield url


@asynccontextmanager
async def a_world(database: str) -> AsyncIterator[World]:
    """Run the bot on `sqlite` or `postgresql`; its worker stays idle, so that clicks are alone."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if database == "sqlite":
            async with World(f"sqlite:///{folder / 'countersign.db'}", folder) as world:
                yield world
        else:
            with durable_postgres() as url:
                async with World(url, folder) as world:
                    yield world


@asynccontextmanager
async def a_stock_bot(app_id: str, metadata_url: str, *, port: int) -> AsyncIterator[str]:
    """Run the stock bot in a process of its own; return its messaging endpoint."""
    command = (sys.executable, "-W", "ignore", "-m", "benchmarks.stock")
    process = await asyncio.create_subprocess_exec(*command, str(port), app_id, metadata_url)
    try:
        await _listening(port)
        yield f"http://127.0.0.1:{port}/api/messages"
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    for _ in range(300):
        try:
            async with aiohttp.ClientSession() as session:
                await session.get(f"http://127.0.0.1:{port}/")
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.1)
        else:
            return
    raise TimeoutError("the stock bot does not listen")
