"""One card, whatever became of the recommendation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.extensions.json import JSONSnapshotExtension

from cards.alarm import alarm_card
from cards.approval import approval_card
from cards.listing import help_card, open_list, summary
from cards.problem import problem_card
from cards.reading import Reader, System
from decisions.countersign import NotCountersignedError, NotYourDecisionError
from decisions.people import Person
from tests.build import (
    ANA,
    NOW,
    a_change,
    a_fact,
    a_plan,
    a_proposal,
    a_recommendation,
    a_route,
    a_subject,
    eur,
    pieces,
)
from tests.cards.stages import LATER, STAGES
from tests.cards.target import problems
from tests.fakes.screens import actions, all_text

READER = Reader(language="en-GB", timezone="Europe/Berlin")
SYSTEM = System(
    name="Business Central",
    writes=frozenset({"create_purchase_order", "acknowledge"}),
    needs={"send_supplier_chaser": "not switched on in this version"},
)


def drawn(one, **changes):
    return approval_card(one, reader=READER, now=LATER, system=SYSTEM, **changes)


def verbs(one):
    return [action["verb"] for action in actions(drawn(one))]


@pytest.fixture
def pasteable(snapshot):
    """One file a card, to be pasted into the card designer."""
    return snapshot.use_extension(JSONSnapshotExtension)


def test_a_fact_that_was_read_in_a_lesser_way_is_said_to_be():
    why = "summed up from the open purchase orders"
    told = replace(SYSTEM, reduced={"vendor blocked": why, "budgets": "not granted"})

    shown = all_text(approval_card(a_recommendation(), reader=READER, now=LATER, system=told))

    assert f"Vendor blocked: {why}" in shown
    assert "not granted" not in shown


def test_an_alarm_says_what_was_stopped_and_what_to_do(pasteable):
    card = alarm_card(
        STAGES["approved"],
        NotCountersignedError(STAGES["approved"], "no signature holds."),
        reader=READER,
        now=LATER,
    )

    assert problems(card) == []
    assert card == pasteable


@pytest.mark.parametrize("stage", STAGES)
def test_the_card_in_every_state(stage, pasteable):
    assert drawn(STAGES[stage]) == pasteable(name=stage)


@pytest.mark.parametrize("stage", STAGES)
def test_teams_takes_the_card_in_every_state(stage):
    assert problems(drawn(STAGES[stage])) == []


@pytest.mark.parametrize("stage", STAGES)
def test_the_card_with_one_click_approve_has_no_input(stage):
    assert "Input." not in str(drawn(STAGES[stage]))


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("pending", ["approve", "changes", "override", "not_now", "why"]),
        ("pending-without-plan", ["override", "not_now", "why"]),
        ("pending-not-writable", ["acknowledge", "override", "not_now", "why"]),
        ("pending-acknowledge", ["acknowledge", "override", "not_now", "why"]),
        ("escalated", ["approve", "changes", "override", "not_now", "why"]),
        ("approved", ["why"]),
        ("written", ["why"]),
        ("unknown", ["why"]),
        ("refused", ["retry", "why"]),
        ("not-written", ["retry", "why"]),
        ("expired", ["why"]),
    ],
)
def test_the_buttons_are_those_that_do_something(stage, expected):
    assert verbs(STAGES[stage]) == expected


def test_approve_says_what_it_costs_and_carries_the_hash_of_that_payload():
    approve = actions(drawn(STAGES["pending"]))[0]

    assert approve["title"] == "Approve: 1,250.00 EUR"
    assert approve["data"]["plan"] == STAGES["pending"].plan.hash


def test_a_field_that_reads_back_differently_is_named():
    text = all_text(drawn(STAGES["written-differently"]))

    assert "approved 40 PCS, found 4 PCS" in text


def test_the_owner_is_mentioned_by_object_id():
    (entity,) = drawn(STAGES["pending"])["msteams"]["entities"]

    assert entity["mentioned"] == {"id": ANA.id, "name": ANA.name}
    assert entity["text"] in all_text(drawn(STAGES["pending"]))


def test_whoever_may_not_is_told_whose_decision_it_is():
    text = all_text(drawn(STAGES["pending"], problem=NotYourDecisionError(STAGES["pending"])))

    assert text.startswith("This decision belongs to Ana Ruiz. Nothing was changed.")


def test_waiting_that_costs_nothing_yet_says_from_when():
    assert "Waiting costs nothing before 16:00" in all_text(drawn(STAGES["pending"]))


def test_a_huge_recommendation_keeps_money_deadline_change_and_buttons():
    fields = ("item", "quantity", "unit_cost", "line_total", "location")
    changes = [
        a_change(field=field, subject=f"{number:04} {'A long item name ' * 5}", after="x" * 80)
        for number in range(100)
        for field in fields
    ]
    total = a_change(field="order_total", subject="", after=eur("1250.00"))
    facts = tuple(a_fact(name=f"Fact {number}", value="v" * 200) for number in range(100))
    huge = a_recommendation(
        proposal=a_proposal(facts=facts), plan=a_plan(changes=(*changes, total))
    )

    card = drawn(huge)

    assert problems(card) == []
    assert "1,250.00 EUR" in all_text(card)
    assert actions(card)[0]["verb"] == "approve"
    assert "more" in all_text(card)


HOSTILE = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        [
            "**[Müller & Söhne](http://x)**",
            "<at>Ana Ruiz</at>",
            "- one\n- two\n1. three",
            "\u202egnp.exe",
            "a\u200bb\u2066c",
            "${title}{{DATE(x)}}",
            "`code` ~~no~~ # head",
            "</at><at>Everybody",
            "x" * 5000,
        ]
    ),
)


@settings(max_examples=25, deadline=None)
@given(text=HOSTILE, stage=st.sampled_from(sorted(STAGES)))
def test_whatever_others_typed_is_shown_as_typed(text, stage):
    one = STAGES[stage]
    proposal = replace(
        one.proposal,
        headline=text[:200],
        rationale=text,
        facts=(a_fact(name=text, value=text, unit=text, source=text),),
        subject=a_subject(item_name=text, vendor_name=text),
    )
    route = a_route(owner=Person(id=ANA.id, name=text[:80]), rule=text)
    plan = a_plan(changes=(a_change(subject=text, after=text), a_change(after=pieces(1))))
    hostile = replace(
        one, proposal=proposal, route=route, source=text, source_id=text, trouble=text, plan=plan
    )

    assert problems(drawn(hostile)) == []
    assert len(summary(hostile, reader=READER, now=NOW).splitlines()) == 1


def test_the_list_ranks_and_offers_to_show_each():
    other = a_recommendation(id="0000000001", proposal=a_proposal(headline="Another"))

    card = open_list((STAGES["pending"], other), total=9, reader=READER, now=LATER)

    assert problems(card) == []
    assert [one["data"]["rec"] for one in actions(card)] == [STAGES["pending"].id, "0000000001"]
    assert all_text(card).startswith("9 open")


def test_an_absurd_amount_is_still_a_card():
    absurd = eur("999999999999999") * eur("999999999999999").amount
    one = a_recommendation(plan=a_plan(cost=absurd, changes=(a_change(after=absurd),)))

    assert problems(drawn(one)) == []
    assert "999,999,999,999,998,000,000,000,000,000.00 EUR" in all_text(drawn(one))


def test_an_empty_list_says_so():
    assert "Nothing waits" in all_text(open_list((), total=0, reader=READER, now=NOW))


def test_help_and_problems_are_cards_that_teams_takes():
    assert problems(help_card(reader=READER)) == []
    assert problems(problem_card(NotYourDecisionError(STAGES["pending"]), reader=READER)) == []


def test_numbers_and_times_are_written_as_the_reader_writes_them():
    german = approval_card(
        STAGES["pending"],
        reader=Reader(language="de", timezone="Europe/Berlin"),
        now=NOW + timedelta(minutes=1),
        system=SYSTEM,
    )

    assert "1.250,00 EUR" in all_text(german)
