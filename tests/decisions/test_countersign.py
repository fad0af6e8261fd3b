"""A named person's answer, and the only way to an order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from decisions.actions import Acknowledge
from decisions.audit import GENESIS, next_entry
from decisions.countersign import (
    AlreadyDecidedError,
    Answering,
    ApprovalExpiredError,
    Approve,
    ApproveChanged,
    BadDateError,
    ClosedError,
    CountersignedOrder,
    NotCountersignedError,
    NothingToApproveError,
    NotNow,
    NotYourDecisionError,
    OtherPlanError,
    Override,
    ReasonMissingError,
    StaleCardError,
    TakeNote,
    countersign,
    decide,
)
from decisions.lifecycle import State
from decisions.plan import PlanHash
from decisions.recommendation import DecisionId
from tests.build import (
    ANA,
    AUTHORITY,
    BO,
    CLEO,
    DEV,
    NOW,
    OTHER_TENANT,
    TENANT,
    a_decision,
    a_plan,
    a_proof,
    a_recommendation,
    an_approved,
    an_event,
    an_order_action,
    eur,
    signed,
)


def answering(person=ANA, **overrides):
    defaults = {
        "decision": DecisionId("D00000000A"),
        "person": person,
        "tenant": TENANT,
        "round": 1,
        "seen_revision": 2,
        "invoke_id": "f:1",
    }
    return Answering(**defaults | overrides)


def approval():
    return Approve(plan_hash=a_recommendation().plan.hash)


def test_the_owner_approves_exactly_the_plan_on_the_card():
    decided = decide(a_recommendation(), approval(), answering(), now=NOW)

    assert decided.state is State.APPROVED
    assert decided.decision.by == ANA
    assert decided.decision.plan_hash == a_recommendation().plan.hash
    assert decided.revision == 3


@pytest.mark.parametrize("person", [DEV, CLEO])
def test_nobody_else_may(person):
    with pytest.raises(NotYourDecisionError, match="belongs to Ana Ruiz"):
        decide(a_recommendation(), approval(), answering(person), now=NOW)


def test_a_namesake_may_not():
    namesake = replace(DEV, name=ANA.name)

    with pytest.raises(NotYourDecisionError):
        decide(a_recommendation(), approval(), answering(namesake), now=NOW)


def test_deputies_may_and_so_may_whom_it_escalated_to():
    escalated = a_recommendation(escalated=1)

    assert decide(a_recommendation(), approval(), answering(BO), now=NOW).decision.by == BO
    assert decide(escalated, approval(), answering(CLEO), now=NOW).decision.by == CLEO
    assert decide(escalated, approval(), answering(ANA), now=NOW).decision.by == ANA


def test_an_approval_of_another_payload_is_refused():
    with pytest.raises(OtherPlanError):
        decide(a_recommendation(), Approve(plan_hash=PlanHash("0" * 64)), answering(), now=NOW)


def test_without_a_plan_there_is_nothing_to_approve():
    unread = a_recommendation(plan=None, plan_problem="Business Central cannot be read.")

    with pytest.raises(NothingToApproveError, match="cannot be read"):
        decide(unread, approval(), answering(), now=NOW)
    with pytest.raises(NothingToApproveError, match="acknowledged"):
        decide(a_recommendation(action=Acknowledge()), approval(), answering(), now=NOW)


def test_changes_are_approved_under_their_own_plan():
    action, plan = an_order_action(vendor="V-9"), a_plan(cost=eur(99))

    decided = decide(
        a_recommendation(), ApproveChanged(action=action, plan=plan), answering(), now=NOW
    )

    assert (decided.action, decided.plan, decided.decision.plan_hash) == (action, plan, plan.hash)


def test_a_second_answer_changes_nothing_and_names_the_first():
    with pytest.raises(AlreadyDecidedError, match="Ana Ruiz has already answered"):
        decide(an_approved(), approval(), answering(BO), now=NOW)


def test_a_card_from_an_earlier_round_is_refused():
    with pytest.raises(StaleCardError):
        decide(a_recommendation(round=2), approval(), answering(round=1), now=NOW)


@pytest.mark.parametrize("state", [State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN])
def test_what_is_closed_takes_no_answer(state):
    with pytest.raises(ClosedError, match=state.value):
        decide(a_recommendation(state=state), approval(), answering(), now=NOW)


def test_an_answer_after_the_deadline_is_too_late_even_before_the_clock_closed_it():
    one = a_recommendation()

    with pytest.raises(ClosedError, match="expired"):
        decide(one, approval(), answering(), now=one.proposal.valid_until)


def test_an_override_needs_a_known_reason_and_other_needs_words():
    one = a_recommendation()

    decided = decide(one, Override(code="other", text=" we rent one "), answering(), now=NOW)

    assert (decided.state, decided.decision.reason_code, decided.decision.reason) == (
        State.OVERRIDDEN,
        "other",
        "we rent one",
    )
    with pytest.raises(ReasonMissingError, match="Say in a few words"):
        decide(one, Override(code="other", text="  "), answering(), now=NOW)
    with pytest.raises(ReasonMissingError, match="Pick a reason"):
        decide(one, Override(code="because", text="x"), answering(), now=NOW)


def test_not_now_needs_a_time_that_is_still_ahead_and_before_the_deadline():
    one = a_recommendation()
    later = NotNow(code="later_this_shift", text="", until=NOW + timedelta(hours=1))

    assert decide(one, later, answering(), now=NOW).state is State.SHELVED
    for until in (NOW, one.proposal.valid_until):
        with pytest.raises(BadDateError):
            decide(one, replace(later, until=until), answering(), now=NOW)


def test_taking_note_writes_nothing():
    decided = decide(a_recommendation(action=Acknowledge()), TakeNote(), answering(), now=NOW)

    assert (decided.state, decided.decision.plan_hash) == (State.ACKNOWLEDGED, None)


def order_of(one, *story, authority=AUTHORITY, now=NOW):
    return countersign(one, story or (a_proof(one),), authority, now=now)


def test_a_signed_approval_that_the_chain_holds_makes_an_order():
    one = an_approved()

    order = order_of(one)

    assert (order.decision, order.plan) == (one.decision, one.plan)


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (signed(an_approved(decision=a_decision(verdict="override"))), "the answer was override"),
        (an_approved(decision=a_decision(plan_hash="f" * 64)), "another payload"),
        (an_approved(decision=a_decision(round=2)), "another payload"),
        (an_approved(decision=a_decision(by=DEV)), "not on the route"),
        (an_approved(decision=a_decision(tenant=OTHER_TENANT)), "another tenant"),
        (an_approved(plan=a_plan(company="another")), "another tenant or company"),
        (replace(an_approved(), plan=a_plan(cost=eur(5))), "another payload"),
        (replace(an_approved(), state=State.WRITTEN), "no approval stands"),
    ],
)
def test_without_a_fitting_approval_there_is_no_order(one, why):
    with pytest.raises(NotCountersignedError, match=why):
        order_of(one)


def test_what_awaits_an_answer_is_no_order():
    with pytest.raises(NotCountersignedError, match="no approval stands"):
        order_of(a_recommendation(), a_proof(an_approved()))


def test_an_approval_is_good_until_it_expires_and_no_longer():
    one = an_approved()
    last = one.proposal.valid_until

    assert order_of(one, now=last - timedelta(microseconds=1)).decision == one.decision
    with pytest.raises(ApprovalExpiredError, match="expired"):
        order_of(one, now=last)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "posted"},
        {"recommendation": "0000000000"},
        {"actor": BO.id},
        {"body": {"decision": "D00000000B", "plan_hash": an_approved().plan.hash}},
        {"body": {"decision": "D00000000A", "plan_hash": "f" * 64}},
    ],
)
def test_without_its_entry_in_the_chain_there_is_no_order(change):
    one = an_approved()
    proof = a_proof(one)

    with pytest.raises(NotCountersignedError, match="audit chain"):
        order_of(one, replace(proof, event=replace(proof.event, **change)))


@pytest.mark.parametrize("kind", ["written", "refused", "not_written", "conflict"])
def test_an_approval_counts_once(kind):
    one = an_approved()
    proof = a_proof(one)
    ending = next_entry(an_event(kind=kind), last_seq=proof.seq, last_hash=proof.hash)

    with pytest.raises(NotCountersignedError, match="acted on before"):
        order_of(one, proof, ending)


def test_an_ending_of_an_earlier_approval_does_not_spend_a_later_one():
    one = an_approved()
    earlier = next_entry(an_event(kind="refused"), last_seq=0, last_hash=GENESIS)
    proof = replace(a_proof(one), seq=2)

    assert order_of(one, earlier, proof).decision == one.decision


def test_an_order_cannot_be_made_by_hand():
    one = an_approved()

    with pytest.raises(TypeError, match="seal"):
        CountersignedOrder(recommendation=one, decision=one.decision, plan=one.plan)
