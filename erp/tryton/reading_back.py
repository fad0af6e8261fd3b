"""Hold a purchase as it stands against the plan that was approved, field by field."""

from collections.abc import Iterator
from decimal import Decimal

from decisions.canonical import decimal_text
from decisions.money import Currency, Money
from decisions.plan import Value, WritePlan
from decisions.recommendation import FieldCheck
from erp.ports import CannotTell, Found, NotFound, Search
from erp.tryton.additions import added_line
from erp.tryton.calls import Call, Cancel, Create, EditLine, Move, Write
from erp.tryton.edits import (
    CANCELLED,
    DRAFT,
    document_text,
    facts_of,
    line_total,
    name_of,
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


def line_of(plan: WritePlan, call: Call, purchase: Purchase) -> Line | None:
    """Return the line that a call adds, or changes directly or through its stock move."""
    match call:
        case Write(edit=None):
            return added_line(purchase, plan.marker)
        case Write(edit=EditLine(ids=wanted)):
            return next((line for line in purchase.item_lines if line.id in wanted), None)
        case Move(ids=wanted):
            return next(
                (
                    line
                    for line in purchase.item_lines
                    if any(move.id in wanted for move in line.moves)
                ),
                None,
            )
        case _:
            return None


def called(call: Call, purchase: Purchase) -> str:
    """Return the name that a receipt gives to a purchase: its first one, where it has our mark."""
    marked = isinstance(call, Create) or (isinstance(call, Write) and call.added is not None)
    return purchase.first_name if marked else purchase.document


def checks(plan: WritePlan, call: Call, purchase: Purchase) -> tuple[FieldCheck, ...]:
    """Return one check per planned field; of a new purchase also its status and other lines."""
    if isinstance(call, Create):
        found = dict(_as_created(plan, purchase))
        extra = purchase.item_lines[len(call.purchases[0].new_lines) :]
    else:
        found = dict(_as_edited(plan, call, purchase))
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
    if not isinstance(call, Create):
        return planned_fields
    return (
        *planned_fields,
        FieldCheck(field="status", subject="", planned=DRAFT, found=status_of(purchase)),
        *(
            FieldCheck(
                field="quantity", subject=line.subject, planned=None, found=quantity_of(line)
            )
            for line in extra
        ),
    )


def looked_for(plan: WritePlan, call: Call, purchase: Purchase) -> Search:
    """Tell a value that is as planned from one that is as before; a third one says nothing."""
    here = Found(document=called(call, purchase), document_id=str(purchase.id))
    if isinstance(call, Write) and call.edit is None:
        return NotFound() if added_line(purchase, plan.marker) is None else here
    field = _field(call)
    (change,) = (change for change in plan.changes if change.field == field)
    now = dict(_as_edited(plan, call, purchase)).get((field, change.subject))
    if now == change.after:
        return here
    if now == change.before:
        return NotFound()
    return CannotTell(
        why=f"{purchase.document}: the {field.replace('_', ' ')} is neither as before nor as "
        "planned, so somebody else changed it meanwhile"
    )


def moved_since(plan: WritePlan, call: Call, purchase: Purchase) -> tuple[str, ...]:
    """Return, in words, what an edit relies on of its purchase and what is no longer so."""
    line = line_of(plan, call, purchase)
    lines = purchase.item_lines if isinstance(call, Cancel) else (line,) if line else ()
    planned = {(fact.name, fact.subject): fact.value for fact in plan.preconditions}
    now = {(fact.name, fact.subject): fact.value for fact in facts_of(purchase, *lines)}
    if isinstance(call, Write) and call.added is not None:
        # The others are about the vendor and the item; the total moves with any line.
        planned = {key: value for key, value in planned.items() if key in now}
    return tuple(
        f"{key[0]} of {key[1]} is {now.get(key) or 'nothing'} now, not {planned.get(key)}"
        for key in dict.fromkeys((*planned, *now))
        if planned.get(key) != now.get(key)
    )


def _field(call: Call) -> str:
    """Return the field by which an edit is recognised."""
    if isinstance(call, Cancel):
        return "status"
    if isinstance(call, Write) and call.edit and call.edit.values.quantity is not None:
        return "quantity"
    return "expected_receipt_date"


def _as_edited(
    plan: WritePlan, call: Call, purchase: Purchase
) -> Iterator[tuple[tuple[str, str], Value]]:
    """Return how a purchase stands that was there before; a cancelled one orders nothing."""
    cancelled = status_of(purchase) == CANCELLED
    yield ("document", ""), document_text(purchase)
    yield ("status", ""), status_of(purchase)
    yield ("order_total", ""), None if cancelled else order_total(purchase)
    if isinstance(call, Cancel):
        for one in purchase.item_lines:
            yield ("quantity", name_of(one, purchase)), None if cancelled else quantity_of(one)
    line = line_of(plan, call, purchase)
    if line is None:
        return
    yield ("reference", ""), plan.marker if line.note == reference_of(plan.marker) else None
    # Not by its name now: with a second line of the same item it would read otherwise.
    (subject,) = {change.subject for change in plan.changes if change.subject}
    for field, value in _line(line, purchase):
        yield (field, subject), value


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
    amount = Decimal(decimal_text(line.unit_price.value))
    return Money(amount, Currency(purchase.currency.code))
