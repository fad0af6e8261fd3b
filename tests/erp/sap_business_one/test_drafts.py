"""Changes of a draft that stands there: planned without a network."""

from datetime import date
from decimal import Decimal

import pytest

from decisions.actions import (
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.plan import Change, PlannedRequest, Precondition
from decisions.quantity import Quantity, Unit
from erp.ports import NotPlannableError
from erp.sap_business_one.drafts import change_plan, draft_named
from tests.build import eur, pieces
from tests.erp.sap_business_one.facts import COMPANY, a_draft, a_draft_line

BEARING = "1000-B6204 Deep groove bearing 6204"
ETAG = 'W/"356A"'
OWN = Change(field="document", subject="", before=None, after="Draft 12, Nordlager GmbH (V-2040)")


def plan_of(action, draft=None, etag=ETAG):
    return change_plan(action, draft or a_draft(), etag, company=COMPANY, marker="CS-7KX2M9QH4T")


def a_quantity(value=60, unit="PCS", line=0):
    return SetPurchaseOrderQuantity(
        document="Draft 12", line=line, quantity=Quantity(Decimal(value), Unit(unit))
    )


def a_date(day):
    return SetReceiptDate(
        document="Draft 12", line=0, expected_receipt_date=date.fromisoformat(day)
    )


def a_removal():
    return CancelDraftPurchaseOrder(document="Draft 12")


def test_another_quantity_is_one_patch_of_one_line_for_one_version():
    plan = plan_of(a_quantity())

    assert plan.requests == (
        PlannedRequest(
            method="PATCH",
            path="Drafts(12)",
            body='{"DocumentLines":[{"LineNum":0,"Quantity":60}]}',
        ),
    )
    assert plan.preconditions == (
        Precondition(name="document version", subject="Draft 12", value=ETAG),
        Precondition(name="status", subject="Draft 12", value="Draft"),
    )
    assert plan.changes == (
        OWN,
        Change(field="quantity", subject=BEARING, before=pieces(40), after=pieces(60)),
        Change(field="line_total", subject=BEARING, before=eur("1250.00"), after=eur("1875.00")),
    )
    assert plan.cost == eur("1875.00")


def test_another_date_is_one_patch_of_one_line():
    plan = plan_of(a_date("2026-03-20"))

    assert plan.requests[0].body == '{"DocumentLines":[{"LineNum":0,"ShipDate":"2026-03-20"}]}'
    assert plan.changes == (
        OWN,
        Change(
            field="expected_receipt_date",
            subject=BEARING,
            before=date(2026, 3, 9),
            after=date(2026, 3, 20),
        ),
    )
    assert plan.cost is None


def test_a_removal_says_all_that_goes():
    plan = plan_of(a_removal())

    assert plan.requests == (PlannedRequest(method="DELETE", path="Drafts(12)", body=""),)
    assert plan.changes == (
        OWN,
        Change(field="quantity", subject=BEARING, before=pieces(40), after=None),
        Change(field="order_total", subject="", before=eur("1250.00"), after=None),
    )
    assert plan.cost is None


def test_a_quantity_in_another_unit_is_written_in_the_unit_of_the_line():
    draft = a_draft(document_lines=(a_draft_line(measure_unit="g"),))

    plan = plan_of(a_quantity("1.5", "KG"), draft)

    assert plan.requests[0].body == '{"DocumentLines":[{"LineNum":0,"Quantity":1500}]}'


@pytest.mark.parametrize(
    ("action", "draft", "etag", "why"),
    [
        (a_removal(), a_draft(doc_object_code="oInvoices"), ETAG, "no draft of a purchase"),
        (a_removal(), a_draft(document_status="bost_Close"), ETAG, "no draft any more.*Released"),
        (a_removal(), a_draft(document_status=""), ETAG, "no draft any more.*unknown"),
        (a_removal(), a_draft(authorization_status="dasPending"), ETAG, "In Review"),
        (a_removal(), a_draft(authorization_status="dasNew"), ETAG, "dasNew"),
        (a_removal(), a_draft(), "", "gives no version of Draft 12"),
        (a_quantity(line=7), a_draft(), ETAG, "Draft 12 has no line 7"),
        (a_quantity(unit="BOX"), a_draft(), ETAG, "cannot be turned into PCS"),
        (a_quantity(40), a_draft(), ETAG, "ordered with 40 PCS already"),
        (a_date("2026-03-09"), a_draft(), ETAG, "expected on 2026-03-09 already"),
        (a_quantity(0), a_draft(), ETAG, "nothing that can be ordered"),
        (a_quantity("0.0000001"), a_draft(), ETAG, "nothing that can be ordered"),
    ],
)
def test_what_does_not_allow_it_is_named(action, draft, etag, why):
    with pytest.raises(NotPlannableError, match=why):
        plan_of(action, draft, etag)


@pytest.mark.parametrize("name", ["12", "Draft", "Draft 12b", "Drafts(12)", ""])
def test_a_number_that_could_be_an_order_is_no_draft(name):
    with pytest.raises(NotPlannableError, match="is not a draft"):
        draft_named(name)
