"""What the Teams surface may ask of the workflow."""

import logging
from time import monotonic
from typing import Final

from bot import logs, measure
from bot.ports import CardJson
from bot.workflow import commands, desk
from bot.workflow.click import Click
from bot.workflow.context import Context
from bot.workflow.decide import named
from bot.workflow.limits import Limits, TooOftenError
from bot.workflow.message import Message
from decisions.audit import AuditEvent
from decisions.people import Channel, ChannelId, PersonId, TenantId
from storage.unit_of_work import UnitOfWork

_LOG: Final = logging.getLogger(__name__)
_SOON: Final = 0.1
"""Seconds after a click within which more are expected."""


class Front:
    """Clicks, messages, and the bot's coming and going; each may be delivered twice."""

    def __init__(self, ctx: Context, *, clicks: Limits | None = None) -> None:
        """Work with these parts; without `clicks`, people may come as often as they like."""
        self._ctx = ctx
        self._clicks = clicks
        self._waiting = 0
        self._answered = -_SOON

    def _count(self, person: PersonId) -> None:
        if self._clicks:
            self._clicks.check(person, self._ctx.now())

    def people_wait(self) -> bool:
        """Tell whether somebody waits for the answer to a click, or just did."""
        return self._waiting > 0 or monotonic() - self._answered < _SOON

    async def click(self, click: Click) -> CardJson:
        """Answer a person's click.

        Raises:
            TooOftenError: this person clicks faster than people do.
        """
        self._count(click.person)
        verb = click.verb if click.verb in desk.VERBS else "unknown"
        logs.about(named(click))
        self._waiting += 1
        try:
            with measure.clicked(verb):
                card = await desk.click(click, self._ctx)
        finally:
            self._waiting -= 1
            self._answered = monotonic()
        _LOG.info("click answered", extra={"verb": verb, "actor": click.person})
        return card

    async def look(self, click: Click) -> CardJson:
        """Answer a client that refreshes a card by itself; decides nothing."""
        return await desk.look(click, self._ctx)

    async def command(self, message: Message) -> None:
        """Answer what somebody wrote; keep silent to one who floods."""
        try:
            self._count(message.person)
        except TooOftenError as problem:
            _LOG.info("A message went unanswered: %s", problem)
            return
        await commands.command(message, self._ctx)

    async def installed(self, channel: Channel) -> None:
        """Remember how a channel is reached; cards that waited for it go out."""
        now = self._ctx.now()

        def turn(unit: UnitOfWork) -> None:
            if unit.channels.get(channel.id) == channel:
                return
            unit.channels.keep(channel, now)
            unit.audit.append(
                AuditEvent(
                    kind="channel_added",
                    at=now,
                    recommendation=None,
                    actor=None,
                    body={
                        "channel": channel.id,
                        "name": channel.name,
                        "tenant": channel.tenant,
                        "service_url": channel.service_url,
                    },
                )
            )

        await self._ctx.store.turn(turn)

    async def removed(self, channel: ChannelId, tenant: TenantId) -> None:
        """Remember that nothing can be posted there any more."""
        now = self._ctx.now()

        def turn(unit: UnitOfWork) -> None:
            known = unit.channels.get(channel)
            if known is None or known.tenant != tenant:
                return
            unit.channels.removed(channel, now)
            unit.audit.append(
                AuditEvent(
                    kind="channel_removed",
                    at=now,
                    recommendation=None,
                    actor=None,
                    body={"channel": channel, "tenant": tenant},
                )
            )

        await self._ctx.store.turn(turn)
