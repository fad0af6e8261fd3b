import pytest
from sqlalchemy.exc import IntegrityError

from decisions.plan import PlanHash
from decisions.recommendation import DecisionId, RecommendationId
from storage.decisions import DecisionStandsError
from storage.orders import NoSuchOrderError, Order, OrderStandsError
from tests.build import (
    BO,
    ID,
    NOW,
    a_decision,
    a_raw_recommendation,
    a_recommendation,
)
from tests.storage import intruder

FIRST = a_decision(id=DecisionId("D1"), round=1)
SECOND = a_decision(id=DecisionId("D2"), round=2, verdict="override", plan_hash=None)
HASH = PlanHash("a" * 64)


@pytest.fixture
async def decided(store):
    def turn(unit):
        unit.recommendations.add(a_recommendation(), a_raw_recommendation())
        unit.decisions.add(ID, FIRST)
        unit.decisions.add(ID, SECOND)

    await store.turn(turn)
    return store


def claim(decision, *, attempt=1):
    return lambda unit: unit.orders.claim(ID, decision, HASH, attempt=attempt, now=NOW)


def order(**overrides):
    defaults = {
        "recommendation": ID,
        "decision": FIRST.id,
        "plan_hash": HASH,
        "state": "sending",
        "attempt": 1,
        "sent_at": NOW,
        "document": None,
    }
    return Order(**defaults | overrides)


async def test_decisions_come_back_as_they_were_kept(decided):
    assert await decided.read(lambda unit: unit.decisions.of(ID)) == (FIRST, SECOND)
    assert await decided.read(lambda unit: unit.decisions.get(SECOND.id)) == SECOND
    assert await decided.read(lambda unit: unit.decisions.get(DecisionId("D9"))) is None


async def test_a_round_has_one_decision(decided):
    other = a_decision(id=DecisionId("D3"), round=1, by=BO)

    with pytest.raises(DecisionStandsError, match="Round 1 of CS-7KX2M9QH4T"):
        await decided.turn(lambda unit: unit.decisions.add(ID, other))

    assert await decided.read(lambda unit: unit.decisions.of(ID)) == (FIRST, SECOND)


async def test_a_decision_is_about_something(store):
    with pytest.raises(IntegrityError):
        await store.turn(lambda unit: unit.decisions.add(ID, FIRST))


async def test_an_order_is_claimed_before_it_is_sent(decided):
    await decided.turn(claim(FIRST.id, attempt=3))

    assert await decided.read(lambda unit: unit.orders.get(ID)) == order(attempt=3)


async def test_nothing_is_ordered_that_nobody_claimed(decided):
    assert await decided.read(lambda unit: unit.orders.get(ID)) is None
    with pytest.raises(NoSuchOrderError, match="CS-7KX2M9QH4T has no order"):
        await decided.turn(lambda unit: unit.orders.finish(ID, "written"))


async def test_what_became_of_an_order_is_kept_with_its_number(decided):
    await decided.turn(claim(FIRST.id))

    await decided.turn(lambda unit: unit.orders.finish(ID, "written", document="106023"))

    assert await decided.read(lambda unit: unit.orders.get(ID)) == order(
        state="written", document="106023"
    )


@pytest.mark.parametrize("state", ["sending", "written", "unknown"])
async def test_what_may_have_reached_the_erp_is_not_sent_again(decided, state):
    await decided.turn(claim(FIRST.id))
    await decided.turn(lambda unit: unit.orders.finish(ID, state))

    with pytest.raises(OrderStandsError, match=f"an order that is {state}"):
        await decided.turn(claim(SECOND.id))


@pytest.mark.parametrize("state", ["refused", "not_written"])
async def test_what_the_erp_does_not_hold_is_sent_again_on_another_decision(decided, state):
    await decided.turn(claim(FIRST.id))
    await decided.turn(lambda unit: unit.orders.finish(ID, state, document="x"))

    await decided.turn(claim(SECOND.id, attempt=2))

    assert await decided.read(lambda unit: unit.orders.get(ID)) == order(
        decision=SECOND.id, attempt=2
    )


@pytest.mark.parametrize("decision", [FIRST.id, SECOND.id])
async def test_what_never_left_may_be_sent_on_the_same_decision(decided, decision):
    await decided.turn(claim(FIRST.id))
    await decided.turn(lambda unit: unit.orders.finish(ID, "not_sent"))

    await decided.turn(claim(decision, attempt=2))

    assert await decided.read(lambda unit: unit.orders.get(ID)) == order(
        decision=decision, attempt=2
    )


@pytest.mark.parametrize("state", ["refused", "not_written"])
async def test_one_decision_sends_one_order(decided, state):
    await decided.turn(claim(FIRST.id))
    await decided.turn(lambda unit: unit.orders.finish(ID, state))

    with pytest.raises(OrderStandsError):
        await decided.turn(claim(FIRST.id, attempt=2))


async def test_an_order_needs_a_decision(decided):
    with pytest.raises(IntegrityError):
        await decided.turn(claim(DecisionId("D9")))


async def test_an_order_needs_a_decision_about_the_same_recommendation(decided):
    other = a_recommendation(id=RecommendationId("0THER00000"), source_id="other")
    await decided.turn(
        lambda unit: unit.recommendations.add(other, a_raw_recommendation(source_id="other"))
    )

    with pytest.raises(IntegrityError):
        await decided.turn(
            lambda unit: unit.orders.claim(other.id, FIRST.id, HASH, attempt=1, now=NOW)
        )


@pytest.mark.parametrize("decision", ["NULL", "'D9'"])
async def test_no_order_without_a_decision_even_past_the_program(decided, url, decision):
    with pytest.raises(IntegrityError):
        intruder.run(
            url,
            f"INSERT INTO orders VALUES ('{ID}', {decision}, '{HASH}', 'sending', 1, "  # noqa: S608  a test's own text
            "'2026-03-02T09:00:00Z', NULL)",
        )

    assert await decided.read(lambda unit: unit.orders.get(ID)) is None
