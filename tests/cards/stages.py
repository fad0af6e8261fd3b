"""One recommendation in every state that a card can show."""

from dataclasses import replace
from datetime import timedelta

from decisions.actions import Acknowledge, SendSupplierChaser
from decisions.lifecycle import State
from decisions.plan import Difference
from decisions.recommendation import FieldCheck, Place, RecommendationId
from tests.build import (
    NOW,
    a_decision,
    a_proposed,
    a_receipt,
    a_recommendation,
    an_approved,
    eur,
    pieces,
)

LATER = NOW + timedelta(hours=1)


def decided(state, **changes):
    return replace(an_approved(), state=state, **changes)


def answered(verdict, state, **changes):
    return decided(state, decision=a_decision(verdict=verdict, plan_hash=None, **changes))


STAGES = {
    "proposed": a_proposed(),
    "pending": a_recommendation(place=Place(position=1, of=7, reason="cost_of_delay")),
    "pending-without-plan": a_recommendation(
        plan=None, plan_problem="Business Central cannot be read right now (timeout)."
    ),
    "pending-not-writable": a_recommendation(
        action=SendSupplierChaser(vendor="V-2040", document="PO-1", text="When?"), plan=None
    ),
    "pending-acknowledge": a_recommendation(action=Acknowledge(note="Call the vendor"), plan=None),
    "asked-again": a_recommendation(
        round=2,
        moved=(
            Difference(
                what="unit_cost", subject="1000-B6204", before=eur("31.25"), after=eur("33.00")
            ),
        ),
    ),
    "escalated": a_recommendation(escalated=1),
    "approved": decided(State.APPROVED),
    "writing": decided(State.WRITING),
    "expired-after-approval": decided(
        State.EXPIRED,
        trouble="CS-7KX2M9QH4T was not written: it was approved, but not written before the "
        "approval expired.",
    ),
    "written": decided(State.WRITTEN, receipt=a_receipt()),
    "written-differently": decided(
        State.WRITTEN,
        receipt=a_receipt(
            fields=(
                FieldCheck(
                    field="quantity", subject="1000-B6204", planned=pieces(40), found=pieces(4)
                ),
            )
        ),
    ),
    "refused": decided(State.REFUSED, trouble="You cannot use vendor V-2040: Blocked is All."),
    "conflict": decided(State.CONFLICT, trouble="unit cost 1000-B6204"),
    "unknown": decided(State.UNKNOWN, trouble="the answer was lost"),
    "not-written": decided(State.NOT_WRITTEN),
    "acknowledged": answered("acknowledge", State.ACKNOWLEDGED),
    "overridden": answered(
        "override", State.OVERRIDDEN, reason_code="other", reason="We rent one until Friday"
    ),
    "shelved": answered(
        "not_now",
        State.SHELVED,
        reason_code="waiting_for_person",
        until=NOW + timedelta(hours=2),
    ),
    "expired": a_recommendation(state=State.EXPIRED),
    "superseded": a_recommendation(
        state=State.SUPERSEDED, superseded_by=RecommendationId("0000000001")
    ),
    "withdrawn": a_recommendation(state=State.WITHDRAWN),
}
