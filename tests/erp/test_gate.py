"""The one door to write, tried from every side; the ERP's own log says what came through."""

import copy
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.countersign import CountersignedOrder, countersign
from decisions.plan import Precondition, differences
from decisions.signature import SigningKey
from erp.gate import AlreadyThere, ClearedOrder, GateClosedError, Shifted, WriteGate, Written
from erp.ports import (
    CannotTell,
    ErpUnreachableError,
    NotFound,
    NotPlannableError,
    NotSent,
    Refused,
    Unknown,
)
from tests.build import (
    AUTHORITY,
    BO,
    NOW,
    OTHER_TENANT,
    SIGNING_KEY,
    a_plan,
    a_proof,
    a_proposal,
    an_approved,
    signed,
)

MARKER = "CS-7KX2M9QH4T"
SOON = NOW + timedelta(minutes=1)


@pytest.fixture
def gate(bench):
    return WriteGate(bench.reader, bench.writer, AUTHORITY)


@pytest.fixture
async def order(bench):
    """Return the bench's action, planned and countersigned by Ana."""
    return await countersigned(bench)


async def countersigned(bench):
    plan = await bench.reader.plan(bench.action, marker=MARKER)
    approved = an_approved(proposal=a_proposal(action=bench.action), plan=plan)
    return countersign(approved, [a_proof(approved)], authority_for(plan), now=NOW)


def authority_for(plan):
    return replace(AUTHORITY, company=plan.company)


def forged(order, **changes):
    """Put an order together around `countersign`, as only code that means harm would."""
    fake = object.__new__(CountersignedOrder)
    for name in ("recommendation", "decision", "plan", "seal"):
        object.__setattr__(fake, name, changes.get(name, getattr(order, name)))
    return fake


def redecided(order, **changes):
    decision = replace(order.decision, **changes)
    one = replace(order.recommendation, decision=decision)
    return forged(order, recommendation=one, decision=decision)


def resigned(order, key):
    one = signed(order.recommendation, key)
    return forged(order, recommendation=one, decision=one.decision)


async def test_an_approved_order_is_written_with_one_request_and_read_back(bench, gate, order):
    cleared = await gate.check(order)
    before = bench.writes()

    written = await gate.send(cleared, before=SOON)

    assert isinstance(written, Written)
    assert written.receipt is not None
    assert written.receipt.clean
    assert written.receipt.document == written.found.document
    assert bench.writes() - before == 1
    assert bench.written_by() == {bench.erp.writer.client_id}
    assert bench.count(MARKER) == 1


async def test_checking_writes_nothing(bench, gate, order):
    assert isinstance(await gate.check(order), ClearedOrder)
    assert bench.writes() == 0


async def test_a_moved_price_is_shown_and_not_written(bench, gate, order):
    bench.move_price()

    shifted = await gate.check(order)

    assert isinstance(shifted, Shifted)
    assert [moved.what for moved in shifted.differences] == ["unit cost in the ERP"]
    assert shifted.plan.hash != order.plan.hash
    assert bench.writes() == 0


async def test_what_stands_in_the_erp_already_is_not_written_again(bench, gate, order):
    await gate.send(await gate.check(order), before=SOON)
    before = bench.writes()

    again = await gate.check(order)

    assert isinstance(again, AlreadyThere)
    assert again.receipt.clean
    assert bench.writes() == before


async def test_what_stands_there_is_known_even_when_it_could_not_be_ordered_now(
    bench, gate, order
):
    await gate.send(await gate.check(order), before=SOON)
    bench.block_vendor()

    assert isinstance(await gate.check(order), AlreadyThere)


async def test_a_vendor_blocked_since_the_approval_is_said(bench, gate, order):
    bench.block_vendor()

    with pytest.raises(NotPlannableError, match="blocked"):
        await gate.check(order)
    assert bench.writes() == 0


async def test_an_erp_that_is_away_clears_nothing(bench, gate, order):
    await bench.away()

    with pytest.raises(ErpUnreachableError):
        await gate.check(order)


async def test_a_search_that_cannot_tell_clears_nothing(bench, gate, order):
    bench.next_search_fails()

    with pytest.raises(ErpUnreachableError):
        await gate.check(order)
    assert bench.writes() == 0


FORGERIES = {
    "a recommendation": lambda order: order.recommendation,
    "a plan": lambda order: order.plan,
    "nothing": lambda _order: None,
    "a word": lambda _order: "approved",
    "an empty shell": lambda _order: object.__new__(CountersignedOrder),
    "no seal": lambda order: forged(order, seal=None),
    "another seal": lambda order: forged(order, seal=object()),
    "another plan": lambda order: forged(order, plan=a_plan()),
    "another marker": lambda order: forged(order, plan=replace(order.plan, marker="CS-OTHER")),
    "an override": lambda order: forged(
        order, decision=replace(order.decision, verdict="override")
    ),
    "an approval of something else": lambda order: forged(
        order, decision=replace(order.decision, plan_hash="0" * 64)
    ),
    "another recommendation": lambda order: forged(
        order, recommendation=replace(order.recommendation, id="0000000000")
    ),
    "a recommendation without a plan": lambda order: forged(
        order, recommendation=replace(order.recommendation, plan=None)
    ),
    "a signature of somebody else's key": lambda order: resigned(order, SigningKey.new()),
    "no signature": lambda order: redecided(order, signature=None),
    "another approver under the same signature": lambda order: redecided(order, by=BO),
    "another tenant, signed": lambda order: resigned(
        redecided(order, tenant=OTHER_TENANT), SIGNING_KEY
    ),
    "another decision than the recommendation's": lambda order: forged(
        order, recommendation=replace(order.recommendation, decision=None)
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_nothing_but_a_countersigned_order_is_checked(bench, gate, order, forgery):
    with pytest.raises(GateClosedError, match="Nothing was written"):
        await gate.check(FORGERIES[forgery](order))
    assert bench.writes() == 0


NOT_CLEARED = {
    "an order that was not checked": lambda cleared: cleared.order,
    "nothing": lambda _cleared: None,
    "an empty shell": lambda _cleared: object.__new__(ClearedOrder),
    "a copy": copy.copy,
}


@pytest.mark.parametrize("forgery", NOT_CLEARED)
async def test_nothing_but_what_this_gate_cleared_is_sent(bench, gate, order, forgery):
    cleared = await gate.check(order)

    with pytest.raises(GateClosedError, match="not cleared here"):
        await gate.send(NOT_CLEARED[forgery](cleared), before=SOON)
    assert bench.writes() == 0


async def test_another_gates_clearing_does_not_count(bench, gate, order):
    cleared = await WriteGate(bench.reader, bench.writer, AUTHORITY).check(order)

    with pytest.raises(GateClosedError):
        await gate.send(cleared, before=SOON)


async def test_a_clearing_is_good_for_one_send(bench, gate, order):
    cleared = await gate.check(order)
    await gate.send(cleared, before=SOON)

    with pytest.raises(GateClosedError, match="sent already"):
        await gate.send(cleared, before=SOON)
    assert bench.count(MARKER) == 1


async def test_a_later_clearing_makes_the_earlier_void(bench, gate, order):
    earlier = await gate.check(order)
    await gate.check(order)

    with pytest.raises(GateClosedError):
        await gate.send(earlier, before=SOON)
    assert bench.writes() == 0


@pytest.mark.parametrize("trouble", ["lost answer", "gateway timeout", "gateway page"])
async def test_a_lost_answer_is_a_doubt_and_is_found_by_looking(bench, gate, order, trouble):
    cleared = await gate.check(order)
    bench.next_write(trouble)

    lost = await gate.send(cleared, before=SOON)

    assert isinstance(lost, Unknown)
    assert bench.writes() == 1
    assert bench.count(MARKER) == 1
    assert (await gate.look(order.plan)).clean
    assert bench.writes() == 1


async def test_a_request_that_never_arrived_is_not_found(bench, gate, order):
    cleared = await gate.check(order)
    bench.next_write("reset")

    assert isinstance(await gate.send(cleared, before=SOON), Unknown)
    assert await gate.look(order.plan) == NotFound()


async def test_a_busy_erp_is_not_asked_again_by_the_gate(bench, gate, order):
    cleared = await gate.check(order)
    bench.next_write("busy")

    assert isinstance(await gate.send(cleared, before=SOON), NotSent)
    assert bench.count(MARKER) == 0


async def test_whoever_slept_until_the_right_to_write_ran_out_sends_nothing(bench, gate, order):
    cleared = await gate.check(order)

    late = await gate.send(cleared, before=NOW)

    assert isinstance(late, NotSent)
    assert bench.writes() == 0


async def test_a_refusal_is_passed_on(bench, gate, order):
    cleared = await gate.check(order)
    bench.block_vendor()

    assert isinstance(await gate.send(cleared, before=SOON), Refused)
    assert bench.count(MARKER) == 0


async def test_what_cannot_be_read_back_is_written_all_the_same(bench, gate, order):
    cleared = await gate.check(order)
    bench.next_read_back_fails()

    written = await gate.send(cleared, before=SOON)

    assert isinstance(written, Written)
    assert written.receipt is None
    assert (await gate.look(order.plan)).document == written.found.document


async def test_looking_at_an_erp_that_is_away_cannot_tell(bench, gate, order):
    await bench.away()

    assert isinstance(await gate.look(order.plan), CannotTell)


async def test_looking_for_a_plan_of_another_connector_cannot_tell(gate, order):
    assert isinstance(await gate.look(replace(order.plan, connector="other")), CannotTell)


facts = st.builds(
    Precondition,
    name=st.sampled_from(["stock", "unit cost"]),
    subject=st.sampled_from(["A", "B"]),
    value=st.decimals(min_value=0, max_value=9, places=0).map(str),
    tolerance=st.sampled_from([None, Decimal(2)]),
)
sets_of_facts = st.lists(facts, max_size=4, unique_by=lambda fact: (fact.name, fact.subject))


@given(seen=sets_of_facts, now=sets_of_facts)
def test_nothing_differs_exactly_when_hash_and_watched_values_hold(seen, now):
    one, two = (
        a_plan(preconditions=tuple(sorted(facts, key=lambda fact: (fact.name, fact.subject))))
        for facts in (seen, now)
    )
    watched, still = (
        {(fact.name, fact.subject): fact for fact in facts if fact.tolerance is not None}
        for facts in (seen, now)
    )

    holds = (
        one.hash == two.hash
        and watched.keys() == still.keys()
        and all(
            abs(Decimal(still[key].value) - Decimal(fact.value)) <= fact.tolerance
            for key, fact in watched.items()
        )
    )
    assert (differences(one, two) == ()) is holds
