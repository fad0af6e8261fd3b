"""An alarm: something was asked to be written that nobody validly approved."""

from bot.workflow import lineup
from bot.workflow.context import Context, reader_of
from bot.workflow.keep import note
from bot.workflow.show import card_bytes
from cards.alarm import alarm_card
from decisions.errors import CountersignError
from decisions.recommendation import Recommendation
from storage.unit_of_work import UnitOfWork

ALARM = "alarm"
"""The kind of the audit entry."""


def raise_alarm(
    unit: UnitOfWork, one: Recommendation, why: CountersignError, ctx: Context
) -> None:
    """Put an alarm in the chain, and a card in the channel that the routing file names for it."""
    now = ctx.now()
    name = type(why).__name__.removesuffix("Error")
    note(unit, one, ALARM, at=now, body={"alarm": name, "why": str(why)})
    channel = unit.channels.get(ctx.routing.alarms) if ctx.routing.alarms else None
    if channel is not None:
        card = alarm_card(one, why, reader=reader_of(one), now=now)
        lineup.announce(
            unit,
            channel,
            key=f"alarm:{one.id}:{one.revision}",
            card=card_bytes(card).decode(),
            due_at=now,
        )
