"""What waiting costs, hour by hour, and what acting costs, with the arithmetic visible."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from decisions.money import Money, total

ImpactKind = Literal[
    "downtime", "expedite_premium", "otif_penalty", "write_off", "overtime", "other"
]
Per = Literal["once", "minute", "hour", "day"]

_SECONDS: Final = {"minute": Decimal(60), "hour": Decimal(3600), "day": Decimal(86400)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactLine:
    """Money that is lost with a probability once it starts to bite.

    `per` "once": the whole amount falls due at `bites_at`; otherwise the amount accrues per
    minute, hour or day from `bites_at` until `ends_at`. `step` names a last responsible moment
    in words: what is no longer possible after `bites_at`.
    """

    kind: ImpactKind
    amount: Money
    per: Per
    probability: Decimal
    basis: str
    bites_at: datetime
    ends_at: datetime | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Everything that not acting costs, and what acting costs."""

    lines: tuple[ImpactLine, ...]
    cost_of_acting: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCost:
    """One line worked out for a stretch of time: periods x amount x probability = expected."""

    line: ImpactLine
    periods: Decimal
    exposed: Money
    expected: Money


def _seconds(span: timedelta) -> Decimal:
    return Decimal(span.days * 86400 + span.seconds) + Decimal(span.microseconds) / 1_000_000


def _periods(line: ImpactLine, now: datetime, until: datetime) -> Decimal:
    if line.per == "once":
        return Decimal(1) if now < line.bites_at <= until else Decimal(0)
    start = max(now, line.bites_at)
    end = until if line.ends_at is None else min(until, line.ends_at)
    return _seconds(end - start) / _SECONDS[line.per] if end > start else Decimal(0)


def line_cost(line: ImpactLine, *, now: datetime, until: datetime) -> LineCost:
    """Work out one line between two moments; what bit before `now` is lost either way."""
    periods = _periods(line, now, until)
    exposed = line.amount * periods
    return LineCost(
        line=line, periods=periods, exposed=exposed, expected=exposed * line.probability
    )


def explain(impact: Impact, *, now: datetime, until: datetime) -> tuple[LineCost, ...]:
    """Work out every line, in the order they were given."""
    return tuple(line_cost(line, now=now, until=until) for line in impact.lines)


def cost_of_waiting(impact: Impact, *, now: datetime, until: datetime) -> tuple[Money, ...]:
    """Return the expected cost of doing nothing from now until then, one sum per currency."""
    return total(cost.expected for cost in explain(impact, now=now, until=until))


def next_step(impact: Impact, now: datetime) -> ImpactLine | None:
    """Return the line of the next last responsible moment; None when none is ahead."""
    ahead = [line for line in impact.lines if line.step and line.bites_at > now]
    return min(ahead, key=lambda line: line.bites_at, default=None)


def next_bite(impact: Impact, now: datetime) -> datetime | None:
    """Return when waiting next becomes dearer; None when nothing more is to come."""
    ahead = [line.bites_at for line in impact.lines if line.bites_at > now]
    return min(ahead, default=None)
