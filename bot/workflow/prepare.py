"""Before anybody is asked: read the ERP, build the exact change, find the place among the open."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bot.workflow import lineup
from bot.workflow.context import Context
from bot.workflow.keep import keep
from bot.workflow.retry import RetryLaterError
from decisions.actions import Acknowledge
from decisions.canonical import Plain, plain
from decisions.lifecycle import Event, State
from decisions.plan import WritePlan, differences
from decisions.ranking import Measures, Standing, measure, place_of
from decisions.recommendation import Recommendation, RecommendationId
from erp.ports import ErpUnreachableError, NotPlannableError
from storage.unit_of_work import UnitOfWork

RETRY: Final = timedelta(seconds=20)
MENDED: Final = timedelta(minutes=5)
"""How often we look whether what made a plan impossible was mended in the ERP."""

RANKED_WITH: Final = 100
"""How many of the dearest open recommendations of a channel a new one is ranked among."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the ERP let us build: a plan, or why there is none; `later` when it may still come."""

    plan: WritePlan | None = None
    problem: str = ""
    later: bool = False


async def read_plan(one: Recommendation, ctx: Context) -> Reading:
    """Build the plan for the action as it stands."""
    able = ctx.erp.capabilities()
    kind = one.action.kind
    if isinstance(one.action, Acknowledge) or kind not in able.writes | able.unsettled:
        return Reading()
    try:
        return Reading(plan=await ctx.erp.plan(one.action, marker=one.marker))
    except NotPlannableError as problem:
        # Planning may have found out that the kind cannot be written at all.
        return Reading(problem=str(problem)) if kind in ctx.system.writes else Reading()
    except ErpUnreachableError as problem:
        return Reading(problem=str(problem), later=True)


async def prepare(payload: Mapping[str, Plain], ctx: Context) -> None:
    """Make a recommendation ready to be shown, or ready to be asked again after a conflict.

    Raises:
        RetryLaterError: there is no plan yet; the card says why meanwhile.
    """
    subject = lineup.job_subject(payload)
    one, among = await ctx.store.read(lambda unit: _found(unit, subject))
    if one is None or not _wants_a_plan(one):
        return
    reading = await read_plan(one, ctx)
    now = ctx.now()

    def turn(unit: UnitOfWork) -> None:
        held = unit.recommendations.lock(subject)
        if _wants_a_plan(held):
            _prepared(unit, held, reading, among, ctx, now)

    await ctx.store.turn(turn)
    if reading.problem:
        raise RetryLaterError(RETRY if reading.later else MENDED, reading.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Among:
    """What waits in a channel: the dearest, and how many there are."""

    dearest: tuple[Standing, ...]
    total: int


def _found(unit: UnitOfWork, subject: RecommendationId) -> tuple[Recommendation | None, _Among]:
    # Looked at beforehand: reading a hundred would hold up everybody who wants to write.
    one = unit.recommendations.get(subject)
    if one is None or one.state is not State.PROPOSED:
        return one, _Among(dearest=(), total=0)
    channel = one.route.channel
    return one, _Among(
        dearest=unit.recommendations.standing_in(channel, limit=RANKED_WITH),
        total=unit.recommendations.count_open_in(channel, cap=1000),
    )


def _wants_a_plan(one: Recommendation) -> bool:
    return one.state in (State.PROPOSED, State.CONFLICT) or (
        one.state is State.AWAITING and one.plan is None
    )


def _prepared(
    unit: UnitOfWork,
    held: Recommendation,
    reading: Reading,
    among: _Among,
    ctx: Context,
    now: datetime,
) -> None:
    match held.state:
        case State.PROPOSED:
            placed, mine = _placed(held, among, ctx, now)
            ready = replace(
                placed.after(Event.POSTED, now=now),
                plan=reading.plan,
                plan_problem=reading.problem,
            )
            keep(
                unit,
                ready,
                "routed",
                at=now,
                body=routed(ready),
                delay_cost=mine.cost_of_delay,
            )
            lineup.post(unit, ready, due_at=now)
            lineup.escalate(unit, ready, posted_at=now)
        case State.CONFLICT if not reading.later:
            ask_again(unit, held, reading, now=now)
        case State.AWAITING if reading.plan is not None or reading.problem != held.plan_problem:
            filled = replace(
                held,
                plan=reading.plan,
                plan_problem=reading.problem,
                revision=held.revision + 1,
            )
            keep(unit, filled, "planned", at=now, body=planned(filled))
        case _:
            pass


def _placed(
    held: Recommendation, among: _Among, ctx: Context, now: datetime
) -> tuple[Recommendation, Measures]:
    posted = replace(held, posted_at=now)
    rates = ctx.routing.rates
    mine = measure(posted, now=now, rates=rates)
    place = place_of(mine, (measure(other, now=now, rates=rates) for other in among.dearest))
    return replace(posted, place=replace(place, of=max(place.of, among.total + 1))), mine


def ask_again(
    unit: UnitOfWork, held: Recommendation, reading: Reading, *, now: datetime
) -> Recommendation:
    """Start another round with the change as it would be now, and say what moved."""
    moved = differences(held.plan, reading.plan) if held.plan and reading.plan else ()
    asked = replace(
        held.after(Event.ASKED_AGAIN, now=now),
        round=held.round + 1,
        plan=reading.plan,
        plan_problem=reading.problem,
        moved=moved,
        trouble="",
        decision=None,
        posted_at=now,
        escalated=0,
    )
    keep(unit, asked, "asked_again", at=now, body=planned(asked) | {"moved": plain(moved)})
    lineup.escalate(unit, asked, posted_at=now)
    return asked


def planned(one: Recommendation) -> dict[str, Plain]:
    """Return what the chain keeps of a plan: all of it, so that the hash can be worked out."""
    return {
        "plan_hash": one.plan.hash if one.plan else None,
        "plan": plain(one.plan),
        "plan_problem": one.plan_problem,
    }


def routed(one: Recommendation) -> dict[str, Plain]:
    """Return what the chain keeps when a card is about to be posted."""
    return planned(one) | {"route": plain(one.route), "place": plain(one.place)}
