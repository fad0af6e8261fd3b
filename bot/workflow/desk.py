"""Every verb that a card can send, and the card that answers it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, TypeAlias, cast
from zoneinfo import ZoneInfo

from bot.ports import CardJson
from bot.workflow import decide
from bot.workflow.changes import changed, check_changeable
from bot.workflow.click import Click
from bot.workflow.context import Context, reader_of
from bot.workflow.prepare import read_plan
from bot.workflow.said import said
from cards.forms import (
    changes_form,
    confirm_changes_card,
    not_now_form,
    override_form,
    why_card,
)
from cards.problem import problem_card
from cards.reading import Reader
from decisions.actions import DraftedAction
from decisions.countersign import (
    Answer,
    ApproveChanged,
    BadDateError,
    NothingToApproveError,
    NotNow,
    OtherPlanError,
    Override,
    ReasonMissingError,
    RefusedClickError,
    TakeNote,
    check_open,
)
from decisions.errors import CountersignError
from decisions.plan import WritePlan
from decisions.recommendation import Recommendation

Handler: TypeAlias = Callable[[Click, Context], Awaitable[CardJson]]
_STRANGER: Final = Reader(language="en", timezone="UTC")


class UnknownVerbError(CountersignError):
    """A button that this version does not know."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__("This button is not known here. Open the card again and use it there.")


async def click(made: Click, ctx: Context) -> CardJson:
    """Answer a click with a card; nothing that a person can send goes unanswered."""
    handler = VERBS.get(made.verb, _unknown)
    try:
        return await handler(made, ctx)
    except CountersignError as problem:
        return problem_card(problem, reader=_STRANGER)


async def look(made: Click, ctx: Context) -> CardJson:
    """Answer a client that refreshes a card by itself: how things stand, nothing decided."""
    try:
        return _current(await decide.load(made, ctx), ctx)
    except CountersignError as problem:
        return problem_card(problem, reader=_STRANGER)


def _current(
    one: Recommendation, ctx: Context, problem: CountersignError | None = None
) -> CardJson:
    return decide.painted(decide.Result(recommendation=one, problem=problem), ctx)


async def _unknown(made: Click, ctx: Context) -> CardJson:
    return _current(await decide.load(made, ctx), ctx, UnknownVerbError())


async def _back(made: Click, ctx: Context) -> CardJson:
    return _current(await decide.load(made, ctx), ctx)


async def _why(made: Click, ctx: Context) -> CardJson:
    one = await decide.load(made, ctx)
    return why_card(one, reader=reader_of(one), now=ctx.now())


async def _approve(made: Click, ctx: Context) -> CardJson:
    return decide.painted(await decide.approve(made, ctx), ctx)


async def _acknowledge(made: Click, ctx: Context) -> CardJson:
    return decide.painted(await decide.give(made, ctx, TakeNote()), ctx)


async def _pull_back(made: Click, ctx: Context) -> CardJson:
    return decide.painted(await decide.pull_back(made, ctx), ctx)


async def _retry(made: Click, ctx: Context) -> CardJson:
    return decide.painted(await decide.retry(made, ctx), ctx)


async def _came(made: Click, ctx: Context) -> CardJson:
    return decide.painted(await said(made, ctx, came=True), ctx)


async def _lost(made: Click, ctx: Context) -> CardJson:
    return decide.painted(await said(made, ctx, came=False), ctx)


class _RefusedCardError(CountersignError):
    """A form was asked for by somebody who may not answer; the card that says so."""

    def __init__(self, card: CardJson) -> None:
        self.card = card
        super().__init__("This click was refused.")


async def _opened(made: Click, ctx: Context) -> Recommendation:
    """Return the recommendation if this person may answer it from this card.

    Raises:
        _RefusedCardError: carries the card that says why not.
    """
    one = await decide.load(made, ctx)
    try:
        check_open(one, decide.answering(made, ctx), now=ctx.now())
    except RefusedClickError as refused:
        result = await decide.turn_down(made, ctx, refused)
        raise _RefusedCardError(decide.painted(result, ctx)) from refused
    return one


def _guarded(handler: Handler) -> Handler:
    async def guarded(made: Click, ctx: Context) -> CardJson:
        try:
            return await handler(made, ctx)
        except _RefusedCardError as refused:
            return refused.card

    return guarded


async def _override(made: Click, ctx: Context) -> CardJson:
    one = await _opened(made, ctx)
    return override_form(one, reader=reader_of(one), now=ctx.now())


async def _confirm_override(made: Click, ctx: Context) -> CardJson:
    typed = _typed(made)
    answer = Override(code=typed.get("code", ""), text=typed.get("text", ""))
    return await _given(made, ctx, answer, override_form)


async def _not_now(made: Click, ctx: Context) -> CardJson:
    one = await _opened(made, ctx)
    return not_now_form(one, reader=reader_of(one), now=ctx.now())


async def _confirm_not_now(made: Click, ctx: Context) -> CardJson:
    typed = _typed(made)
    answer = NotNow(
        code=typed.get("code", ""),
        text=typed.get("text", ""),
        until=_moment(typed.get("until", ""), otherwise=ctx.now()),
    )
    return await _given(made, ctx, answer, not_now_form)


_MENDABLE: Final = (ReasonMissingError, BadDateError)
"""What the person can put right in the form that is still open."""


async def _given(
    made: Click, ctx: Context, answer: Answer, form: Callable[..., CardJson]
) -> CardJson:
    result = await decide.give(made, ctx, answer)
    if isinstance(result.problem, _MENDABLE):
        one = result.recommendation
        return form(
            one,
            reader=reader_of(one),
            now=ctx.now(),
            problem=result.problem,
            typed=_typed(made),
        )
    return decide.painted(result, ctx)


async def _changes(made: Click, ctx: Context) -> CardJson:
    one = await _opened(made, ctx)
    typed = _fields(made)
    try:
        check_changeable(one.action)
    except RefusedClickError as refused:
        return _current(one, ctx, refused)
    return changes_form(one, reader=reader_of(one), now=ctx.now(), typed=typed or None)


async def _recost(made: Click, ctx: Context) -> CardJson:
    one = await _opened(made, ctx)
    typed = _fields(made)
    reader, now = reader_of(one), ctx.now()
    try:
        _, plan = await _replanned(one, typed, ctx)
    except CountersignError as problem:
        return changes_form(one, reader=reader, now=now, problem=problem, typed=typed)
    return confirm_changes_card(one, plan, reader=reader, now=now, fields=typed)


async def _approve_changed(made: Click, ctx: Context) -> CardJson:
    one = await _opened(made, ctx)
    typed = _fields(made)
    reader, now = reader_of(one), ctx.now()
    try:
        action, plan = await _replanned(one, typed, ctx)
    except CountersignError as problem:
        return changes_form(one, reader=reader, now=now, problem=problem, typed=typed)
    if plan.hash != made.data.get("plan"):
        return confirm_changes_card(
            one, plan, reader=reader, now=now, fields=typed, problem=OtherPlanError()
        )
    answer = ApproveChanged(action=action, plan=plan)
    return decide.painted(await decide.give(made, ctx, answer), ctx)


async def _replanned(
    one: Recommendation, typed: Mapping[str, str], ctx: Context
) -> tuple[DraftedAction, WritePlan]:
    """Build the plan for what was typed.

    Raises:
        RefusedClickError: what was typed cannot be read.
        NothingToApproveError: the ERP cannot be read, or cannot do it.
    """
    plant = one.route.plant
    today = ctx.now().astimezone(ZoneInfo(plant.timezone)).date()
    action = changed(one.action, typed, language=plant.language, today=today)
    reading = await read_plan(replace(one, action=action), ctx)
    if reading.plan is None:
        raise NothingToApproveError(reading.problem)
    return action, reading.plan


def _typed(made: Click) -> dict[str, str]:
    return {
        name: value
        for name, value in made.data.items()
        if isinstance(value, str) and name not in ("rec", "plan")
    }


def _fields(made: Click) -> dict[str, str]:
    """Return what was typed, or what an earlier card carried along."""
    carried = made.data.get("fields")
    before = (
        {str(name): str(value) for name, value in cast("Mapping[object, object]", carried).items()}
        if isinstance(carried, Mapping)
        else {}
    )
    now = {
        name: value
        for name, value in _typed(made).items()
        if name == "vendor" or name.startswith(("quantity_", "date_"))
    }
    return before | now


def _moment(text: str, *, otherwise: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else otherwise
    except (ValueError, OverflowError):
        return otherwise


VERBS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "approve": _approve,
        "acknowledge": _acknowledge,
        "override": _guarded(_override),
        "confirm_override": _confirm_override,
        "not_now": _guarded(_not_now),
        "confirm_not_now": _confirm_not_now,
        "changes": _guarded(_changes),
        "recost": _guarded(_recost),
        "approve_changed": _guarded(_approve_changed),
        "pull_back": _pull_back,
        "retry": _retry,
        "came": _came,
        "lost": _lost,
        "why": _why,
        "back": _back,
        "show": _back,
    }
)
