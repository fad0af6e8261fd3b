"""What follows from word that something changed in the ERP: what waits for a plan is tried now."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bot.workflow import lineup
from bot.workflow.context import Context
from bot.workflow.retry import RetryLaterError
from erp.ports import ErpUnreachableError, Hints

COLLAPSE: Final = timedelta(seconds=3)
"""Everything that is heard within such a stretch is one look, at its end."""

_DAILY: Final = timedelta(days=1)
_AGAIN: Final = timedelta(minutes=15)


async def hinted(ctx: Context) -> None:
    """Look again soon; notices that come together are one look."""
    now = ctx.now()
    await ctx.store.turn(lambda unit: lineup.look(unit, due_at=_end_of(now)))


async def look(ctx: Context) -> None:
    """Let every plan that could not be built be tried now, and not in some minutes."""
    now = ctx.now()
    await ctx.store.turn(lambda unit: unit.jobs.hurry(lineup.PREPARE, now))


async def begin_listening(ctx: Context) -> None:
    """See to it now that notices come; a program that starts may have another address."""
    now = ctx.now()
    await ctx.store.turn(lambda unit: lineup.listen(unit, now.isoformat(), due_at=now))


async def keep_listening(ctx: Context, hints: Hints | None) -> None:
    """See to it that notices keep coming, and do so again tomorrow; not where it was given up.

    Raises:
        RetryLaterError: the ERP is away, or does not want to.
    """
    if hints is None:
        return
    try:
        await hints.keep()
    except ErpUnreachableError as away:
        raise RetryLaterError(_AGAIN, str(away)) from away
    tomorrow = ctx.now() + _DAILY
    await ctx.store.turn(lambda unit: lineup.listen(unit, f"{tomorrow:%Y-%m-%d}", due_at=tomorrow))


def _end_of(now: datetime) -> datetime:
    seconds = COLLAPSE.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)
