"""What waiting costs."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from decisions.costing import cost_of_waiting, explain, next_bite, next_step
from tests.build import NOW, an_impact, an_impact_line, eur, usd

HOUR = timedelta(hours=1)


def test_an_amount_per_hour_accrues_from_when_it_bites():
    impact = an_impact(
        lines=(an_impact_line(bites_at=NOW + HOUR, ends_at=None, probability=Decimal("0.5")),)
    )

    assert cost_of_waiting(impact, now=NOW, until=NOW + 3 * HOUR) == (eur(1800),)


def test_it_stops_accruing_when_it_ends():
    line = an_impact_line(bites_at=NOW, ends_at=NOW + HOUR, probability=Decimal(1))

    assert cost_of_waiting(an_impact(lines=(line,)), now=NOW, until=NOW + 9 * HOUR) == (eur(1800),)


def test_a_single_amount_counts_once_when_its_moment_lies_within():
    line = an_impact_line(per="once", bites_at=NOW + HOUR, ends_at=None, probability=Decimal(1))
    impact = an_impact(lines=(line,))

    assert cost_of_waiting(impact, now=NOW, until=NOW + HOUR / 2) == (eur(0),)
    assert cost_of_waiting(impact, now=NOW, until=NOW + HOUR) == (eur(1800),)
    assert cost_of_waiting(impact, now=NOW + HOUR, until=NOW + 2 * HOUR) == (eur(0),)


def test_currencies_are_never_added_up():
    euros = an_impact_line(per="once", bites_at=NOW + HOUR, probability=Decimal(1))
    dollars = replace(euros, amount=usd(50))

    waiting = cost_of_waiting(an_impact(lines=(euros, dollars)), now=NOW, until=NOW + 2 * HOUR)

    assert waiting == (eur(1800), usd(50))


def test_the_arithmetic_is_visible():
    line = an_impact_line(
        bites_at=NOW, ends_at=None, amount=eur(100), per="day", probability=Decimal("0.25")
    )

    (cost,) = explain(an_impact(lines=(line,)), now=NOW, until=NOW + 12 * HOUR)

    assert (cost.periods, cost.exposed, cost.expected) == (
        Decimal("0.5"),
        eur("50.0"),
        eur("12.500"),
    )


@given(minutes=st.integers(0, 10_000), amount=st.integers(0, 10**9))
def test_the_unit_of_time_does_not_matter(minutes, amount):
    hourly = an_impact_line(amount=eur(amount), per="hour", ends_at=None)
    daily = replace(hourly, amount=eur(amount * 24), per="day")
    until = NOW + timedelta(minutes=minutes)

    in_hours = cost_of_waiting(an_impact(lines=(hourly,)), now=NOW, until=until)
    in_days = cost_of_waiting(an_impact(lines=(daily,)), now=NOW, until=until)

    assert abs(in_hours[0].amount - in_days[0].amount) < Decimal("0.000001")


@given(first=st.integers(0, 5000), more=st.integers(0, 5000))
def test_waiting_longer_never_costs_less(first, more):
    impact = an_impact(
        lines=(an_impact_line(), an_impact_line(per="once", bites_at=NOW + 9 * HOUR))
    )
    sooner = NOW + timedelta(minutes=first)

    short = cost_of_waiting(impact, now=NOW, until=sooner)
    long = cost_of_waiting(impact, now=NOW, until=sooner + timedelta(minutes=more))

    assert long[0].amount >= short[0].amount


def test_the_next_last_responsible_moment_is_the_nearest_ahead():
    later = an_impact_line(bites_at=NOW + 9 * HOUR, step="only air freight")
    sooner = an_impact_line(bites_at=NOW + 2 * HOUR, step="only express")
    nameless = an_impact_line(bites_at=NOW + HOUR, step=None)
    impact = an_impact(lines=(later, sooner, nameless))

    assert next_step(impact, NOW) == sooner
    assert next_bite(impact, NOW) == NOW + HOUR
    assert next_step(impact, NOW + 9 * HOUR) is None
    assert next_bite(impact, NOW + 9 * HOUR) is None
