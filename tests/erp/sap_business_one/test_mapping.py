"""From what was read to the exact change, without a network."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.plan import Change, Precondition
from decisions.quantity import Quantity, Unit
from erp.ports import NotPlannableError
from erp.sap_business_one.entities import new_draft_in
from erp.sap_business_one.mapping import check_size, order_plan
from tests.build import an_order_action, an_order_line, eur, pieces, usd
from tests.erp.sap_business_one.facts import COMPANY, a_vendor, an_item, some_facts

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


def facts_in(unit, **overrides):
    return some_facts(items={"1000-B6204": an_item(inventory_uom=unit, **overrides)})


def test_the_request_holds_the_listed_fields_and_the_marker_and_nothing_else():
    (request,) = plan_of().requests

    assert (request.method, request.path) == ("POST", "Drafts")
    assert request.body == (
        '{"DocObjectCode":"oPurchaseOrders","DocType":"dDocument_Items","CardCode":"V-2040",'
        '"DocCurrency":"EUR","NumAtCard":"CS-7KX2M9QH4T","DocDueDate":"2026-03-09",'
        '"DocumentLines":[{"ItemCode":"1000-B6204","Quantity":40,"UseBaseUnits":"tYES",'
        '"UnitPrice":31.25,"WarehouseCode":"MAIN","ShipDate":"2026-03-09"}]}'
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


def test_it_relies_on_what_was_read():
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


def test_what_is_on_order_and_cannot_be_read_is_said_so():
    plan = plan_of(facts=some_facts(on_order={"1000-B6204": None}))

    (on_order,) = [one for one in plan.preconditions if one.name == "quantity already on order"]
    assert on_order.value == "cannot be read"


def test_the_same_item_twice_is_two_lines_with_two_names():
    line = an_order_line()
    later = replace(line, expected_receipt_date=date(2026, 3, 20))

    plan = plan_of(an_order_action(lines=(line, later)))

    quantities = [one.subject for one in plan.changes if one.field == "quantity"]
    assert quantities == [BEARING, f"{BEARING} (2)"]
    assert new_draft_in(plan.requests[0].body).doc_due_date == date(2026, 3, 20)


def test_an_order_in_another_unit_is_written_in_the_unit_of_the_stock():
    plan = plan_of(a_line_of("1.5", "KG", "31.25"), facts_in("g"))

    (line,) = new_draft_in(plan.requests[0].body).document_lines
    assert (line.quantity, line.unit_price) == (Decimal(1500), Decimal("0.03125"))
    assert plan.cost == eur("46.88")


def test_a_vendor_of_any_currency_is_ordered_from_in_the_one_asked_for():
    plan = plan_of(facts=some_facts(vendor=a_vendor(currency="##")))

    assert new_draft_in(plan.requests[0].body).doc_currency == "EUR"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (some_facts(vendor=None), "knows no vendor V-2040"),
        (some_facts(vendor=a_vendor(card_type="cCustomer")), "knows no vendor V-2040"),
        (some_facts(vendor=a_vendor(frozen="tYES")), "is blocked in SAP Business One"),
        (some_facts(vendor=a_vendor(valid="tNO")), "is blocked in SAP Business One"),
        (some_facts(vendor=a_vendor(currency="USD")), "is ordered from in USD"),
        (some_facts(vendor=a_vendor(currency=None), local_currency="CHF"), "ordered from in CHF"),
        (some_facts(items={}), "knows no item 1000-B6204"),
        (facts_in("pcs", frozen="tYES"), "6204 is blocked in SAP Business One"),
        (facts_in("pcs", uom_group_entry=3), "group of units of measure"),
        (facts_in(None), "names no inventory unit"),
        (facts_in("box"), "cannot be turned into BOX"),
        (some_facts(warehouses={}), "knows no warehouse MAIN"),
    ],
)
def test_a_fact_that_does_not_allow_it_is_named(facts, why):
    with pytest.raises(NotPlannableError, match=why):
        plan_of(facts=facts)


def test_a_warehouse_that_is_not_active_takes_no_order():
    facts = some_facts()
    closed = msgspec.structs.replace(facts.warehouses["MAIN"], inactive="tYES")

    with pytest.raises(NotPlannableError, match="MAIN is not active"):
        plan_of(facts=replace(facts, warehouses={"MAIN": closed}))


@pytest.mark.parametrize(
    ("value", "cost", "why"),
    [
        ("0", "1", "nothing that can be ordered"),
        ("-1", "1", "nothing that can be ordered"),
        ("NaN", "1", "nothing that can be ordered"),
        ("1", "-0.01", "nothing that can be ordered"),
        ("1000000001", "1", "nothing that can be ordered"),
        ("0.0000001", "1", "cannot be written with 6 decimal places"),
        ("1", "0.0000001", "cannot be written with 6 decimal places"),
    ],
)
def test_what_nobody_can_order_is_refused(value, cost, why):
    with pytest.raises(NotPlannableError, match=why):
        plan_of(a_line_of(value, "PCS", cost))


def test_a_line_in_another_currency_than_its_order_is_refused():
    action = an_order_action(lines=(an_order_line(unit_cost=usd("31.25")),))

    with pytest.raises(NotPlannableError, match="priced in USD, the order is in EUR"):
        plan_of(action)


def test_too_many_lines_are_refused():
    with pytest.raises(NotPlannableError, match="101 lines; 100 is the most"):
        check_size(an_order_action(lines=(an_order_line(),) * 101))


@given(
    value=st.decimals(min_value="0.001", max_value="100000", places=3),
    cost=st.decimals(min_value="0", max_value="10000", places=4),
)
def test_what_is_sent_is_what_the_card_says_to_the_last_digit(value, cost):
    plan = plan_of(a_line_of(value, "PCS", cost))

    (line,) = new_draft_in(plan.requests[0].body).document_lines
    shown = {one.field: one.after for one in plan.changes}
    assert (line.quantity, line.unit_price) == (value, cost)
    assert (shown["quantity"].value, shown["unit_cost"].amount) == (value, cost)
