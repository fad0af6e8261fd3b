from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from bot.demo.glance import Glance, glance, weight
from cards.approval import approval_card
from cards.forms import override_form
from cards.listing import help_card, open_list
from cards.reading import Reader, System
from decisions.lifecycle import State
from decisions.money import Rates
from tests.build import EUR, NOW, USD, a_decision, a_recommendation

READER = Reader(language="en", timezone="Europe/Berlin")
SYSTEM = System(name="Business Central", writes=frozenset({"create_purchase_order"}), needs={})


def card_of(one):
    return approval_card(one, reader=READER, now=NOW, system=SYSTEM)


def test_an_open_card_says_what_it_costs_until_when_and_whose_it_is():
    seen = glance(card_of(a_recommendation()))

    assert seen == Glance(
        headline="Bearings 6204 run out on Wednesday",
        waiting="nothing",
        deadline="Wed 4 Mar 10:00",
        state="Ana Ruiz",
        is_open=True,
    )


def test_a_closed_card_says_what_became_of_it():
    overridden = a_recommendation(
        state=State.OVERRIDDEN, decision=a_decision(verdict="override", plan_hash=None)
    )

    seen = glance(card_of(overridden))

    assert (seen.state, seen.is_open) == ("Overridden: nothing is written", False)


def test_forms_lists_and_help_are_not_taken_for_a_recommendation():
    one = a_recommendation()

    seen = [
        glance(override_form(one, reader=READER, now=NOW)),
        glance(open_list([one], total=1, reader=READER, now=NOW)),
        glance(help_card(reader=READER)),
    ]

    assert seen == [None, None, None]


def test_amounts_of_several_currencies_are_weighed_in_one():
    later = NOW + timedelta(hours=8)
    seen = glance(approval_card(a_recommendation(), reader=READER, now=later, system=SYSTEM))
    rates = Rates(base=EUR, per_unit={USD: Decimal("0.92")})

    mixed = replace(seen, waiting="1,000 EUR + 500 USD + 7 XAU")

    assert weight(mixed, rates) == Decimal(1460)
