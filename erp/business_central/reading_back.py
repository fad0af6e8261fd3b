"""Hold an order as it stands against the plan that was approved, field by field."""

from collections.abc import Iterator, Mapping
from datetime import date
from uuid import UUID

from decisions.money import Currency, Money
from decisions.plan import Value, WritePlan
from decisions.quantity import Quantity, Unit
from decisions.recommendation import FieldCheck
from erp.business_central.entities import (
    NO_DATE,
    NO_ID,
    ItemLine,
    NewOrder,
    PurchaseOrder,
    PurchaseOrderLine,
)
from erp.business_central.mapping import vendor_text
from erp.business_central.statuses import DRAFT, status_of


def carries(order: PurchaseOrder, marker: str) -> bool:
    """Tell whether a comment line of the order holds the marker as a whole word."""
    return any(
        line.line_type == "Comment" and marker in line.description.split()
        for line in order.purchase_order_lines
    )


def checks(
    plan: WritePlan,
    sent: NewOrder,
    order: PurchaseOrder,
    location_codes: Mapping[UUID, str],
) -> tuple[FieldCheck, ...]:
    """Return one check per planned field, one for the status, and one per line nobody planned.

    Lines are paired in their order; the planned subjects are those of the plan's changes.
    """
    currency = _currency(plan, sent, order)
    subjects = list(dict.fromkeys(change.subject for change in plan.changes if change.subject))
    stands = sorted(_item_lines(order), key=lambda line: line.sequence)
    found: dict[tuple[str, str], Value] = dict(_header(plan, order, currency))
    for subject, planned, line in zip(subjects, sent.item_lines, stands, strict=False):
        found |= {
            (field, subject): value
            for field, value in _line(planned, line, currency, location_codes)
        }
    planned_fields = (
        FieldCheck(
            field=change.field,
            subject=change.subject,
            planned=change.after,
            found=found.get((change.field, change.subject)),
        )
        for change in plan.changes
    )
    return (
        *planned_fields,
        FieldCheck(field="status", subject="", planned=DRAFT, found=status_of(order)),
        *(
            FieldCheck(
                field="quantity",
                subject=f"{line.line_object_number} {line.description}".strip(),
                planned=None,
                found=Quantity(line.quantity, Unit(line.unit_of_measure_code)),
            )
            for line in stands[len(subjects) :]
        ),
    )


def unplanned_locations(sent: NewOrder, order: PurchaseOrder) -> frozenset[UUID]:
    """Return the places on the order that the plan does not name."""
    planned = {line.location_id for line in sent.item_lines}
    return frozenset(line.location_id for line in _item_lines(order)) - planned - {NO_ID}


def planned_locations(plan: WritePlan, sent: NewOrder) -> dict[UUID, str]:
    """Return the codes of the places that the plan names."""
    codes = {
        change.subject: change.after
        for change in plan.changes
        if change.field == "location" and isinstance(change.after, str)
    }
    subjects = dict.fromkeys(change.subject for change in plan.changes if change.subject)
    return {
        line.location_id: codes[subject]
        for subject, line in zip(subjects, sent.item_lines, strict=True)
        if line.location_id is not None and subject in codes
    }


def _item_lines(order: PurchaseOrder) -> Iterator[PurchaseOrderLine]:
    """Return every line that commits to something: all but the comments."""
    return (line for line in order.purchase_order_lines if line.line_type != "Comment")


def _currency(plan: WritePlan, sent: NewOrder, order: PurchaseOrder) -> Currency:
    """Return the order's currency; a blank one is right only where none was sent."""
    if order.currency_code:
        return Currency(order.currency_code)
    if sent.currency_code is None and plan.cost is not None:
        return plan.cost.currency
    return Currency("???")


def _header(
    plan: WritePlan, order: PurchaseOrder, currency: Currency
) -> Iterator[tuple[tuple[str, str], Value]]:
    yield ("vendor", ""), vendor_text(order.vendor_number, order.vendor_name)
    yield ("order_total", ""), Money(order.total_amount_excluding_tax, currency)
    yield ("reference", ""), plan.marker if carries(order, plan.marker) else None


def _line(
    planned: ItemLine,
    line: PurchaseOrderLine,
    currency: Currency,
    location_codes: Mapping[UUID, str],
) -> Iterator[tuple[str, Value]]:
    yield "item", line.line_object_number
    yield "quantity", Quantity(line.quantity, Unit(line.unit_of_measure_code))
    yield "unit_cost", Money(line.direct_unit_cost, currency)
    yield "line_total", Money(line.amount_excluding_tax, currency)
    if planned.location_id is not None:
        yield "location", location_codes.get(line.location_id)
    if planned.expected_receipt_date is not None:
        yield "expected_receipt_date", _day(line.expected_receipt_date)


def _day(day: date) -> date | None:
    return None if day == NO_DATE else day
