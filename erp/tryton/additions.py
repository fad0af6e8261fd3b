"""One more line on a draft purchase; its note carries the marker."""

from decisions.actions import AddPurchaseOrderLine, CreatePurchaseOrder
from decisions.money import Currency
from decisions.plan import Change, WritePlan
from erp.ports import NotPlannableError
from erp.tryton.calls import WRITE, AddLines, EditedLines, Write
from erp.tryton.edits import (
    DRAFT,
    document_change,
    facts_of,
    must_be,
    order_total,
    request_of,
)
from erp.tryton.entities import Line, Purchase
from erp.tryton.mapping import (
    CONNECTOR,
    Facts,
    line_changes,
    new_line,
    planned_lines,
    reference_of,
    relied_on,
    usable_party,
)


def as_order(action: AddPurchaseOrderLine, purchase: Purchase) -> CreatePurchaseOrder:
    """Return the line as an order of its own, for what has to be read about it.

    Raises:
        NotPlannableError: the purchase is no draft, or goes to another warehouse.
    """
    must_be(purchase, DRAFT)
    warehouse = purchase.warehouse.code if purchase.warehouse else None
    if action.line.location not in (None, warehouse):
        raise NotPlannableError(
            f"Purchase {purchase.document} goes to {warehouse or 'no warehouse'} in Tryton, and "
            f"the line to {action.line.location}. A purchase has one warehouse for all its lines."
        )
    return CreatePurchaseOrder(
        vendor=purchase.party.code or "",
        currency=Currency(purchase.currency.code),
        lines=(action.line,),
    )


def line_plan(
    order: CreatePurchaseOrder, purchase: Purchase, facts: Facts, *, company: str, marker: str
) -> WritePlan:
    """Build the call that adds the line.

    Tryton would add it twice as readily as once; the time stamp of the purchase, which moves with
    the first one, is what stops a second.

    Raises:
        NotPlannableError: the purchase carries the line already, or a fact does not allow it.
    """
    if added_line(purchase, marker) is not None:
        raise NotPlannableError(f"Purchase {purchase.document} carries this line already.")
    party = usable_party(order.vendor, facts.party)
    (line,) = planned_lines(order, facts, purchase.currency)
    call = Write(
        (purchase.id,),
        EditedLines(lines=(AddLines((new_line(line, facts, note=reference_of(marker)),)),)),
    )
    stood = order_total(purchase)
    warehouse = purchase.warehouse.code if purchase.warehouse else None
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(request_of(WRITE, call),),
        preconditions=(
            *facts_of(purchase),
            *relied_on(party, purchase.currency, (line,), facts),
        ),
        changes=(
            document_change(purchase),
            *line_changes(line, warehouse),
            Change(field="order_total", subject="", before=stood, after=stood + line.total),
            Change(field="reference", subject="", before=None, after=marker),
        ),
        cost=line.total,
    )


def added_line(purchase: Purchase, marker: str) -> Line | None:
    """Return the line whose note carries the marker."""
    text = reference_of(marker)
    return next((line for line in purchase.item_lines if line.note == text), None)
