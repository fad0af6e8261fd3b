"""Between our records and Tryton's for a purchase that is there: what may change, and how."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from decisions.actions import SetPurchaseOrderQuantity, SetReceiptDate
from decisions.canonical import decimal_text
from decisions.money import Currency, Money
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
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
    """Build the call that gives a line of a draft another quantity; its price stays.

    Raises:
        NotPlannableError: no draft, no such line, or a quantity that cannot be written.
    """
    must_be(purchase, DRAFT)
    line = _line(purchase, action.line)
    own = name_of(line, purchase)
    before = quantity_of(line)
    if before is None or line.unit is None:
        raise NotPlannableError(f"{own} has no quantity in Tryton.")
    after = usable_quantity(action.quantity, line.unit, own)
    if after == before:
        raise NotPlannableError(f"{own} says {before} already.")
    price = line.unit_price.value if line.unit_price else Decimal(0)
    old, new = line_total(line, purchase), rounded(after.value * price, purchase.currency)
    stood = order_total(purchase)
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(request_of(WRITE, _edited(purchase, line, LineValues(quantity=after.value))),),
        preconditions=facts_of(purchase, line),
        changes=(
            document_change(purchase),
            Change(field="quantity", subject=own, before=before, after=after),
            Change(field="line_total", subject=own, before=old, after=new),
            Change(field="order_total", subject="", before=stood, after=stood - old + new),
        ),
        cost=Money(max(Decimal(0), new.amount - old.amount), new.currency),
    )


def date_plan(
    action: SetReceiptDate, purchase: Purchase, *, company: str, marker: str
) -> WritePlan:
    """Build the call that moves a receipt: on the line of a draft, on the stock move of a release.

    Raises:
        NotPlannableError: neither a draft nor something of which a delivery is to come.
    """
    must_be(purchase, DRAFT, RELEASED)
    line = _line(purchase, action.line)
    own = name_of(line, purchase)
    before, after = receipt_date(line), action.expected_receipt_date
    if after == before:
        raise NotPlannableError(f"{own} is expected on {after} already.")
    values = LineValues(delivery_date_edit=True, delivery_date_store=Day.of(after))
    in_draft = status_of(purchase) == DRAFT
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(
            request_of(WRITE, _edited(purchase, line, values))
            if in_draft
            else request_of(MOVE, _moved(line, own, after)),
        ),
        preconditions=facts_of(purchase, line),
        changes=(
            document_change(purchase),
            Change(field="expected_receipt_date", subject=own, before=before, after=after),
        ),
        cost=None,
    )


def cancel_plan(purchase: Purchase, *, company: str, marker: str) -> WritePlan:
    """Build the call that cancels a draft; Tryton keeps it, and shows it as cancelled.

    Raises:
        NotPlannableError: it is no draft.
    """
    must_be(purchase, DRAFT)
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(request_of(CANCEL, Cancel((purchase.id,))),),
        preconditions=facts_of(purchase, *purchase.item_lines),
        changes=(
            document_change(purchase),
            *(
                Change(
                    field="quantity",
                    subject=name_of(line, purchase),
                    before=quantity_of(line),
                    after=None,
                )
                for line in purchase.item_lines
            ),
            Change(field="status", subject="", before=DRAFT, after=CANCELLED),
            Change(field="order_total", subject="", before=order_total(purchase), after=None),
        ),
        cost=None,
    )


def facts_of(purchase: Purchase, *lines: Line) -> tuple[Precondition, ...]:
    """Return what a change of a purchase relies on; its own time stamp does not tell it all."""
    own = purchase.document
    return (
        Precondition(name="status", subject=own, value=status_of(purchase)),
        Precondition(name="vendor", subject=own, value=purchase.party.code or ""),
        Precondition(
            name="order total", subject=own, value=decimal_text(order_total(purchase).amount)
        ),
        *(fact for line in lines for fact in _line_facts(line, purchase)),
    )


def name_of(line: Line, purchase: Purchase) -> str:
    """Return a line as it reads on the card; with its id where two read the same."""
    same = [other for other in purchase.item_lines if other.subject == line.subject]
    return line.subject if len(same) == 1 else f"{line.subject} (line {line.id})"


def document_text(purchase: Purchase) -> str:
    """Return a purchase as it reads on the card."""
    return f"{purchase.document}, {named(purchase.party.code, purchase.party.name)}"


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


def must_be(purchase: Purchase, *allowed: str) -> None:
    """Refuse a purchase in another state.

    Raises:
        NotPlannableError: its status is none of these.
    """
    status = status_of(purchase)
    if status not in allowed:
        wanted = " or ".join(one.lower() for one in allowed)
        raise NotPlannableError(
            f"Purchase {purchase.document} is “{status}” in Tryton; this can be done while it is "
            f"{wanted}."
        )


def _line(purchase: Purchase, number: int) -> Line:
    for line in purchase.item_lines:
        if line.id == number:
            return line
    raise NotPlannableError(f"Purchase {purchase.document} has no line {number} in Tryton.")


def request_of(method: str, call: Call) -> PlannedRequest:
    """Return a call as a plan keeps it."""
    return PlannedRequest(method="POST", path=method, body=body_of(call))


def _edited(purchase: Purchase, line: Line, values: LineValues) -> Write:
    return Write((purchase.id,), EditedLines(lines=(EditLine((line.id,), values),)))


def _moved(line: Line, own: str, after: date) -> Move:
    """Return the call for the one delivery that is still to come.

    Raises:
        NotPlannableError: none, several, or one that already lies in a shipment.
    """
    if len(line.incoming) != 1:
        raise NotPlannableError(
            f"{own} has {len(line.incoming)} deliveries still to come in Tryton, so there is no "
            "one date to move."
        )
    (move,) = line.incoming
    if move.shipment:
        raise NotPlannableError(
            f"{own} is already in a supplier shipment in Tryton, which has a date of its own. "
            "Change it there."
        )
    return Move((move.id,), MovedDate(planned_date=Day.of(after)))


def document_change(purchase: Purchase) -> Change:
    """Return the line of a card that names the purchase."""
    return Change(field="document", subject="", before=None, after=document_text(purchase))


def _line_facts(line: Line, purchase: Purchase) -> Iterator[Precondition]:
    own = name_of(line, purchase)
    day, price = receipt_date(line), line.unit_price
    done = sum((move.quantity for move in line.moves if move.state == "done"), Decimal(0))
    for name, value in (
        ("item", (line.product.code if line.product else None) or ""),
        ("unit", unit_of(line.unit) if line.unit else ""),
        ("quantity", decimal_text(line.quantity or Decimal(0))),
        ("quantity received", decimal_text(done)),
        ("unit cost", decimal_text(price.value) if price else ""),
        ("expected receipt date", day.isoformat() if day else ""),
    ):
        yield Precondition(name=name, subject=own, value=value)
