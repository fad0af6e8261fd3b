"""From what was read to the exact change, without a network."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.plan import Change, Precondition
from decisions.quantity import Quantity, Unit
from erp.business_central.mapping import check_size, order_plan, rounded
from erp.ports import NotPlannableError
from tests.build import an_order_action, an_order_line, eur, pieces, usd
from tests.erp.business_central.facts import COMPANY, a_vendor, an_item, some_facts

MARKER = "CS-7KX2M9QH4T"
BEARING = "1000-B6204 Deep groove bearing 6204"


def plan_of(action=None, facts=None):
    return order_plan(
        action or an_order_action(), facts or some_facts(), company=COMPANY, marker=MARKER
    )


def a_line_of(value, unit, cost):
    return an_order_action(
        lines=(an_order_line(quantity=Quantity(Decimal(value), Unit(unit)), unit_cost=eur(cost)),)
    )


def facts_in(unit):
    return some_facts(items={"1000-B6204": an_item(base_unit_of_measure_code=unit)})


def test_the_request_holds_the_listed_fields_and_the_marker_and_nothing_else():
    (request,) = plan_of().requests

    assert (request.method, request.path) == ("POST", "purchaseOrders")
    assert request.body == (
        '{"vendorNumber":"V-2040","currencyCode":"EUR","requestedReceiptDate":"2026-03-09",'
        '"purchaseOrderLines":[{"lineType":"Item","lineObjectNumber":"1000-B6204",'
        '"locationId":"10ca0000-0000-4000-8000-000000000001","unitOfMeasureCode":"PCS",'
        '"quantity":40,"directUnitCost":31.25,"expectedReceiptDate":"2026-03-09"},'
        '{"lineType":"Comment","description":"Countersign CS-7KX2M9QH4T"}]}'
    )


def test_the_change_reads_line_by_line():
    plan = plan_of()

    assert plan.cost == eur("1250.00")
    assert plan.changes == (
        Change(field="vendor", subject="", before=None, after="Nordlager GmbH (V-2040)"),
        Change(field="item", subject=BEARING, before=None, after="1000-B6204"),
        Change(field="quantity", subject=BEARING, before=None, after=pieces(40)),
        Change(field="unit_cost", subject=BEARING, before=None, after=eur("31.25")),
        Change(field="line_total", subject=BEARING, before=None, after=eur("1250.00")),
        Change(field="location", subject=BEARING, before=None, after="MAIN"),
        Change(
            field="expected_receipt_date", subject=BEARING, before=None, after=date(2026, 3, 9)
        ),
        Change(field="order_total", subject="", before=None, after=eur("1250.00")),
        Change(field="reference", subject="", before=None, after=MARKER),
    )


def test_the_plan_relies_on_vendor_item_price_and_open_orders_and_watches_the_stock():
    assert plan_of().preconditions == (
        Precondition(name="vendor name", subject="V-2040", value="Nordlager GmbH"),
        Precondition(name="vendor blocked", subject="V-2040", value="no"),
        Precondition(name="vendor currency", subject="V-2040", value="EUR"),
        Precondition(name="item blocked", subject="1000-B6204", value="no"),
        Precondition(name="base unit", subject="1000-B6204", value="PCS"),
        Precondition(name="unit cost in the ERP", subject="1000-B6204", value="30.1"),
        Precondition(name="quantity already on order", subject="1000-B6204", value="5"),
        Precondition(name="stock", subject="1000-B6204", value="12", tolerance=Decimal("4.0")),
    )


def test_a_small_order_still_lets_the_stock_move_by_one():
    plan = plan_of(an_order_action(lines=(an_order_line(quantity=pieces(2)),)))

    assert plan.preconditions[-1].tolerance == 1


def test_an_open_quantity_that_could_not_be_read_is_said_and_not_taken_for_none():
    plan = plan_of(facts=some_facts(on_order={"1000-B6204": None}))

    assert plan.preconditions[-2].value == "cannot be read"


def test_a_line_without_location_and_date_sends_neither():
    plan = plan_of(
        an_order_action(lines=(an_order_line(location=None, expected_receipt_date=None),))
    )

    body = json.loads(plan.requests[0].body)
    assert "requestedReceiptDate" not in body
    assert body["purchaseOrderLines"][0] == {
        "lineType": "Item",
        "lineObjectNumber": "1000-B6204",
        "unitOfMeasureCode": "PCS",
        "quantity": 40,
        "directUnitCost": 31.25,
    }


def test_lines_with_different_dates_leave_the_header_without_one():
    plan = plan_of(
        an_order_action(
            lines=(an_order_line(), an_order_line(expected_receipt_date=date(2026, 3, 16)))
        )
    )

    assert "requestedReceiptDate" not in json.loads(plan.requests[0].body)


def test_two_lines_of_one_item_can_be_told_apart():
    plan = plan_of(an_order_action(lines=(an_order_line(), an_order_line(quantity=pieces(10)))))

    assert [change.subject for change in plan.changes if change.field == "quantity"] == [
        BEARING,
        f"{BEARING} (2)",
    ]
    assert plan.preconditions[-1].tolerance == 5


def test_a_vendor_without_a_currency_is_ordered_from_in_the_companys_own():
    facts = some_facts(vendor=a_vendor(currency_code=""), local_currency="EUR")

    plan = plan_of(facts=facts)

    assert "currencyCode" not in json.loads(plan.requests[0].body)
    assert plan.preconditions[2].value == "EUR"


def test_a_quantity_in_another_unit_is_ordered_in_the_one_the_item_is_kept_in():
    plan = plan_of(a_line_of("1.5", "KG", "2000"), facts_in("G"))

    assert plan.changes[2].after == Quantity(Decimal(1500), Unit("G"))
    assert plan.changes[3].after == eur(2)
    assert plan.cost == eur("3000.00")


@pytest.mark.parametrize(
    ("action", "facts", "why"),
    [
        (an_order_action(), some_facts(vendor=None), "knows no vendor V-2040"),
        (an_order_action(), some_facts(items={}), "knows no item 1000-B6204"),
        (an_order_action(), some_facts(locations={}), "knows no location MAIN"),
        (an_order_action(), some_facts(vendor=a_vendor(blocked="All")), "for everything"),
        (an_order_action(), some_facts(vendor=a_vendor(blocked="Payment")), "for payments"),
        (an_order_action(), some_facts(vendor=a_vendor(blocked="Privacy")), "blocked .Privacy."),
        (
            an_order_action(),
            some_facts(items={"1000-B6204": an_item(blocked=True)}),
            "6204 is blocked",
        ),
        (an_order_action(), some_facts(vendor=a_vendor(currency_code="USD")), "Ask for it in USD"),
        (
            an_order_action(lines=(an_order_line(unit_cost=usd(3)),)),
            some_facts(),
            "priced in USD, the order is in EUR",
        ),
        (a_line_of("3", "BOX", "10"), facts_in("PCS"), "cannot be turned into PCS"),
        (a_line_of("0", "PCS", "10"), facts_in("PCS"), "nothing that can be ordered"),
        (a_line_of("-4", "PCS", "10"), facts_in("PCS"), "nothing that can be ordered"),
        (a_line_of("4", "PCS", "-10"), facts_in("PCS"), "nothing that can be ordered"),
        (a_line_of("NaN", "PCS", "10"), facts_in("PCS"), "nothing that can be ordered"),
        (a_line_of("1e20", "PCS", "10"), facts_in("PCS"), "nothing that can be ordered"),
        (a_line_of("0.000001", "KG", "10"), facts_in("KG"), "with 5 decimal places in KG"),
        (a_line_of("3", "LB", "10"), facts_in("KG"), "with 5 decimal places in KG"),
    ],
)
def test_what_cannot_be_ordered_is_said_in_words(action, facts, why):
    with pytest.raises(NotPlannableError, match=why):
        plan_of(action, facts)


@pytest.mark.parametrize("lines", [0, 101])
def test_an_order_without_lines_or_with_too_many_is_not_read_for(lines):
    with pytest.raises(NotPlannableError, match="lines"):
        check_size(an_order_action(lines=(an_order_line(),) * lines))


@pytest.mark.parametrize(
    ("amount", "shown"), [("0.375", "0.38"), ("0.374", "0.37"), ("-0.375", "-0.38")]
)
def test_amounts_are_rounded_as_the_erp_rounds_them(amount, shown):
    assert rounded(eur(amount)) == eur(shown)


def test_a_currency_without_cents_is_rounded_to_whole_ones():
    yen = replace(eur("0.5"), currency="JPY")

    assert rounded(yen).amount == 1


@given(
    quantity=st.decimals(min_value="0.00001", max_value=10**9, places=5),
    cost=st.decimals(min_value=0, max_value=10**9, places=5),
)
def test_numbers_reach_the_request_exactly(quantity, cost):
    plan = plan_of(a_line_of(quantity, "PCS", cost))

    line = json.loads(plan.requests[0].body, parse_float=Decimal)["purchaseOrderLines"][0]
    assert (Decimal(line["quantity"]), Decimal(line["directUnitCost"])) == (quantity, cost)
    assert plan_of(a_line_of(quantity.normalize(), "PCS", cost.normalize())).hash == plan.hash
