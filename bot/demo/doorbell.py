"""Hears when somebody opens the Playground's page, and puts up again what is open.

The messages of a channel live in the page alone: the Playground's server keeps none for a page
that is opened later or loaded again (0.2.28). Such a page first installs the bot in its personal
chat, which the bot is told; that is the bell.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from aiohttp import web

from bot.demo.stage import post_what_is_open
from bot.teams.edge import Gate
from bot.teams.wire import at
from bot.workflow.context import Context

_SETTLING: Final = timedelta(seconds=1)
"""Until a page that was just opened takes messages."""


class Doorbell:
    """A gate in front of a gate: it lets in whom the other one lets in, and listens."""

    def __init__(self, gate: Gate) -> None:
        """Stand in front of this gate."""
        self._gate = gate
        self._rings: asyncio.Queue[None] = asyncio.Queue()

    async def admit(self, request: web.BaseRequest, activity: Mapping[str, object]) -> None:
        """Let a request in as the gate behind does, or raise what it raises."""
        await self._gate.admit(request, activity)
        if (
            activity.get("type") == "installationUpdate"
            and activity.get("action") == "add"
            and at(activity, "conversation", "conversationType") == "personal"
        ):
            self._rings.put_nowait(None)

    async def answer(self, ctx: Context) -> None:
        """Let what is open be posted once more for each page that is opened, until cancelled."""
        while True:
            await self.answer_once(ctx)

    async def answer_once(self, ctx: Context) -> None:
        """Wait for the next page, and let what is open be posted as soon as it takes messages."""
        await self._rings.get()
        await post_what_is_open(ctx, after=_SETTLING)
