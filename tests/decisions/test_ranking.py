"""Which decision first."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from decisions.money import Currency, Money, Rates
from decisions.ranking import measure, place_of, rank
from decisions.recommendation import RecommendationId
from tests.build import (
    EUR,
    NOW,
    USD,
    a_proposal,
    a_recommendation,
    an_impact,
    an_impact_line,
    eur,
)

RATES = Rates(base=EUR, per_unit={USD: Decimal("0.5"), Currency("PLN"): Decimal("0.25")})
HOUR = timedelta(hours=1)


def costing(amount, *, name="A000000000", currency=EUR, bites=1, acting=None):
    line = an_impact_line(
        amount=Money(Decimal(amount), currency),
        per="once",
        probability=Decimal(1),
        bites_at=NOW + bites * HOUR,
        ends_at=None,
    )
    impact = an_impact(lines=(line,), cost_of_acting=acting or eur(0))
    return a_recommendation(id=RecommendationId(name), proposal=a_proposal(impact=impact))


def measured(one):
    return measure(one, now=NOW, rates=RATES)


def test_the_dearest_delay_comes_first():
    cheap, dear = costing(100, name="CHEAP"), costing(900, name="DEAR")

    assert [one.id for one in rank([measured(cheap), measured(dear)])] == ["DEAR", "CHEAP"]


def test_equal_cost_goes_by_deadline_and_then_by_gain():
    soon, late = costing(500, name="SOON", bites=1), costing(500, name="LATE", bites=3)
    poor = costing(500, name="POOR", bites=3, acting=eur(400))

    ranked = rank([measured(poor), measured(late), measured(soon)])

    assert [one.id for one in ranked] == ["SOON", "LATE", "POOR"]


def test_other_currencies_are_compared_through_the_configured_rates():
    euros, dollars = costing(100, name="EUROS"), costing(150, name="DOLLARS", currency=USD)

    assert [one.id for one in rank([measured(dollars), measured(euros)])] == ["EUROS", "DOLLARS"]


def test_the_place_says_what_sets_it_apart():
    mine = measured(costing(500, name="MINE"))
    same_but_later = measured(costing(500, name="LATER", bites=2))

    place = place_of(mine, [same_but_later])

    assert (place.position, place.of, place.reason) == (1, 2, "deadline")
    assert place_of(mine, []).reason == "only"
    assert place_of(same_but_later, [mine]).position == 2


@given(
    amounts=st.lists(st.integers(0, 10**6), min_size=2, max_size=12),
    more=st.integers(0, 10**6),
)
def test_adding_cost_never_lowers_the_rank(amounts, more):
    ranked = [measured(costing(amount, name=f"R{n:02}")) for n, amount in enumerate(amounts)]
    dearer = measured(costing(amounts[0] + more, name="R00"))

    before = place_of(ranked[0], ranked[1:]).position
    after = place_of(dearer, ranked[1:]).position

    assert after <= before


@given(amounts=st.lists(st.integers(0, 50), min_size=1, max_size=12), data=st.data())
def test_the_order_does_not_depend_on_who_came_first_into_the_list(amounts, data):
    ranked = [measured(costing(amount, name=f"R{n:02}")) for n, amount in enumerate(amounts)]
    shuffled = data.draw(st.permutations(ranked))

    assert rank(shuffled) == rank(ranked)
    assert len({one.key for one in ranked}) == len(ranked)


@given(amounts=st.lists(st.integers(0, 10**6), min_size=2, max_size=8))
def test_the_unit_of_time_never_moves_the_rank(amounts):
    def spelled(per, factor):
        return [
            measured(
                replace(
                    costing(0, name=f"R{n:02}"),
                    proposal=a_proposal(
                        impact=an_impact(
                            lines=(an_impact_line(amount=eur(amount * factor), per=per),)
                        )
                    ),
                )
            )
            for n, amount in enumerate(amounts)
        ]

    by_hour = [one.id for one in rank(spelled("hour", 1))]
    by_day = [one.id for one in rank(spelled("day", 24))]

    assert by_hour == by_day
