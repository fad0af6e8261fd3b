"""Recommendations as a plant leaves them behind: varied, decided, written, expired, or waiting."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from bot.workflow.ids import ALPHABET, LENGTH
from decisions.lifecycle import State
from decisions.people import ChannelId
from decisions.recommendation import Decision, DecisionId, Recommendation, RecommendationId
from tests.build import (
    a_decision,
    a_fact,
    a_plan,
    a_proposal,
    a_receipt,
    a_recommendation,
    a_route,
    a_subject,
    an_escalation_step,
    an_impact,
    an_impact_line,
    an_order_action,
    an_order_line,
    eur,
)
from tests.stories.world import ANA, BO, DEV

Fate = Literal["written", "overridden", "expired"]

SHAPES: Final = 500
"""Different proposals; each recommendation takes one and has its own times and names."""

A_DAY: Final = 40_000
"""What a large plant gets a day."""

FAR: Final = timedelta(days=60)
"""When the timers of what is open run out: long after any measurement."""


def channel_name(number: int) -> ChannelId:
    """Return one of the channels that everything is spread over."""
    return ChannelId(f"19:load-{number:03}@thread.tacv2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """A recommendation as it ended or stands, and when it came, was decided and was closed."""

    one: Recommendation
    came: datetime
    decision: Decision | None
    closed: datetime | None


class Past:
    """Makes lives; the same seed makes the same ones."""

    def __init__(self, *, now: datetime, channels: int, seed: int = 1) -> None:
        """Look back from a moment."""
        self.now = now
        self.rng = random.Random(seed)  # noqa: S311  it varies data, it guards nothing
        self._plan = a_plan()
        self._decision, self._receipt = a_decision(), a_receipt()
        self._recommendation = a_recommendation()
        self._routes = [
            a_route(
                owner=ANA,
                deputies=(BO,),
                channel=channel_name(number),
                escalation=(an_escalation_step(after=FAR / 2, to=DEV),),
            )
            for number in range(channels)
        ]
        self._shapes = [self._shape(number) for number in range(SHAPES)]

    def closed(self, number: int, *, of: int) -> Life:
        """Return one that is over, the oldest first; `of` are spread over the last weeks."""
        age = timedelta(days=(of - number) / A_DAY, hours=5)
        came = self.now - age
        decided = came + timedelta(minutes=self.rng.uniform(2, 200))
        fate: Fate = self.rng.choices(("written", "overridden", "expired"), (7, 2, 1))[0]
        waiting = self._waiting(number, came, valid_until=came + timedelta(hours=4))
        match fate:
            case "written":
                return self._written(waiting, came, decided)
            case "overridden":
                return self._overridden(waiting, came, decided)
            case "expired":
                over = waiting.proposal.valid_until
                one = replace(
                    waiting,
                    state=State.EXPIRED,
                    revision=3,
                    closed_at=over,
                    history=(*waiting.history, ("expired", over)),
                )
                return Life(one=one, came=came, decision=None, closed=over)

    def open(self, number: int) -> Life:
        """Return one that waits for an answer, and will for long."""
        came = self.now - timedelta(minutes=self.rng.uniform(1, 600))
        one = self._waiting(number, came, valid_until=self.now + FAR)
        return Life(one=one, came=came, decision=None, closed=None)

    def cost(self) -> Decimal:
        """Return a cost of delay to sort by."""
        return Decimal(self.rng.randrange(100, 10_000_000)) / 100

    def new_id(self) -> str:
        """Return an id like those that the program makes."""
        return "".join(self.rng.choices(ALPHABET, k=LENGTH))

    def _written(self, waiting: Recommendation, came: datetime, decided: datetime) -> Life:
        written = decided + timedelta(seconds=self.rng.uniform(1, 20))
        plan = waiting.plan
        decision = replace(
            self._decision,
            id=DecisionId(self.new_id()),
            at=decided,
            invoke_id=f"f:{self.new_id()}",
            plan_hash=plan.hash if plan else None,
        )
        document = str(self.rng.randrange(100_000, 999_999))
        one = replace(
            waiting,
            state=State.WRITTEN,
            revision=5,
            decision=decision,
            receipt=replace(self._receipt, document=document, read_at=written),
            closed_at=written,
            history=(
                *waiting.history,
                ("approved", decided),
                ("write_started", decided),
                ("read_back", written),
            ),
        )
        return Life(one=one, came=came, decision=decision, closed=written)

    def _overridden(self, waiting: Recommendation, came: datetime, decided: datetime) -> Life:
        decision = replace(
            self._decision,
            id=DecisionId(self.new_id()),
            at=decided,
            verdict="override",
            invoke_id=f"f:{self.new_id()}",
            plan_hash=None,
            reason_code="data_wrong",
            reason="Two pallets stand in hall 4 that nobody booked.",
        )
        one = replace(
            waiting,
            state=State.OVERRIDDEN,
            revision=3,
            decision=decision,
            closed_at=decided,
            history=(*waiting.history, ("overridden", decided)),
        )
        return Life(one=one, came=came, decision=decision, closed=decided)

    def _waiting(self, number: int, came: datetime, *, valid_until: datetime) -> Recommendation:
        proposal = replace(self._shapes[number % SHAPES], valid_until=valid_until)
        name = RecommendationId(self.new_id())
        return replace(
            self._recommendation,
            id=name,
            source_id=f"past-{name}",
            content_hash=f"{self.rng.getrandbits(256):064x}",
            received_at=came,
            proposal=proposal,
            action=proposal.action,
            route=self._routes[number % len(self._routes)],
            posted_at=came,
            plan=replace(self._plan, marker=f"CS-{name}"),
            history=(("posted", came),),
        )

    def _shape(self, number: int):  # noqa: ANN202  a Proposal
        item, vendor = f"{1000 + number}-B{number:04}", f"V-{2000 + number % 60}"
        cost = eur(str(Decimal(self.rng.randrange(5_000, 900_000)) / 100))
        line = an_impact_line(
            amount=eur(self.rng.randrange(200, 9_000)),
            probability=Decimal(self.rng.randrange(10, 95)) / 100,
            bites_at=self.now + timedelta(hours=self.rng.randrange(2, 72)),
            ends_at=self.now + timedelta(hours=90),
        )
        return a_proposal(
            headline=f"Item {item} runs out in {self.rng.randrange(2, 9)} days",
            subject=a_subject(item=item, item_name=f"Deep groove bearing {number}", vendor=vendor),
            facts=_facts(self.rng, self.now),
            confidence=Decimal(self.rng.randrange(50, 99)) / 100,
            impact=an_impact(lines=(line,), cost_of_acting=cost),
            action=an_order_action(vendor=vendor, lines=(an_order_line(item=item),)),
        )


def _facts(rng: random.Random, now: datetime) -> Sequence[object]:
    seen = now - timedelta(minutes=10)
    return tuple(
        a_fact(name=name, value=str(rng.randrange(1, 900)), observed_at=seen, recorded_at=seen)
        for name in ("stock on hand", "reserved", "daily use", "on order")
    )
