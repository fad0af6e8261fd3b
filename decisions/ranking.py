"""Which decision first, and the reason for each place."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from decisions.actions import DraftedAction, cost_of
from decisions.costing import Impact, cost_of_waiting, next_bite
from decisions.money import Rates
from decisions.recommendation import Place, Recommendation, RecommendationId
from decisions.routing import review_point


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """The part of a proposal that ranks it."""

    IS_PART: ClassVar = True

    impact: Impact
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """The part of a route that ranks."""

    IS_PART: ClassVar = True

    sla: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The part of a recommendation that ranks it; a hundred are read to place one."""

    IS_PART: ClassVar = True

    id: RecommendationId
    received_at: datetime
    posted_at: datetime | None
    proposal: _Cost
    route: _Pace
    action: DraftedAction


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a recommendation is ranked by, in the order they count; amounts in base currency."""

    id: RecommendationId
    cost_of_delay: Decimal
    deadline: datetime
    net_benefit: Decimal
    received_at: datetime

    @property
    def key(self) -> tuple[Decimal, datetime, Decimal, datetime, str]:
        """Return the sort key: dearest delay, nearest deadline, most gain, first come."""
        return (
            -self.cost_of_delay,
            self.deadline,
            -self.net_benefit,
            self.received_at,
            self.id,
        )


def measure(recommendation: Recommendation | Standing, *, now: datetime, rates: Rates) -> Measures:
    """Work out what a recommendation is ranked by.

    Raises:
        NoRateError: an amount has no rate to the base currency.
    """
    proposal = recommendation.proposal
    posted = recommendation.posted_at or recommendation.received_at
    until = review_point(posted, recommendation.route.sla, now)
    waiting = cost_of_waiting(proposal.impact, now=now, until=until)
    at_stake = cost_of_waiting(proposal.impact, now=now, until=max(proposal.valid_until, until))
    acting = proposal.impact.cost_of_acting or cost_of(recommendation.action)
    spent = rates.to_base(acting).amount if acting else Decimal(0)
    return Measures(
        id=recommendation.id,
        cost_of_delay=rates.sum_in_base(waiting).amount,
        deadline=next_bite(proposal.impact, now) or proposal.valid_until,
        net_benefit=rates.sum_in_base(at_stake).amount - spent,
        received_at=recommendation.received_at,
    )


def rank(measures: Iterable[Measures]) -> tuple[Measures, ...]:
    """Put the one whose delay costs most first; total and stable."""
    return tuple(sorted(measures, key=lambda one: one.key))


def place_of(mine: Measures, others: Iterable[Measures]) -> Place:
    """Return where one stands among all that are open, and what sets it apart.

    The reason compares it with its next neighbour: the one below, or for the last the one above.
    """
    ranked = rank([mine, *(other for other in others if other.id != mine.id)])
    index = next(number for number, one in enumerate(ranked) if one.id == mine.id)
    if len(ranked) == 1:
        return Place(position=1, of=1, reason="only")
    neighbour = ranked[index + 1] if index + 1 < len(ranked) else ranked[index - 1]
    return Place(position=index + 1, of=len(ranked), reason=_set_apart(mine, neighbour))


def _set_apart(
    one: Measures, other: Measures
) -> Literal["cost_of_delay", "deadline", "net_benefit", "arrival"]:
    if one.cost_of_delay != other.cost_of_delay:
        return "cost_of_delay"
    if one.deadline != other.deadline:
        return "deadline"
    if one.net_benefit != other.net_benefit:
        return "net_benefit"
    return "arrival"
