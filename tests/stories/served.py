"""`countersign serve` as a process of its own, in the place of the bot of a world."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

import aiohttp

from tests.bot.demo.free_port import a_free_port
from tests.stories.process import started


class Served:
    """The running process, and what it logs."""

    def __init__(self, process, url):
        self.process = process
        self.url = url
        self.lines = []
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        async for line in self.process.stderr:
            async with self._changed:
                self.lines.append(line.decode())
                self._changed.notify_all()

    async def logged(self, message, *, within=20):
        """Wait until something is logged."""
        async with self._changed:
            async with asyncio.timeout(within):
                await self._changed.wait_for(lambda: message in self.messages())

    def messages(self):
        """Return what was said so far, without what surrounds it."""
        return [json.loads(line)["message"] for line in self.lines if line.startswith("{")]

    async def ready(self):
        """Return status and answer of /readyz, as soon as it answers."""
        async with aiohttp.ClientSession() as session:
            while self.process.returncode is None:
                try:
                    async with session.get(f"{self.url}/readyz") as answer:
                        return answer.status, await answer.json()
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.1)
        raise AssertionError("".join(self.lines))

    async def ended(self, *, within=30):
        """Return the exit code."""
        code = await asyncio.wait_for(self.process.wait(), within)
        await self._reading
        return code


@asynccontextmanager
async def serving(world, **more):
    """Let a process serve the world, ready for requests."""
    await world.stop()
    port = a_free_port()
    environment = world.environment() | {"COUNTERSIGN_PORT": str(port), "PATH": os.environ["PATH"]}
    async with started(sys.executable, "-m", "bot", "serve", env=environment | more) as process:
        world.url = f"http://127.0.0.1:{port}"
        world.teams.bot_url = f"{world.url}/api/messages"
        served = Served(process, world.url)
        await served.ready()
        yield served
