"""What the clock does by itself: escalate, expire, bring back, clear away."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from bot.workflow import lineup
from bot.workflow.context import Context
from bot.workflow.keep import keep
from decisions.canonical import Plain
from decisions.lifecycle import OPEN, Event, State
from storage.unit_of_work import UnitOfWork

KEPT: Final = timedelta(days=30)
"""How long a done job is kept, so that nothing is done twice under its key."""

_AT_ONCE: Final = 500
"""How many are forgotten in one turn; a day of a large plant leaves a quarter of a million."""


async def escalate(payload: Mapping[str, Plain], ctx: Context) -> None:
    """Ask the next person on the path; the first owner still may decide."""
    subject, step = lineup.job_subject(payload), payload["step"]
    now = ctx.now()

    def turn(unit: UnitOfWork) -> None:
        held = unit.recommendations.lock(subject)
        if held.state is not State.AWAITING or step != held.escalated + 1:
            return
        if payload["round"] != held.round or held.posted_at is None:
            return
        asked = replace(held.after(Event.ESCALATED, now=now), escalated=held.escalated + 1)
        to = asked.route.now_with(asked.escalated)
        keep(unit, asked, "escalated", at=now, body={"to": to.id, "name": to.name, "step": step})
        lineup.escalate(unit, asked, posted_at=held.posted_at)

    await ctx.store.turn(turn)


async def expire(payload: Mapping[str, Plain], ctx: Context) -> None:
    """Close the buttons of what nobody answered; a timeout never approves."""
    subject = lineup.job_subject(payload)
    now = ctx.now()

    def turn(unit: UnitOfWork) -> None:
        held = unit.recommendations.lock(subject)
        if held.state in OPEN:
            keep(
                unit,
                replace(held.after(Event.EXPIRED, now=now), closed_at=now),
                "expired",
                at=now,
            )

    await ctx.store.turn(turn)


async def bring_back(payload: Mapping[str, Plain], ctx: Context) -> None:
    """Ask again what somebody put off until now."""
    subject = lineup.job_subject(payload)
    now = ctx.now()

    def turn(unit: UnitOfWork) -> None:
        held = unit.recommendations.lock(subject)
        if held.state is not State.SHELVED or payload["round"] != held.round:
            return
        asked = replace(
            held.after(Event.RETURNED, now=now),
            round=held.round + 1,
            posted_at=now,
            escalated=0,
        )
        keep(unit, asked, "returned", at=now)
        lineup.prepare(unit, asked, due_at=now)
        lineup.escalate(unit, asked, posted_at=now)

    await ctx.store.turn(turn)


async def sweep(ctx: Context) -> None:
    """Forget jobs that were done long ago, a few at a time, and do so again tomorrow."""
    now = ctx.now()
    swept = _AT_ONCE
    while swept == _AT_ONCE:
        swept = await ctx.store.turn(lambda unit: unit.jobs.sweep(now - KEPT, limit=_AT_ONCE))
    await ctx.store.turn(lambda unit: lineup.sweep(unit, due_at=now + timedelta(days=1)))
