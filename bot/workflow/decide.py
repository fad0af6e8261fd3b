"""A click on a card: who, which round, what; decided in one transaction, answered with a card."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from bot.ports import CardJson
from bot.workflow import lineup
from bot.workflow.click import Click
from bot.workflow.context import Context, reader_of
from bot.workflow.keep import keep, note
from bot.workflow.prepare import Reading, ask_again, read_plan
from bot.workflow.show import shown_to
from cards.approval import approval_card
from decisions.canonical import Plain, plain
from decisions.countersign import (
    DECIDED,
    Answer,
    Answering,
    Approve,
    NotNow,
    RefusedClickError,
    StaleCardError,
    approvable_plan,
    check_open,
    decide,
)
from decisions.errors import CountersignError
from decisions.lifecycle import Event, State
from decisions.people import ChannelId, Person, PersonId, Posting
from decisions.plan import PlanHash, differences
from decisions.pull_back import check_pull_back
from decisions.recommendation import DecisionId, Recommendation, RecommendationId
from storage.unit_of_work import UnitOfWork

REREAD_WITHIN: Final = 2.0
"""Seconds the ERP gets while somebody waits; Teams waits 10 to 15 s (msteams-docs #6461)."""


class UnknownRecommendationError(CountersignError):
    """A card names something that is not here."""

    def __init__(self) -> None:
        """Say what may have happened."""
        super().__init__(
            "This recommendation is not known here. It may belong to another installation."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How the recommendation stands after a click, and what the person should be told."""

    recommendation: Recommendation
    problem: CountersignError | None = None


def answering(click: Click, ctx: Context) -> Answering:
    """Return who answers, from which card."""
    return Answering(
        decision=DecisionId(ctx.new_id()),
        person=Person(id=click.person, name=click.person_name),
        tenant=click.tenant,
        round=_number(click.data, "round"),
        seen_revision=_number(click.data, "rev"),
        invoke_id=click.invoke_id,
    )


def _number(data: Mapping[str, object], name: str) -> int:
    value = data.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:  # noqa: PLR2004  an id of more digits is none of ours
        return int(value)
    return value if isinstance(value, int) else 0


def named(click: Click) -> RecommendationId:
    """Return the id that the card carried."""
    return RecommendationId(str(click.data.get("rec", "")))


async def load(click: Click, ctx: Context) -> Recommendation:
    """Return the recommendation that a card is about.

    Raises:
        UnknownRecommendationError: it is not here.
    """
    one = await ctx.store.read(lambda unit: unit.recommendations.get(named(click)))
    if one is None or not may_see(one, click.person, channel_of(click)):
        raise UnknownRecommendationError
    return one


def channel_of(click: Click) -> ChannelId:
    """Return the channel or chat in which the button was pressed."""
    return ChannelId(click.conversation_id.split(";", 1)[0])


def may_see(one: Recommendation, person: PersonId, channel: ChannelId) -> bool:
    """Tell whether somebody may look: in its channel everybody, elsewhere who may decide."""
    return channel == one.route.channel or one.may_decide(person)


def painted(result: Result, ctx: Context) -> CardJson:
    """Draw the answer to a click."""
    return approval_card(
        result.recommendation,
        reader=reader_of(result.recommendation),
        now=ctx.now(),
        system=ctx.system,
        problem=result.problem,
    )


async def approve(click: Click, ctx: Context) -> Result:
    """Approve exactly what the card shows, if the ERP still says the same."""
    who = answering(click, ctx)
    answer = Approve(plan_hash=PlanHash(str(click.data.get("plan", ""))))
    one = await load(click, ctx)
    reading: Reading | None = None
    try:
        check_open(one, who, now=ctx.now())
        approvable_plan(one)
        reading = await _reread(one, ctx)
    except RefusedClickError:
        pass  # the turn below refuses it again under the lock, and puts it in the chain
    return await give(click, ctx, answer, who=who, reading=reading)


async def _reread(one: Recommendation, ctx: Context) -> Reading | None:
    """Read the ERP again; None when it does not answer in time, then the write step does it."""
    try:
        reading = await asyncio.wait_for(read_plan(one, ctx), REREAD_WITHIN)
    except TimeoutError:
        return None
    return None if reading.later else reading


async def give(
    click: Click,
    ctx: Context,
    answer: Answer,
    *,
    who: Answering | None = None,
    reading: Reading | None = None,
) -> Result:
    """Keep a person's answer, its audit entry and what follows from it in one transaction.

    A refused click changes nothing and stands in the chain. The same click again gets the
    answer that stands.

    Raises:
        NoSuchRecommendationError: the recommendation is not here.
        UnknownRecommendationError: this person may not see it from there.
    """
    who = who or answering(click, ctx)
    now = ctx.now()

    def turn(unit: UnitOfWork) -> Result:
        held = unit.recommendations.lock(named(click))
        if not may_see(held, click.person, channel_of(click)):
            raise UnknownRecommendationError
        _adopt(unit, held, click)
        if _same_again(held, click, who):
            note(unit, held, "clicked_again", at=now, actor=who.person.id, body=trace(click))
            return Result(recommendation=held)
        try:
            check_open(held, who, now=now)
            if reading is not None and _moved(held, reading):
                note(unit, held, "facts_moved", at=now, actor=who.person.id, body=trace(click))
                return Result(recommendation=ask_again(unit, held, reading, now=now))
            decided = ctx.signed(decide(held, answer, who, now=now))
        except RefusedClickError as refused:
            refuse(unit, held, click, refused, now=now)
            return Result(recommendation=held, problem=refused)
        _decided(unit, decided, click, answer, now=now)
        return Result(recommendation=decided)

    return await ctx.store.turn(turn)


async def turn_down(click: Click, ctx: Context, refused: RefusedClickError) -> Result:
    """Put a refused click in the chain, unless it only repeats the one that was taken."""
    who = answering(click, ctx)
    now = ctx.now()

    def turn(unit: UnitOfWork) -> Result:
        held = unit.recommendations.lock(named(click))
        _adopt(unit, held, click)
        if _same_again(held, click, who):
            note(unit, held, "clicked_again", at=now, actor=who.person.id, body=trace(click))
            return Result(recommendation=held)
        refuse(unit, held, click, refused, now=now)
        return Result(recommendation=held, problem=refused)

    return await ctx.store.turn(turn)


def _moved(held: Recommendation, reading: Reading) -> bool:
    return held.plan is not None and (
        reading.plan is None or bool(differences(held.plan, reading.plan, held.route.tolerance))
    )


def _same_again(held: Recommendation, click: Click, who: Answering) -> bool:
    """Tell whether this person's same click was answered already: a double tap, a redelivery."""
    decision = held.decision
    return (
        decision is not None
        and decision.by.id == who.person.id
        and decision.round == who.round
        and VERDICTS.get(click.verb) == decision.verdict
    )


VERDICTS: Final = {
    "approve": "approve",
    "approve_changed": "approve_changed",
    "acknowledge": "acknowledge",
    "confirm_override": "override",
    "confirm_not_now": "not_now",
}
"""Which verb, clicked, leaves which verdict."""


def _decided(
    unit: UnitOfWork, decided: Recommendation, click: Click, answer: Answer, *, now: datetime
) -> None:
    decision = decided.decision
    if decision is None:
        raise AssertionError("decide() leaves a decision")
    unit.decisions.add(decided.id, decision)
    body = trace(click) | {
        "decision": decision.id,
        "verdict": decision.verdict,
        "name": decision.by.name,
        "tenant": decision.tenant,
        "plan_hash": decision.plan_hash,
        "reason_code": decision.reason_code,
        "reason": decision.reason,
        "until": plain(decision.until),
        "signature": plain(decision.signature),
        "seen_card": shown_to(decided.id, decision.seen_revision, unit),
    }
    if decision.verdict == "approve_changed":
        body |= {"plan": plain(decided.plan), "action": plain(decided.action)}
    keep(unit, decided, DECIDED, at=now, actor=decision.by.id, body=body)
    if decided.state is State.APPROVED:
        lineup.write(unit, decided, due_at=decided.writes_from or now)
    if isinstance(answer, NotNow):
        lineup.bring_back(unit, decided, due_at=answer.until)


def refuse(
    unit: UnitOfWork,
    held: Recommendation,
    click: Click,
    refused: CountersignError,
    *,
    now: datetime,
) -> None:
    """Put a refused click in the chain."""
    why = type(refused).__name__.removesuffix("Error")
    note(
        unit,
        held,
        "click_refused",
        at=now,
        actor=click.person,
        body=trace(click) | {"why": why, "name": click.person_name},
    )


def trace(click: Click) -> dict[str, Plain]:
    """Return what the chain keeps of a click."""
    return {
        "verb": click.verb,
        "invoke": click.invoke_id,
        "activity": click.activity_id,
        "card_round": _number(click.data, "round"),
        "card_revision": _number(click.data, "rev"),
    }


def _adopt(unit: UnitOfWork, held: Recommendation, click: Click) -> None:
    """Remember a copy of the card that we did not know of, so that it is repainted too.

    Such a copy stands on the screen when Teams took our message and its answer was lost.
    """
    known = {copy.posting.activity_id for copy in unit.postings.of(held.id)}
    here = channel_of(click) == held.route.channel
    if here and click.activity_id and click.activity_id not in known:
        posting = Posting(
            channel=held.route.channel,
            service_url=click.service_url,
            conversation_id=click.conversation_id,
            activity_id=click.activity_id,
        )
        unit.postings.add(held.id, posting, revision=0, card_sha=None)


async def pull_back(click: Click, ctx: Context) -> Result:
    """Take an approval back that was not acted on yet; it asks again, the same people."""
    who = answering(click, ctx)
    now = ctx.now()

    def turn(unit: UnitOfWork) -> Result:
        held = unit.recommendations.lock(named(click))
        if not may_see(held, click.person, channel_of(click)):
            raise UnknownRecommendationError
        if held.state is State.AWAITING and held.round == who.round + 1:
            return Result(recommendation=held)
        try:
            check_pull_back(held, who, now=now)
        except RefusedClickError as refused:
            refuse(unit, held, click, refused, now=now)
            return Result(recommendation=held, problem=refused)
        lineup.cancel_write(unit, held)
        asked = replace(
            held.after(Event.PULLED_BACK, now=now),
            round=held.round + 1,
            posted_at=now,
            escalated=0,
            decision=None,
        )
        keep(unit, asked, "pulled_back", at=now, actor=who.person.id, body=trace(click))
        lineup.escalate(unit, asked, posted_at=now)
        return Result(recommendation=asked)

    return await ctx.store.turn(turn)


async def retry(click: Click, ctx: Context) -> Result:
    """Ask again after the ERP refused, or after a write that did not happen."""
    who = answering(click, ctx)
    one = await load(click, ctx)
    reading = await _reread(one, ctx) if one.may_decide(who.person.id) else None
    now = ctx.now()

    def turn(unit: UnitOfWork) -> Result:
        held = unit.recommendations.lock(named(click))
        if held.state is State.AWAITING and held.round == who.round + 1:
            return Result(recommendation=held)
        try:
            if held.state not in (State.REFUSED, State.NOT_WRITTEN):
                check_open(held, who, now=now)
                raise StaleCardError
            check_open(replace(held, state=State.AWAITING), who, now=now)
        except RefusedClickError as refused:
            refuse(unit, held, click, refused, now=now)
            return Result(recommendation=held, problem=refused)
        asked = replace(
            held.after(Event.RETRIED, now=now),
            round=held.round + 1,
            posted_at=now,
            escalated=0,
            decision=None,
            trouble="",
            moved=differences(held.plan, reading.plan)
            if held.plan and reading and reading.plan
            else (),
            plan=reading.plan if reading else held.plan,
            plan_problem=reading.problem if reading else held.plan_problem,
        )
        keep(unit, asked, "retried", at=now, actor=who.person.id, body=trace(click))
        lineup.escalate(unit, asked, posted_at=now)
        return Result(recommendation=asked)

    return await ctx.store.turn(turn)
