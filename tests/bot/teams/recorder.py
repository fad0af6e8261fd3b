"""A workflow that remembers what it was told."""

import asyncio
from dataclasses import dataclass, field

from bot.workflow.click import Click
from bot.workflow.message import Message

ANSWER = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "ok"}]}
CURRENT = {"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "as"}]}


@dataclass
class RecordingWorkflow:
    """Answers every click with one card, every look with another."""

    clicks: list[Click] = field(default_factory=list)
    looks: list[Click] = field(default_factory=list)
    commands: list[Message] = field(default_factory=list)
    events: list[tuple] = field(default_factory=list)
    trouble: Exception | None = None
    answer: object = field(default_factory=lambda: ANSWER)

    @property
    def heard_nothing(self) -> bool:
        return not (self.clicks or self.looks or self.commands or self.events)

    async def click(self, click):
        await self._maybe_fail()
        self.clicks.append(click)
        return self.answer

    async def look(self, click):
        await self._maybe_fail()
        self.looks.append(click)
        return CURRENT

    async def command(self, message):
        await self._maybe_fail()
        self.commands.append(message)

    async def installed(self, channel):
        await self._maybe_fail()
        self.events.append(("installed", channel))

    async def removed(self, channel, tenant):
        await self._maybe_fail()
        self.events.append(("removed", channel, tenant))

    async def _maybe_fail(self):
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
