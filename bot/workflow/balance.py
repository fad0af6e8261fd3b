"""Nightly and on demand: hold the ERP and our records against each other, both ways."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from bot.workflow import lineup
from bot.workflow.context import Context
from bot.workflow.retry import RetryLaterError
from bot.workflow.show import card_bytes
from cards.balance import balance_card
from cards.reading import Reader
from decisions.audit import AuditEvent
from decisions.recommendation import RecommendationId
from decisions.reconciliation import MARKED, Discrepancy, Marked, Ours, discrepancies
from erp.ports import ErpUnreachableError
from storage.orders import Order, OrderState
from storage.unit_of_work import UnitOfWork

NIGHTLY: Final = timedelta(days=3)
"""How far back it looks each night: a weekend without anybody is looked at as a whole."""

_AGAIN: Final = timedelta(minutes=15)

_STATES: Final[Mapping[OrderState, Ours]] = MappingProxyType(
    {
        "sending": Ours(state="under_way", document=None),
        "unknown": Ours(state="under_way", document=None),
        "not_sent": Ours(state="under_way", document=None),
        "refused": Ours(state="not_written", document=None),
        "not_written": Ours(state="not_written", document=None),
    }
)


async def balance(ctx: Context, *, back: timedelta = NIGHTLY) -> tuple[Discrepancy, ...]:
    """Compare, put what does not balance in the chain and on a card, each of them once.

    Raises:
        ErpUnreachableError: the ERP gave no usable answer.
    """
    since = ctx.now() - back
    found = await ctx.erp.marked(since=since)

    def turn(unit: UnitOfWork) -> tuple[Discrepancy, ...]:
        ours = _ours(unit, found, unit.orders.sent_since(since))
        wrong = discrepancies(found, ours)
        for one in wrong:
            _tell(unit, one, ctx)
        return wrong

    return await ctx.store.turn(turn)


async def nightly(ctx: Context) -> None:
    """Compare, and do so again tomorrow.

    Raises:
        RetryLaterError: the ERP is away.
    """
    try:
        await balance(ctx)
    except ErpUnreachableError as away:
        raise RetryLaterError(_AGAIN, str(away)) from away
    await ctx.store.turn(lambda unit: lineup.balance(unit, due_at=ctx.now() + timedelta(days=1)))


def _ours(unit: UnitOfWork, found: Sequence[Marked], sent: Sequence[Order]) -> dict[str, Ours]:
    named = {RecommendationId(one.marker.removeprefix("CS-")) for one in found}
    ours: dict[str, Ours] = {}
    for about in sorted(named | {order.recommendation for order in sent}):
        one, order = unit.recommendations.get(about), unit.orders.get(about)
        if one is None or order is None:
            continue
        if one.action.kind in MARKED:
            written = Ours(state="written", document=order.document)
            ours[one.marker] = _STATES.get(order.state, written)
    return ours


def _tell(unit: UnitOfWork, one: Discrepancy, ctx: Context) -> None:
    key = f"balance:{one.key}"
    if unit.jobs.is_known(key):
        return
    now = ctx.now()
    unit.audit.append(
        AuditEvent(
            kind="discrepancy",
            at=now,
            recommendation=None,
            actor=None,
            body={"what": one.what, "marker": one.marker, "documents": list(one.documents)},
        )
    )
    channel = unit.channels.get(ctx.routing.alarms) if ctx.routing.alarms else None
    if channel is None:
        return
    zone = next(iter(ctx.routing.plants.values()))
    reader = Reader(language=zone.language, timezone=zone.timezone)
    card = card_bytes(balance_card(one, reader=reader, now=now, system=ctx.system)).decode()
    lineup.announce(unit, channel, key=key, card=card, due_at=now)
