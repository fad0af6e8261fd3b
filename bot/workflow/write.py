"""The only step that reaches the write gate: prove the approval, write once, read back."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Final

from bot.workflow import lineup
from bot.workflow.alarm import raise_alarm
from bot.workflow.context import Context
from bot.workflow.keep import keep
from bot.workflow.retry import RetryLaterError
from decisions.canonical import Plain, plain
from decisions.countersign import (
    ApprovalExpiredError,
    Authority,
    CountersignedOrder,
    NotCountersignedError,
    countersign,
)
from decisions.errors import CountersignError
from decisions.lifecycle import Event, State
from decisions.recommendation import Receipt, Recommendation
from erp.gate import AlreadyThere, ClearedOrder, Shifted, WriteGate, Written
from erp.ports import (
    CannotTell,
    ErpUnreachableError,
    Moved,
    NotFound,
    NotPlannableError,
    NotSent,
    Refused,
    Unknown,
    Unsearchable,
)
from storage.audit import BrokenChainError
from storage.jobs import Job
from storage.orders import OrderState
from storage.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

AWAY: Final = timedelta(seconds=30)
"""How long to wait before an ERP that gave no answer is asked again."""


_STOPPED: Final = "the program stopped while the ERP was being written"
_UNREAD: Final = "written, but not read back yet"
_RESTORED: Final = "a backup was restored, and what was sent after it was made is not known"

WRITE_LEASE: Final = timedelta(seconds=60)
"""How long a claimed order is ours to send; whoever slept longer sends nothing.

A process that lives renews its job while it waits for the ERP's answer. One that died is
replaced after this time, by one that only looks.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an ERP may still be working on a request whose answer was lost.

    Business Central ends an operation after 8 minutes, its gateway after 10
    (MicrosoftDocs/dynamics365smb-devitpro-pb, operational-limits-online.md).
    """

    quiet: timedelta = timedelta(minutes=15)
    between_looks: timedelta = timedelta(seconds=30)


async def write(
    job: Job, ctx: Context, gate: WriteGate, authority: Authority, patience: Patience
) -> None:
    """Write an approved plan to the ERP, once, if a person signed it off.

    Raises:
        RetryLaterError: the ERP cannot be read now, or a backup was restored; nothing was sent.
    """
    subject = lineup.job_subject(job.payload)
    one, restored = await ctx.store.read(
        lambda unit: (unit.recommendations.get(subject), unit.audit.restored_at())
    )
    if one is None:
        return
    if one.state is State.WRITING:
        await ctx.store.turn(_interrupted(one, ctx))
    if one.state is not State.APPROVED:
        return
    _not_too_early(restored, ctx, patience)
    if one.writes_from and ctx.now() < one.writes_from:
        raise RetryLaterError(one.writes_from - ctx.now(), "it may still be pulled back")
    try:
        story = await ctx.store.read(lambda unit: unit.audit.checked(one.id))
        order = countersign(one, story, authority, now=ctx.now())
    except ApprovalExpiredError as late:
        await ctx.store.turn(_alarmed(one, Event.EXPIRED, ctx, late))
    except (NotCountersignedError, BrokenChainError) as refused:
        await ctx.store.turn(_alarmed(one, Event.REFUSED, ctx, refused))
    else:
        await _through_the_gate(order, ctx, gate, job)


def _interrupted(seen: Recommendation, ctx: Context) -> Callable[[UnitOfWork], None]:
    """Let a write be looked up whose process ended; unless another one did so by now."""
    end = _ended(seen, Event.LOST, ctx, trouble=_STOPPED)

    def turn(unit: UnitOfWork) -> None:
        if unit.recommendations.lock(seen.id).state is State.WRITING:
            end(unit)

    return turn


def _not_too_early(restored: datetime | None, ctx: Context, patience: Patience) -> None:
    """Let what was sent after the backup, and before the restore, arrive where it can be found.

    Raises:
        RetryLaterError: the ERP may still be working on it.
    """
    left = timedelta(0) if restored is None else restored + patience.quiet - ctx.now()
    if left > timedelta(0):
        raise RetryLaterError(left, "restored from a backup; what was sent since may still come")


def _alarmed(
    seen: Recommendation, event: Event, ctx: Context, why: CountersignError
) -> Callable[[UnitOfWork], None]:
    """End a write that no valid approval stands behind, and let the people in charge know."""
    log.critical("%s", why)
    end = _ended(seen, event, ctx, trouble=str(why), code="not_countersigned")

    def turn(unit: UnitOfWork) -> None:
        raise_alarm(unit, seen, why, ctx)
        end(unit)

    return turn


async def _through_the_gate(
    order: CountersignedOrder, ctx: Context, gate: WriteGate, job: Job
) -> None:
    one = order.recommendation
    try:
        checked = await gate.check(order)
    except ErpUnreachableError as away:
        await ctx.store.turn(_waiting(one, str(away), ctx))
        raise RetryLaterError(AWAY, str(away)) from away
    except NotPlannableError as problem:
        await ctx.store.turn(_ended(one, Event.MOVED, ctx, trouble=str(problem)))
        return
    match checked:
        case AlreadyThere(receipt=receipt):
            await ctx.store.turn(_found_there(order, receipt, ctx, job))
        case Shifted(differences=moved):
            words = ", ".join(f"{one.what} {one.subject}".strip() for one in moved)
            await ctx.store.turn(_ended(one, Event.MOVED, ctx, trouble=words))
        case ClearedOrder():
            await _send(checked, ctx, gate, job)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A record whose order row is ours; `forgotten` when it may have been sent before all that."""

    writing: Recommendation
    forgotten: bool


def _claimed(
    cleared: ClearedOrder, job: Job, now: datetime
) -> Callable[[UnitOfWork], _Claimed | None]:
    order = cleared.order
    one = order.recommendation

    def turn(unit: UnitOfWork) -> _Claimed | None:
        held = unit.recommendations.lock(one.id)
        if held.revision != one.revision:
            return None
        forgotten = not cleared.searched and _may_be_forgotten(unit, held)
        unit.jobs.renew(job, now + WRITE_LEASE)
        writing = held.after(Event.WRITE_STARTED, now=now)
        unit.orders.claim(
            held.id, order.decision.id, order.plan.hash, attempt=job.attempts, now=now
        )
        keep(unit, writing, "write_started", at=now, body={"plan_hash": order.plan.hash})
        return _Claimed(writing=writing, forgotten=forgotten)

    return turn


def _may_be_forgotten(unit: UnitOfWork, held: Recommendation) -> bool:
    """Tell whether it may have been sent after the backup that was restored since.

    Where the ERP can be searched it was; elsewhere our own records are all there is, and these
    are older than what happened.
    """
    restored, order = unit.audit.restored_at(), unit.orders.get(held.id)
    if restored is None or held.received_at > restored:
        return False
    return order is None or order.sent_at <= restored


async def _send(cleared: ClearedOrder, ctx: Context, gate: WriteGate, job: Job) -> None:
    """Claim the order row, send the one request, keep what came of it.

    The claim is committed before the request leaves, so that a crash in between leaves a doubt
    that the reconciler resolves, never a second request. Whoever lost the job meanwhile, by
    sleeping longer than its lease, loses the claim too.
    """
    now = ctx.now()
    claimed = await ctx.store.turn(_claimed(cleared, job, now))
    if claimed is None:
        raise RetryLaterError(timedelta(0), "the record changed while the ERP was read")
    end = partial(_ended, claimed.writing, ctx=ctx, job=job)
    if claimed.forgotten:
        await ctx.store.turn(end(Event.LOST, trouble=_RESTORED))
        return
    match await gate.send(cleared, before=now + WRITE_LEASE):
        case Written(receipt=Receipt() as receipt):
            await ctx.store.turn(end(Event.WRITTEN, receipt=receipt))
        case Written():
            await ctx.store.turn(end(Event.LOST, trouble=_UNREAD))
        case Refused(code=code, text=text):
            await ctx.store.turn(end(Event.REFUSED, trouble=text, code=code))
        case Moved(text=text):
            await ctx.store.turn(end(Event.MOVED, trouble=text))
        case NotSent(why=why, retry_after=wait):
            await ctx.store.turn(end(Event.NOT_SENT, trouble=why))
            raise RetryLaterError(wait or AWAY, why)
        case Unknown(why=why):
            await ctx.store.turn(end(Event.LOST, trouble=why))


def _found_there(
    order: CountersignedOrder, receipt: Receipt, ctx: Context, job: Job
) -> Callable[[UnitOfWork], None]:
    def turn(unit: UnitOfWork) -> None:
        one = order.recommendation
        unit.orders.claim(
            one.id, order.decision.id, order.plan.hash, attempt=job.attempts, now=ctx.now()
        )
        _ended(one, Event.WRITTEN, ctx, receipt=receipt)(unit)

    return turn


_ENDINGS: Final[Mapping[Event, tuple[str, OrderState]]] = MappingProxyType(
    {
        Event.WRITTEN: ("written", "written"),
        Event.REFUSED: ("refused", "refused"),
        Event.MOVED: ("conflict", "refused"),
        Event.NOT_SENT: ("not_sent", "not_sent"),
        Event.LOST: ("unknown", "unknown"),
        Event.NOT_FOUND: ("not_written", "not_written"),
        Event.CANNOT_TELL: ("cannot_tell", "unknown"),
        Event.EXPIRED: ("expired", "refused"),
    }
)
"""How a write can end: what the chain calls it, and what the order row says."""

_THEN: Final = MappingProxyType({Event.MOVED: lineup.prepare_again, Event.LOST: lineup.reconcile})
"""What is lined up with an ending: ask again, or look it up."""


def _ended(
    seen: Recommendation,
    event: Event,
    ctx: Context,
    *,
    job: Job | None = None,
    trouble: str = "",
    code: str = "",
    receipt: Receipt | None = None,
) -> Callable[[UnitOfWork], None]:
    """Keep how a write ended, on the record, on its order row and in the chain.

    With a job, only while that is still ours: whoever lost it has nothing to say any more, and
    the one who took it over finds out by looking.
    """
    entry, order_state = _ENDINGS[event]

    def turn(unit: UnitOfWork) -> None:
        now = ctx.now()
        if job is not None:
            unit.jobs.renew(job, now + WRITE_LEASE)
        held = unit.recommendations.lock(seen.id)
        ended = replace(held.after(event, now=now), trouble=trouble)
        body: dict[str, Plain] = {"text": trouble, "code": code}
        if event is Event.EXPIRED:
            ended = replace(ended, closed_at=now)
        if receipt is not None:
            ended = replace(ended, receipt=receipt, closed_at=now)
            body = {"receipt": plain(receipt)}
        order = unit.orders.get(held.id)
        if order is not None and order.state in ("sending", "unknown"):
            document = receipt.document if receipt else None
            unit.orders.finish(held.id, order_state, document=document)
        keep(unit, ended, entry, at=now, body=body)
        if event in _THEN:
            _THEN[event](unit, ended, due_at=now)

    return turn


def _waiting(seen: Recommendation, why: str, ctx: Context) -> Callable[[UnitOfWork], None]:
    def turn(unit: UnitOfWork) -> None:
        now = ctx.now()
        held = unit.recommendations.lock(seen.id)
        if held.state is State.APPROVED and held.trouble != why:
            waiting = replace(held, trouble=why, revision=held.revision + 1)
            keep(unit, waiting, "erp_away", at=now, body={"why": why})

    return turn


async def reconcile(
    payload: Mapping[str, Plain], ctx: Context, gate: WriteGate, patience: Patience
) -> None:
    """Look in the ERP for a write whose answer was lost, until found or surely not there.

    Raises:
        RetryLaterError: it is too early to say that it is not there.
    """
    subject = lineup.job_subject(payload)
    one, order = await ctx.store.read(
        lambda unit: (unit.recommendations.get(subject), unit.orders.get(subject))
    )
    if one is None or one.state is not State.UNKNOWN or one.plan is None or order is None:
        return
    match await gate.look(one.plan):
        case Receipt() as receipt:
            await ctx.store.turn(_ended(one, Event.WRITTEN, ctx, receipt=receipt))
        case NotFound() if ctx.now() - order.sent_at >= patience.quiet:
            await ctx.store.turn(_ended(one, Event.NOT_FOUND, ctx))
        case Unsearchable() if ctx.now() - order.sent_at >= patience.quiet:
            if not one.asks_what_came:
                await ctx.store.turn(_ended(one, Event.CANNOT_TELL, ctx, trouble=one.trouble))
        case NotFound() | Unsearchable():
            left = order.sent_at + patience.quiet - ctx.now()
            wait = min(left, patience.between_looks)
            raise RetryLaterError(wait, "not there yet; it may still come")
        case CannotTell(why=why):
            raise RetryLaterError(patience.between_looks, why)
