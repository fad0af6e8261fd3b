"""Hold a purchase as it stands against the plan that was approved, field by field."""

from collections.abc import Iterator

from decisions.canonical import decimal_text
from decisions.money import Currency, Money
from decisions.plan import Value, WritePlan
from decisions.recommendation import FieldCheck
from erp.tryton.calls import Call, Cancel, Create, Move, Write
from erp.tryton.edits import (
    CANCELLED,
    DRAFT,
    RELEASED,
    found_in,
    line_total,
    order_total,
    quantity_of,
    receipt_date,
    status_of,
)
from erp.tryton.entities import Line, Purchase
from erp.tryton.mapping import named, reference_of


def carries(purchase: Purchase, marker: str) -> bool:
    """Tell whether the purchase holds the marker, in either of the two places."""
    return reference_of(marker) in {purchase.reference, purchase.description}


def edited_line(call: Call, purchase: Purchase) -> Line | None:
    """Return the line that a call changes, directly or through its stock move."""
    for line in purchase.item_lines:
        match call:
            case Write() if line.id in call.edit.ids:
                return line
            case Move() if any(move.id in call.ids for move in line.moves):
                return line
            case _:
                continue
    return None


def checks(plan: WritePlan, call: Call, purchase: Purchase) -> tuple[FieldCheck, ...]:
    """Return one check per planned field, one for the status, and one per line nobody planned."""
    if isinstance(call, Create):
        found = dict(_as_created(plan, purchase))
        extra = purchase.item_lines[len(call.purchases[0].new_lines) :]
    else:
        found = found_in(purchase, edited_line(call, purchase))
        extra = ()
    planned_fields = tuple(
        FieldCheck(
            field=change.field,
            subject=change.subject,
            planned=change.after,
            found=found.get((change.field, change.subject)),
        )
        for change in plan.changes
    )
    unplanned = tuple(
        FieldCheck(field="quantity", subject=line.subject, planned=None, found=quantity_of(line))
        for line in extra
    )
    if isinstance(call, Cancel):  # its status is what was planned
        return planned_fields
    status = FieldCheck(
        field="status",
        subject="",
        planned=RELEASED if isinstance(call, Move) else DRAFT,
        found=status_of(purchase),
    )
    return (*planned_fields, status, *unplanned)


def stands(plan: WritePlan, call: Call, purchase: Purchase) -> bool:
    """Tell whether what an edit was to bring about is there."""
    if isinstance(call, Cancel):
        return status_of(purchase) == CANCELLED
    line = edited_line(call, purchase)
    found = found_in(purchase, line)
    wanted = {
        (change.field, change.subject): change.after
        for change in plan.changes
        if change.field in {"quantity", "expected_receipt_date"}
    }
    return line is not None and all(found.get(key) == value for key, value in wanted.items())


def moved_since(plan: WritePlan, call: Call, purchase: Purchase) -> list[str]:
    """Return the fields that an edit changes and that are no longer as they were planned from."""
    found = found_in(purchase, edited_line(call, purchase))
    return [
        change.field
        for change in plan.changes
        if found.get((change.field, change.subject)) != change.before
    ]


def _as_created(plan: WritePlan, purchase: Purchase) -> Iterator[tuple[tuple[str, str], Value]]:
    """Return how a purchase stands; its lines are paired with the planned ones in their order."""
    party = purchase.party
    yield ("vendor", ""), named(party.code, party.name)
    yield ("order_total", ""), order_total(purchase)
    yield ("reference", ""), plan.marker if carries(purchase, plan.marker) else None
    subjects = dict.fromkeys(change.subject for change in plan.changes if change.subject)
    for subject, line in zip(subjects, purchase.item_lines, strict=False):
        for field, value in _line(line, purchase):
            yield (field, subject), value


def _line(line: Line, purchase: Purchase) -> Iterator[tuple[str, Value]]:
    yield "item", line.product.code if line.product else None
    yield "quantity", quantity_of(line)
    yield "unit_cost", _unit_cost(line, purchase)
    yield "line_total", line_total(line, purchase)
    yield "location", purchase.warehouse.code if purchase.warehouse else None
    yield "expected_receipt_date", receipt_date(line)


def _unit_cost(line: Line, purchase: Purchase) -> Money | None:
    if line.unit_price is None:
        return None
    amount = type(line.unit_price.value)(decimal_text(line.unit_price.value))
    return Money(amount, Currency(purchase.currency.code))
