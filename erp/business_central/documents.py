"""Changes to a purchase order that stands: what is sent, and everything that it relies on.

Quantity, another line and deleting need a draft: Business Central tests it (microsoft/BCApps,
PurchaseLine.Table.al, TestStatusOpen). A receipt date is not on that list, so it can be moved on a
released order too. Whatever is neither, or has a status that we do not know, is left alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from decisions.actions import (
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.canonical import decimal_text
from decisions.money import Currency, Money
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from decisions.quantity import Quantity, Unit, UnitMismatchError, factor_between
from erp.business_central.entities import (
    NO_DATE,
    AddedLine,
    LineChange,
    PurchaseOrder,
    PurchaseOrderLine,
    body_of,
)
from erp.business_central.mapping import (
    CONNECTOR,
    ORDERS,
    PLACES,
    PlannedLine,
    comment_of,
    line_changes,
    rounded,
    vendor_text,
)
from erp.business_central.statuses import DRAFT, RELEASED, status_of
from erp.ports import NotPlannableError

DELETED: Final = "Deleted"
STEP: Final = 10_000
"""Between the sequence numbers of two lines, as the client leaves it."""

LINES: Final = "purchaseOrderLines"

_MARK: Final = re.compile(r"Countersign (CS-[0-9A-Z]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An order as it was read, and the currency of its amounts."""

    order: PurchaseOrder
    currency: Currency

    def money(self, amount: Decimal) -> Money:
        """Return an amount of the order."""
        return Money(amount, self.currency)

    @property
    def status(self) -> str:
        """Return the status in the words of the client."""
        return status_of(self.order)

    @property
    def path(self) -> str:
        """Return where it is, inside the company."""
        return f"{ORDERS}({self.order.id})"


def line_at(order: PurchaseOrder, sequence: int) -> PurchaseOrderLine | None:
    """Return the line with this number."""
    return next((line for line in order.purchase_order_lines if line.sequence == sequence), None)


def name_of(line: PurchaseOrderLine, order: PurchaseOrder) -> str:
    """Return a line as it reads on the card; with its number where two read the same."""
    name = _plain_name(line)
    same = [other for other in order.purchase_order_lines if _plain_name(other) == name]
    return name if name and len(same) == 1 else f"{name} (line {line.sequence})".strip()


def _plain_name(line: PurchaseOrderLine) -> str:
    return f"{line.line_object_number} {line.description}".strip()


def document_of(order: PurchaseOrder) -> str:
    """Return an order as it reads on the card."""
    return f"{order.number}, {vendor_text(order.vendor_number, order.vendor_name)}"


def order_facts(standing: Standing) -> Iterator[Precondition]:
    """Return what every change of an order relies on."""
    order = standing.order
    yield Precondition(name="status", subject=order.number, value=standing.status)
    yield Precondition(name="vendor", subject=order.number, value=order.vendor_number)


def total_fact(standing: Standing) -> Precondition:
    """Return what a change of the total relies on."""
    order = standing.order
    total = decimal_text(order.total_amount_excluding_tax)
    return Precondition(name="order total", subject=order.number, value=total)


def line_facts(line: PurchaseOrderLine, order: PurchaseOrder) -> Iterator[Precondition]:
    """Return what the change of a line relies on; header tags do not move with it."""
    own = name_of(line, order)
    yield Precondition(name="item", subject=own, value=line.line_object_number)
    yield Precondition(name="unit", subject=own, value=line.unit_of_measure_code)
    yield Precondition(name="quantity", subject=own, value=decimal_text(line.quantity))
    yield Precondition(
        name="quantity received", subject=own, value=decimal_text(line.received_quantity)
    )
    yield Precondition(name="unit cost", subject=own, value=decimal_text(line.direct_unit_cost))
    day = day_of(line)
    yield Precondition(
        name="expected receipt date", subject=own, value=day.isoformat() if day else ""
    )


def day_of(line: PurchaseOrderLine) -> date | None:
    """Return when a line is expected."""
    return None if line.expected_receipt_date == NO_DATE else line.expected_receipt_date


def edit_plan(
    action: SetPurchaseOrderQuantity | SetReceiptDate | CancelDraftPurchaseOrder,
    standing: Standing,
    *,
    company: str,
    marker: str,
) -> WritePlan:
    """Build the change of an order as it stands.

    Raises:
        NotPlannableError: the order does not allow it; the text says why.
    """
    match action:
        case SetPurchaseOrderQuantity():
            return _quantity_plan(action, standing, company=company, marker=marker)
        case SetReceiptDate():
            return _date_plan(action, standing, company=company, marker=marker)
        case CancelDraftPurchaseOrder():
            return _cancel_plan(action, standing, company=company, marker=marker)


def _quantity_plan(
    action: SetPurchaseOrderQuantity, standing: Standing, *, company: str, marker: str
) -> WritePlan:
    """Build the change of a quantity on a draft.

    Raises:
        NotPlannableError: no draft, no such line, or not a quantity for it.
    """
    _must_be(standing, DRAFT)
    line = _item_line(standing, action.line)
    own = name_of(line, standing.order)
    unit = Unit(line.unit_of_measure_code)
    factor = factor_between(action.quantity.unit, unit)
    if factor is None:
        raise NotPlannableError(f"{own}: {UnitMismatchError(action.quantity, unit)}")
    value = action.quantity.value * factor
    if value <= 0 or value < line.received_quantity or value != round(value, PLACES):
        raise NotPlannableError(f"{own}: {action.quantity} is nothing that can be ordered there.")
    if value == line.quantity:
        raise NotPlannableError(f"{own} says {action.quantity} already.")
    value = Decimal(decimal_text(value))
    before = standing.money(line.amount_excluding_tax)
    after = rounded(standing.money(line.direct_unit_cost * value))
    changes = (
        *_document(standing),
        Change(
            field="quantity",
            subject=own,
            before=Quantity(line.quantity, unit),
            after=Quantity(value, unit),
        ),
        Change(field="line_total", subject=own, before=before, after=after),
        _total(standing, after.amount - before.amount),
    )
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(_patch(standing, line, LineChange(quantity=value)),),
        preconditions=(
            *order_facts(standing),
            total_fact(standing),
            *line_facts(line, standing.order),
        ),
        changes=changes,
        cost=standing.money(max(Decimal(0), after.amount - before.amount)),
    )


def _date_plan(
    action: SetReceiptDate, standing: Standing, *, company: str, marker: str
) -> WritePlan:
    """Build the change of a receipt date.

    Raises:
        NotPlannableError: neither a draft nor released, no such line, or all of it is there.
    """
    _must_be(standing, DRAFT, RELEASED)
    line = _item_line(standing, action.line)
    own = name_of(line, standing.order)
    if line.received_quantity >= line.quantity:
        raise NotPlannableError(f"{own} was received already.")
    if day_of(line) == action.expected_receipt_date:
        raise NotPlannableError(f"{own} is expected on {action.expected_receipt_date} already.")
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(
            _patch(standing, line, LineChange(expected_receipt_date=action.expected_receipt_date)),
        ),
        preconditions=(*order_facts(standing), *line_facts(line, standing.order)),
        changes=(
            *_document(standing),
            Change(
                field="expected_receipt_date",
                subject=own,
                before=day_of(line),
                after=action.expected_receipt_date,
            ),
        ),
        cost=None,
    )


def line_plan(
    standing: Standing,
    line: PlannedLine,
    relies_on: tuple[Precondition, ...],
    *,
    company: str,
    marker: str,
) -> WritePlan:
    """Build one more line for a draft; its sequence is a key, so that it cannot be added twice.

    Raises:
        NotPlannableError: no draft, or it carries the line already.
    """
    _must_be(standing, DRAFT)
    if added_line(standing.order, marker) is not None:
        raise NotPlannableError(f"{standing.order.number} carries this line already.")
    if line.unit_cost.currency != standing.currency:
        raise NotPlannableError(
            f"{standing.order.number} is in {standing.currency}, the line in "
            f"{line.unit_cost.currency}."
        )
    last = max((one.sequence for one in standing.order.purchase_order_lines), default=0)
    added = AddedLine(
        sequence=last + STEP,
        line_object_number=line.item.number,
        description2=comment_of(marker),
        location_id=line.location.id if line.location else None,
        unit_of_measure_code=line.quantity.unit,
        quantity=line.quantity.value,
        direct_unit_cost=line.unit_cost.amount,
        expected_receipt_date=line.expected,
    )
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(
            PlannedRequest(method="POST", path=f"{standing.path}/{LINES}", body=body_of(added)),
        ),
        preconditions=(*order_facts(standing), total_fact(standing), *relies_on),
        changes=(
            *_document(standing),
            *line_changes(line),
            _total(standing, line.total.amount),
            Change(field="reference", subject="", before=None, after=marker),
        ),
        cost=line.total,
    )


def _cancel_plan(
    action: CancelDraftPurchaseOrder, standing: Standing, *, company: str, marker: str
) -> WritePlan:
    """Build the deletion of a draft of which nothing was received.

    Raises:
        NotPlannableError: no draft, or something was received.
    """
    _must_be(standing, DRAFT)
    lines = [line for line in standing.order.purchase_order_lines if line.line_type != "Comment"]
    if any(line.received_quantity for line in lines):
        raise NotPlannableError(f"Of {action.document} something was received already.")
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(PlannedRequest(method="DELETE", path=standing.path, body=""),),
        preconditions=(
            *order_facts(standing),
            total_fact(standing),
            *(fact for line in lines for fact in line_facts(line, standing.order)),
        ),
        changes=(
            *_document(standing),
            *(
                Change(
                    field="quantity",
                    subject=name_of(line, standing.order),
                    before=Quantity(line.quantity, Unit(line.unit_of_measure_code)),
                    after=None,
                )
                for line in lines
            ),
            Change(field="status", subject="", before=DRAFT, after=DELETED),
            Change(
                field="order_total",
                subject="",
                before=standing.money(standing.order.total_amount_excluding_tax),
                after=None,
            ),
        ),
        cost=None,
    )


def added_line(order: PurchaseOrder, marker: str) -> PurchaseOrderLine | None:
    """Return the line that carries the marker in its second text."""
    return next(
        (line for line in order.purchase_order_lines if marker in line.description2.split()), None
    )


def marks_of(order: PurchaseOrder) -> tuple[str, ...]:
    """Return the marks that an order carries, on comments and on lines; each once."""
    texts = (
        line.description if line.line_type == "Comment" else line.description2
        for line in order.purchase_order_lines
    )
    found = (_MARK.fullmatch(text.strip()) for text in texts)
    return tuple(dict.fromkeys(one[1] for one in found if one))


def _must_be(standing: Standing, *allowed: str) -> None:
    if standing.status not in allowed:
        wanted = " or ".join(one.lower() for one in allowed)
        raise NotPlannableError(
            f"{standing.order.number} is “{standing.status}” in Business Central; this can "
            f"be done while it is {wanted}."
        )


def _item_line(standing: Standing, sequence: int) -> PurchaseOrderLine:
    line = line_at(standing.order, sequence)
    if line is None or line.line_type != "Item":
        raise NotPlannableError(f"{standing.order.number} has no item on line {sequence}.")
    return line


def _document(standing: Standing) -> tuple[Change, ...]:
    name = document_of(standing.order)
    return (Change(field="document", subject="", before=None, after=name),)


def _total(standing: Standing, more: Decimal) -> Change:
    before = standing.order.total_amount_excluding_tax
    return Change(
        field="order_total",
        subject="",
        before=standing.money(before),
        after=standing.money(before + more),
    )


def _patch(standing: Standing, line: PurchaseOrderLine, change: LineChange) -> PlannedRequest:
    return PlannedRequest(
        method="PATCH", path=f"{standing.path}/{LINES}({line.id})", body=body_of(change)
    )
