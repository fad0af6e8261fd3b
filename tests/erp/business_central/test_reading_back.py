"""An order as it stands, held against the plan."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from decisions.recommendation import FieldCheck
from erp.business_central.entities import (
    NO_DATE,
    NewOrder,
    PurchaseOrder,
    PurchaseOrderLine,
    read_body,
)
from erp.business_central.mapping import order_plan
from erp.business_central.reading_back import (
    carries,
    checks,
    planned_locations,
    unplanned_locations,
)
from tests.build import an_order_action, an_order_line, eur, pieces, usd
from tests.erp.business_central.facts import COMPANY, MAIN, a_vendor, some_facts

MARKER = "CS-7KX2M9QH4T"
BEARING = "1000-B6204 Deep groove bearing 6204"
EAST = UUID("10ca0000-0000-4000-8000-000000000002")


def a_comment(**overrides):
    defaults = {
        "sequence": 20000,
        "line_type": "Comment",
        "description": f"Countersign {MARKER}",
    }
    return PurchaseOrderLine(**defaults | overrides)


def a_line(**overrides):
    """Return the bearings as they were ordered."""
    defaults = {
        "sequence": 10000,
        "line_type": "Item",
        "line_object_number": "1000-B6204",
        "description": "Deep groove bearing 6204",
        "unit_of_measure_code": "PCS",
        "quantity": Decimal("40.000"),
        "direct_unit_cost": Decimal("31.25"),
        "amount_excluding_tax": Decimal(1250),
        "expected_receipt_date": date(2026, 3, 9),
        "location_id": MAIN,
    }
    return PurchaseOrderLine(**defaults | overrides)


def an_order(**overrides):
    """Return the order as it was approved."""
    defaults = {
        "id": UUID("5d115c9c-44e3-ea11-bb43-000d3a2feca1"),
        "number": "106023",
        "vendor_number": "V-2040",
        "vendor_name": "Nordlager GmbH",
        "currency_code": "EUR",
        "status": "Draft",
        "total_amount_excluding_tax": Decimal(1250),
        "purchase_order_lines": (a_line(), a_comment()),
    }
    return PurchaseOrder(**defaults | overrides)


def differing(order, action=None, facts=None):
    """Return the fields that do not read back as planned."""
    plan = order_plan(
        action or an_order_action(), facts or some_facts(), company=COMPANY, marker=MARKER
    )
    sent = read_body(plan.requests[0].body, NewOrder)
    codes = planned_locations(plan, sent) | {EAST: "EAST"}
    return [check for check in checks(plan, sent, order, codes) if not check.same]


def test_an_order_as_approved_has_no_difference():
    assert differing(an_order()) == []


def test_lines_are_paired_in_their_order_however_they_are_listed():
    action = an_order_action(lines=(an_order_line(), an_order_line(quantity=pieces(10))))
    second = a_line(sequence=20000, quantity=Decimal(10), amount_excluding_tax=Decimal("312.50"))
    order = an_order(
        total_amount_excluding_tax=Decimal("1562.5"),
        purchase_order_lines=(a_comment(sequence=30000), second, a_line()),
    )

    assert differing(order, action) == []


@pytest.mark.parametrize(
    ("change", "field", "found"),
    [
        ({"line_object_number": "X"}, "item", "X"),
        ({"quantity": Decimal(41)}, "quantity", pieces(41)),
        ({"direct_unit_cost": Decimal("31.26")}, "unit_cost", eur("31.26")),
        ({"amount_excluding_tax": Decimal(1125)}, "line_total", eur(1125)),
        ({"location_id": EAST}, "location", "EAST"),
        ({"expected_receipt_date": NO_DATE}, "expected_receipt_date", None),
        ({"expected_receipt_date": date(2026, 3, 10)}, "expected_receipt_date", date(2026, 3, 10)),
    ],
)
def test_each_field_of_a_line_is_compared(change, field, found):
    order = an_order(purchase_order_lines=(a_line(**change), a_comment()))

    (check,) = differing(order)

    assert (check.field, check.subject, check.found) == (field, BEARING, found)


@pytest.mark.parametrize(
    ("change", "field", "found"),
    [
        ({"vendor_number": "V-1"}, "vendor", "Nordlager GmbH (V-1)"),
        ({"vendor_name": "Other"}, "vendor", "Other (V-2040)"),
        ({"total_amount_excluding_tax": Decimal(1200)}, "order_total", eur(1200)),
        ({"purchase_order_lines": (a_line(),)}, "reference", None),
        ({"status": "In_x0020_Review"}, "status", "In Review"),
        ({"status": "Open"}, "status", "Released"),
        ({"status": "Something"}, "status", "Something"),
        ({"status": ""}, "status", "unknown"),
    ],
)
def test_each_field_of_the_order_is_compared(change, field, found):
    (check,) = differing(an_order(**change))

    assert (check.field, check.subject, check.found) == (field, "", found)


def test_another_currency_differs_in_every_amount():
    found = differing(an_order(currency_code="USD"))

    assert [(check.field, check.found) for check in found] == [
        ("unit_cost", usd("31.25")),
        ("line_total", usd(1250)),
        ("order_total", usd(1250)),
    ]


def test_a_currency_that_vanished_is_not_taken_for_the_companys_own():
    assert [check.field for check in differing(an_order(currency_code=""))] == [
        "unit_cost",
        "line_total",
        "order_total",
    ]


def test_a_blank_currency_is_the_companys_own_where_none_was_sent():
    facts = some_facts(vendor=a_vendor(currency_code=""), local_currency="EUR")

    assert differing(an_order(currency_code=""), facts=facts) == []


def test_what_was_not_planned_for_a_line_is_left_to_the_erp():
    action = an_order_action(lines=(an_order_line(location=None, expected_receipt_date=None),))

    assert differing(an_order(), action) == []


def test_a_line_that_is_gone_differs_in_all_its_fields():
    found = differing(an_order(purchase_order_lines=(a_comment(),)))

    assert {check.field: check.found for check in found} == dict.fromkeys(
        ["item", "quantity", "unit_cost", "line_total", "location", "expected_receipt_date"]
    )


def test_a_line_that_nobody_planned_is_shown():
    extra = a_line(
        sequence=15000, line_type="Charge", line_object_number="FREIGHT", description="Freight"
    )
    order = an_order(purchase_order_lines=(a_line(), extra, a_comment()))

    assert differing(order) == [
        FieldCheck(field="quantity", subject="FREIGHT Freight", planned=None, found=pieces(40))
    ]


@pytest.mark.parametrize(
    "line",
    [
        a_comment(description=f"Countersign {MARKER}0"),
        a_comment(description=f"Countersign X{MARKER}"),
        a_comment(description=""),
        a_comment(line_type="Item"),
    ],
    ids=["longer", "prefixed", "empty", "no comment"],
)
def test_only_the_whole_marker_in_a_comment_counts(line):
    assert not carries(an_order(purchase_order_lines=(line,)), MARKER)


def test_places_that_the_plan_does_not_name_have_to_be_looked_up():
    plan = order_plan(an_order_action(), some_facts(), company=COMPANY, marker=MARKER)
    sent = read_body(plan.requests[0].body, NewOrder)
    order = an_order(purchase_order_lines=(a_line(), a_line(location_id=EAST), a_comment()))

    assert planned_locations(plan, sent) == {MAIN: "MAIN"}
    assert unplanned_locations(sent, order) == {EAST}


@pytest.mark.parametrize(
    "body",
    [
        '{"vendorNumber":"V","purchaseOrderLines":[],"vendorId":"x"}',
        '{"vendorNumber":"V","purchaseOrderLines":[{"lineType":"Item","receivedQuantity":1}]}',
        '{"vendorNumber":"V","purchaseOrderLines":[{"lineType":"Account"}]}',
        '{"purchaseOrderLines":[]}',
    ],
)
def test_a_body_with_any_other_field_is_not_ours(body):
    with pytest.raises(msgspec.ValidationError):
        read_body(body, NewOrder)
