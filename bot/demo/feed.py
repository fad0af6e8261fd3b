"""New recommendations, sent to the bot as any planner would send them: over its HTTP API."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import aiohttp

from bot.workflow.context import Context

AT_FIRST: Final = 5
"""How many are open when somebody starts to look, so that there is a ranking to see."""

MOST_OPEN: Final = 12

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What is sent, with which key, where to; `advise` returns the next one."""

    ctx: Context
    session: aiohttp.ClientSession
    bot_url: str
    key: str
    advise: Callable[[], Mapping[str, object]]
    tell: Callable[[str], None]

    async def run(self, *, pace: float) -> None:
        """Send a few at once, then one after the other, until cancelled."""
        for _ in range(max(AT_FIRST - await self._open(), 1)):
            await self.send()
        while True:
            await asyncio.sleep(pace)
            if await self._open() < MOST_OPEN:
                await self.send()

    async def send(self) -> None:
        """Send one; what is not taken is said, and the next one is sent in its time."""
        advice = self.advise()
        address = f"{self.bot_url}/api/v1/recommendations"
        headers = {"Authorization": f"Bearer {self.key}"}
        try:
            async with self.session.post(address, json=advice, headers=headers) as answer:
                if answer.ok:
                    self.tell(f"New recommendation: {advice['headline']}")
                else:
                    log.warning("%s was not taken: %s", advice["id"], await answer.text())
                    self.tell(f"A recommendation was not taken: HTTP {answer.status}")
        except aiohttp.ClientError as error:
            log.warning("%s could not be sent: %s", advice["id"], error)

    async def _open(self) -> int:
        waiting = await self.ctx.store.read(lambda unit: unit.recommendations.open_all(MOST_OPEN))
        return len(waiting)
