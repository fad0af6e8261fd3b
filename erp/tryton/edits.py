"""Between our records and Tryton's for a purchase that is there: what may change, and how."""

from collections.abc import Iterator
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
from decisions.plan import Change, PlannedRequest, Precondition, Value, WritePlan
from decisions.quantity import Quantity
from erp.ports import NotPlannableError
from erp.tryton.calls import (
    CANCEL,
    MOVE,
    WRITE,
    Call,
    Cancel,
    EditedLines,
    EditLine,
    LineValues,
    Move,
    MovedDate,
    Write,
    body_of,
)
from erp.tryton.entities import Day, Line, Purchase
from erp.tryton.mapping import CONNECTOR, named, rounded, unit_of, usable_quantity

DRAFT: Final = "Draft"
CANCELLED: Final = "Cancelled"
RELEASED: Final = "Released"

STATUS: Final = {
    "draft": DRAFT,
    "quotation": "In Review",
    "confirmed": RELEASED,
    "processing": RELEASED,
    "done": "Done",
    "cancelled": CANCELLED,
}
"""Tryton's states in our words. Any other is shown as it is, and is never taken for a draft."""


def status_of(purchase: Purchase) -> str:
    """Return the state of a purchase in our words."""
    return STATUS.get(purchase.state, purchase.state or "unknown")


def quantity_plan(
    action: SetPurchaseOrderQuantity, purchase: Purchase, *, company: str, marker: str
) -> WritePlan:
    """Build the call that gives a line of a draft another quantity.

    Raises:
        NotPlannableError: no draft, no such line, or a quantity that cannot be written.
    """
    _draft_only(purchase, "another quantity")
    line = _line(purchase, action.line)
    before = quantity_of(line)
    if before is None or line.unit is None:
        raise NotPlannableError(f"{line.subject} has no quantity in Tryton.")
    after = usable_quantity(action.quantity, line.unit, line.subject)
    if after == before:
        raise NotPlannableError(f"{line.subject} stands at {before} already.")
    price = line.unit_price.value if line.unit_price else Decimal(0)
    old_total = line_total(line, purchase)
    new_total = rounded(after.value * price, purchase.currency)
    old_sum = order_total(purchase)
    own = line.subject
    return _plan(
        WRITE,
        _edited(purchase, line, LineValues(quantity=after.value)),
        company=company,
        marker=marker,
        preconditions=tuple(_relied_on(purchase, line)),
        changes=(
            Change(field="quantity", subject=own, before=before, after=after),
            Change(field="line_total", subject=own, before=old_total, after=new_total),
            Change(
                field="order_total",
                subject="",
                before=old_sum,
                after=old_sum - old_total + new_total,
            ),
        ),
    )


def date_plan(
    action: SetReceiptDate, purchase: Purchase, *, company: str, marker: str
) -> WritePlan:
    """Build the call that moves a receipt: on the line of a draft, on the stock move of a release.

    Raises:
        NotPlannableError: neither a draft nor something of which a delivery is to come.
    """
    line = _line(purchase, action.line)
    before, after = receipt_date(line), action.expected_receipt_date
    if after == before:
        raise NotPlannableError(f"{line.subject} is expected on that day already.")
    values = LineValues(delivery_date_edit=True, delivery_date_store=Day.of(after))
    in_draft = status_of(purchase) == DRAFT
    return _plan(
        WRITE if in_draft else MOVE,
        _edited(purchase, line, values) if in_draft else _moved(purchase, line, after),
        company=company,
        marker=marker,
        preconditions=tuple(_relied_on(purchase, line)),
        changes=(
            Change(
                field="expected_receipt_date", subject=line.subject, before=before, after=after
            ),
        ),
    )


def cancel_plan(
    action: CancelDraftPurchaseOrder, purchase: Purchase, *, company: str, marker: str
) -> WritePlan:
    """Build the call that cancels a draft; Tryton keeps it, and shows it as cancelled.

    Raises:
        NotPlannableError: it is no draft.
    """
    _draft_only(purchase, f"cancelling {action.document}")
    return _plan(
        CANCEL,
        Cancel((purchase.id,)),
        company=company,
        marker=marker,
        preconditions=(
            *_relied_on(purchase),
            Precondition(
                name="order total",
                subject=purchase.document,
                value=str(order_total(purchase)),
            ),
            *(
                one
                for line in purchase.item_lines
                for one in _line_relied_on(line, f"line {line.id}")
            ),
        ),
        changes=(Change(field="status", subject="", before=DRAFT, after=CANCELLED),),
    )


def quantity_of(line: Line) -> Quantity | None:
    """Return what a line orders."""
    if line.quantity is None or line.unit is None:
        return None
    return Quantity(Decimal(decimal_text(line.quantity)), unit_of(line.unit))


def receipt_date(line: Line) -> date | None:
    """Return when a line is expected: by its move where there is one to come, else by itself."""
    if line.moves:
        days = [move.planned_date for move in line.incoming if move.planned_date]
        return min((day.value for day in days), default=None)
    return line.delivery_date.value if line.delivery_date else None


def line_total(line: Line, purchase: Purchase) -> Money:
    """Return the amount of a line, without taxes."""
    return Money(
        line.amount.value if line.amount else Decimal(0), Currency(purchase.currency.code)
    )


def order_total(purchase: Purchase) -> Money:
    """Return the amount of a purchase, without taxes."""
    return Money(purchase.untaxed_amount.value, Currency(purchase.currency.code))


def found_in(purchase: Purchase, line: Line | None) -> dict[tuple[str, str], Value]:
    """Return how a purchase and one of its lines stand, by field and subject of a change."""
    stands: dict[tuple[str, str], Value] = {
        ("status", ""): status_of(purchase),
        ("order_total", ""): order_total(purchase),
    }
    if line is not None:
        own = line.subject
        stands["quantity", own] = quantity_of(line)
        stands["line_total", own] = line_total(line, purchase)
        stands["expected_receipt_date", own] = receipt_date(line)
    return stands


def _plan(
    method: str,
    call: Call,
    *,
    company: str,
    marker: str,
    preconditions: tuple[Precondition, ...],
    changes: tuple[Change, ...],
) -> WritePlan:
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(PlannedRequest(method="POST", path=method, body=body_of(call)),),
        preconditions=preconditions,
        changes=changes,
        cost=None,
    )


def _draft_only(purchase: Purchase, what: str) -> None:
    status = status_of(purchase)
    if status != DRAFT:
        raise NotPlannableError(
            f"Purchase {purchase.document} is {status.lower()} in Tryton, and {what} is only "
            "possible while it is a draft."
        )


def _line(purchase: Purchase, number: int) -> Line:
    for line in purchase.item_lines:
        if line.id == number:
            return line
    raise NotPlannableError(f"Purchase {purchase.document} has no line {number} in Tryton.")


def _edited(purchase: Purchase, line: Line, values: LineValues) -> Write:
    return Write((purchase.id,), EditedLines(lines=(EditLine((line.id,), values),)))


def _moved(purchase: Purchase, line: Line, after: date) -> Move:
    """Return the call for the one delivery that is still to come.

    Raises:
        NotPlannableError: none, several, or one that already lies in a shipment.
    """
    if len(line.incoming) != 1:
        raise NotPlannableError(
            f"{line.subject} of purchase {purchase.document} has {len(line.incoming)} deliveries "
            "still to come in Tryton, so there is no one date to move."
        )
    (move,) = line.incoming
    if move.shipment:
        raise NotPlannableError(
            f"{line.subject} of purchase {purchase.document} is already in a supplier shipment, "
            "which has a date of its own. Change it there."
        )
    return Move((move.id,), MovedDate(planned_date=Day.of(after)))


def _relied_on(purchase: Purchase, line: Line | None = None) -> Iterator[Precondition]:
    own = purchase.document
    yield Precondition(
        name="vendor", subject=own, value=named(purchase.party.code, purchase.party.name)
    )
    yield Precondition(name="status", subject=own, value=status_of(purchase))
    if line is not None:
        yield from _line_relied_on(line, line.subject)


def _line_relied_on(line: Line, subject: str) -> Iterator[Precondition]:
    day = receipt_date(line)
    price = line.unit_price
    for name, value in (
        ("item", line.product.code if line.product else None),
        ("quantity", quantity_of(line)),
        ("unit cost", decimal_text(price.value) if price else None),
        ("expected receipt date", day),
    ):
        yield Precondition(name=name, subject=subject, value=str(value or "none"))
