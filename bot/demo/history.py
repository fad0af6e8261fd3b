"""Three weeks that went before: the real workflow on a clock that is set forward.

Nothing is written behind its back: each recommendation is ingested, each answer is a press of a
button on the card that was posted, and each order goes through the write gate.
"""

import heapq
import itertools
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeAlias

from bot.app import Running
from bot.demo.board import Board
from bot.demo.card import Button, Field, button, fields
from bot.demo.cast import TENANT
from bot.ports import CardJson
from bot.workflow import desk
from bot.workflow.click import Click
from bot.workflow.context import Context
from bot.workflow.envelope import read_item
from bot.workflow.ingest import Accepted, ItemVerdict
from bot.workflow.intake import Intake
from decisions.errors import CountersignError
from decisions.lifecycle import State
from decisions.people import Person, Posting
from decisions.recommendation import Recommendation, RecommendationId
from storage.sources import ApiKey

LENGTH: Final = timedelta(days=21)

Answer: TypeAlias = Literal["approve", "override", "not_now", "deputy", "late", "nobody"]

_ANSWERS: Final[Mapping[Answer, int]] = {
    "approve": 58,
    "override": 15,
    "not_now": 7,
    "deputy": 8,
    "late": 6,
    "nobody": 6,
}
"""How people answer, in a hundred; `late` is after the first escalation, by whom it went to."""

_SATURDAY: Final = 5
_NEVER: Final = datetime.max.replace(tzinfo=UTC)

_WORDS: Final = (
    "Vendor confirmed by phone this morning.",
    "Already on the truck, the scan is missing.",
    "Forecast was cut yesterday, see the S&OP minutes.",
    "Quality blocked the last batch of this vendor.",
    "We take it from Leipzig instead.",
    "Price is 12% above the frame contract.",
    "Agreed with the shift lead at the morning meeting.",
)

Happening: TypeAlias = Callable[[], Awaitable[None]]


class UnsoundPastError(CountersignError):
    """A recommendation of the past was not taken, so the plant and its advice do not fit."""

    def __init__(self, verdict: ItemVerdict) -> None:
        """Say what was wrong with it."""
        self.verdict = verdict
        super().__init__(f"A recommendation of the demo's past was not taken: {verdict}.")


class SimulatedClock:
    """Tells the time that it was set to."""

    def __init__(self, at: datetime) -> None:
        """Start there."""
        self._at = at

    def __call__(self) -> datetime:
        """Return the present moment of the simulation."""
        return self._at

    def forward(self, to: datetime) -> None:
        """Set it; time never runs backwards."""
        self._at = max(self._at, to)


@dataclass(slots=True, kw_only=True)
class Past:
    """What happens from the clock's present moment on; the same each time for the same seed."""

    bot: Running
    clock: SimulatedClock
    board: Board
    key: ApiKey
    advise: Callable[[], Mapping[str, object]]
    rng: random.Random
    _agenda: list[tuple[datetime, int, Happening]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)

    async def play(self, until: datetime, told: Callable[[float], None]) -> None:
        """Let everything happen that is planned or due, in its order; tell how far it is."""
        begin = self.clock()
        for moment in _arrivals(begin, until, self.rng):
            self._plan(moment, self._arrive)
        while (moment := await self._next()) < until:
            self.clock.forward(moment)
            if self._agenda and self._agenda[0][0] <= self.clock():
                await heapq.heappop(self._agenda)[2]()
            await self.bot.worker.drain()
            told((self.clock() - begin) / (until - begin))
        self.clock.forward(until)
        await self.bot.worker.drain()

    async def _next(self) -> datetime:
        due = await self.bot.ctx.store.read(lambda unit: unit.jobs.next_due())
        planned = self._agenda[0][0] if self._agenda else None
        return min((one for one in (due, planned) if one is not None), default=_NEVER)

    def _plan(self, at: datetime, happening: Happening) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), happening))

    def _later(self, *, least: float, most: float) -> datetime:
        return self.clock() + timedelta(minutes=self.rng.uniform(least, most))

    async def _arrive(self) -> None:
        sent = json.dumps(self.advise(), ensure_ascii=False)
        (verdict,) = await Intake(self.bot.ctx).ingest([read_item(sent)], self.key)
        if not isinstance(verdict, Accepted):
            raise UnsoundPastError(verdict)
        (answer,) = self.rng.choices(list(_ANSWERS), list(_ANSWERS.values()))
        if answer == "late":
            at = self._later(least=5 * 60, most=8 * 60)
        else:
            at = self._later(least=4, most=110)
        if answer != "nobody":
            self._plan(at, lambda: self._answer(verdict.id, answer))

    async def _answer(self, subject: RecommendationId, answer: Answer) -> None:
        """Let a person answer the card as it stands, if it still waits."""
        one, shown = await self.bot.ctx.store.read(
            lambda unit: (unit.recommendations.get(subject), unit.postings.of(subject))
        )
        if one is None or one.state is not State.AWAITING or not shown:
            return
        hand = _Hand(
            by=_who(one, answer, self.rng),
            on=shown[0].posting,
            sent_at=self.clock(),
            ctx=self.bot.ctx,
        )
        card = self.board.card(hand.on)
        if answer in ("override", "not_now"):
            form = await hand.press(card, answer)
            await hand.press(form, f"confirm_{answer}", _filled(form, self.rng))
        else:
            await hand.press(card, "approve" if button(card, "approve") else "acknowledge")
        if answer == "not_now":
            again = self._later(least=3 * 60, most=9 * 60)
            self._plan(again, lambda: self._answer(subject, "approve"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hand:
    """Somebody's hand on the buttons of one message."""

    by: Person
    on: Posting
    sent_at: datetime
    ctx: Context

    async def press(
        self, card: CardJson, verb: str, typed: Mapping[str, str] | None = None
    ) -> CardJson:
        """Press the button with this verb; a card without it is left alone."""
        pressed = button(card, verb)
        if pressed is None:
            return card
        return await desk.click(self._click(pressed, typed or {}), self.ctx)

    def _click(self, pressed: Button, typed: Mapping[str, str]) -> Click:
        return Click(
            person=self.by.id,
            person_name=self.by.name,
            tenant=TENANT,
            verb=pressed.verb,
            trigger="manual",
            data=dict(pressed.data) | dict(typed),
            conversation_id=self.on.conversation_id,
            activity_id=self.on.activity_id,
            invoke_id=f"f:{self.ctx.new_id()}",
            service_url=self.on.service_url,
            locale="en-US",
            sent_at=self.sent_at,
        )


def _who(one: Recommendation, answer: Answer, rng: random.Random) -> Person:
    if answer == "deputy" and one.route.deputies:
        return rng.choice(one.route.deputies)
    return one.route.now_with(one.escalated)


def _filled(form: CardJson, rng: random.Random) -> dict[str, str]:
    """Fill in a form: any choice, and some words."""
    return {one.id: _picked(one, rng) for one in fields(form)}


def _picked(asked: Field, rng: random.Random) -> str:
    return rng.choice(asked.choices).value if asked.choices else rng.choice(_WORDS)


def _arrivals(begin: datetime, until: datetime, rng: random.Random) -> list[datetime]:
    """Return when something comes: most of it in the working hours of weekdays."""
    last = until - timedelta(hours=5)
    days = ((begin + timedelta(days=number)).date() for number in range((until - begin).days + 1))
    moments = [moment for day in days for moment in _arrivals_of(day, rng)]
    return [moment for moment in moments if begin < moment < last]


def _arrivals_of(day: date, rng: random.Random) -> list[datetime]:
    weekend = day.weekday() >= _SATURDAY
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return [
        midnight + timedelta(hours=rng.triangular(4.5, 16.5, 8), seconds=rng.uniform(0, 59))
        for _ in range(rng.randint(0, 1) if weekend else rng.randint(3, 6))
    ]
