"""The program as several processes, each with one role and its own secrets."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack, suppress

import aiohttp

from bot.settings import PREFIX, ROLES, SECRETS
from erp import connectors
from tests.bot.demo.free_port import a_free_port
from tests.fakes.proxy import Proxy
from tests.stories.process import started
from tests.stories.world import World

WRITERS = {
    PREFIX + connectors.variable("bc", setting).upper()
    for setting in connectors.named("bc").settings
    if setting.held_by == "writer"
}
"""The variables with the secrets of whoever writes the ERP."""


class Apart(World):
    """The same plant, served by processes of one role each behind a proxy."""

    async def divide(self, *, web=1, worker=1, writer=1):
        """Stop the one process that prepared the world, and start so many of each role."""
        await self.stop()
        self._bots = AsyncExitStack()
        self.processes = {role: [] for role in ROLES}
        self.urls = {role: [] for role in ROLES}
        counts = {"web": web, "worker": worker, "writer": writer}
        await asyncio.gather(
            *(self.serve(role) for role, count in counts.items() for _ in range(count))
        )
        self.proxy = await self._bots.enter_async_context(Proxy(self.urls["web"]))
        self.url = self.proxy.url
        self.teams.bot_url = f"{self.url}/api/messages"

    async def serve(self, role):
        """Start a process of one role; it is given what it needs and nothing else."""
        url = f"http://127.0.0.1:{a_free_port()}"
        process = await self._bots.enter_async_context(
            started(
                *(sys.executable, "-m", "bot", "serve", "--role", role),
                env=self.given(role) | {"COUNTERSIGN_PORT": url.rsplit(":", 1)[1]},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        )
        self.processes[role].append(process)
        self.urls[role].append(url)
        await self._listening(process, url)

    async def _listening(self, process, url):
        while process.returncode is None:
            with suppress(aiohttp.ClientConnectionError):
                async with self.http.get(f"{url}/healthz") as answer:
                    assert answer.status == 200
                    return
            await asyncio.sleep(0.1)
        raise AssertionError(f"a process ended at once with {process.returncode}")

    def given(self, role):
        """Return the environment without the secrets of other roles."""
        foreign = {PREFIX + name.upper() for name, held in SECRETS.items() if role not in held}
        foreign |= WRITERS if role != "writer" else set()
        own = {name: value for name, value in self.environment().items() if name not in foreign}
        keys = {"COUNTERSIGN_VERIFY_KEYS": self.signing_key.public_pem} if role == "writer" else {}
        return own | keys | {"PATH": os.environ["PATH"]}

    async def end(self, role):
        """End the eldest process of a role at once, as `kill -9` does."""
        process = self.processes[role].pop(0)
        process.kill()
        await process.wait()

    async def status(self, role, method, path):
        """Return how a role answers a request."""
        async with self.http.request(method, self.urls[role][0] + path) as answer:
            return answer.status
