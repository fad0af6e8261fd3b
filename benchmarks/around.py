"""The running bot on a disk, with Entra, Teams and the ERP played on loopback."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from tests.fakes.databases import fresh_postgres
from tests.stories.world import World


@asynccontextmanager
async def a_world(database: str) -> AsyncIterator[World]:
    """Run the bot on `sqlite` or `postgresql`; its worker stays idle, so that clicks are alone."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        if database == "sqlite":
            async with World(f"sqlite:///{folder / 'countersign.db'}", folder) as world:
                yield world
        else:
            with fresh_postgres() as url:
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
