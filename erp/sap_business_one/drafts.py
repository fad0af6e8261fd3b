"""Changes of a draft that stands there already: another quantity, another date, away with it.

Each names the version that it was planned for, so that what somebody else changed meanwhile is
never changed back: `If-Match` on PATCH and DELETE, and Drafts among the sets that have ETags
(“Working with SAP Business One Service Layer” 1.29, pages 161-166, from 10.0 FP 2102 on).
"""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from decisions.actions import (
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.canonical import decimal_text
from decisions.money import Currency, Money
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from decisions.quantity import Quantity, UnitMismatchError, factor_between
from erp.ports import NotPlannableError
from erp.sap_business_one.entities import (
    PURCHASE_ORDERS,
    ChangedDraft,
    ChangedLine,
    Document,
    DocumentLine,
    body_of,
    day_of,
)
from erp.sap_business_one.mapping import (
    CONNECTOR,
    MOST,
    PLACES,
    VERSION,
    draft_name,
    draft_path,
    draft_text,
    line_name,
    rounded,
    unit_of,
)
from erp.sap_business_one.reading_back import DRAFT, status_of
from erp.sap_business_one.sessions import SYSTEM

DraftAction: TypeAlias = SetPurchaseOrderQuantity | SetReceiptDate | CancelDraftPurchaseOrder

_NAME: Final = re.compile(r"Draft ([0-9]{1,9})")


def draft_named(name: str) -> int:
    """Return the DocEntry of a draft by the name that we give it.

    Raises:
        NotPlannableError: it is not the name of a draft; an order is not changed from here.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise NotPlannableError(
            f"{name} is not a draft in {SYSTEM}. Only drafts are changed; they are called "
            f"“{draft_name(12)}” here."
        )
    return int(found[1])


def change_plan(
    action: DraftAction, draft: Document, etag: str, *, company: str, marker: str
) -> WritePlan:
    """Build the one request that changes or removes a draft.

    Raises:
        NotPlannableError: it is no open draft of an order, it has no version, or the change is
            none that it can take.
    """
    _check(draft, etag)
    method, body, changes = _changed(action, draft)
    cost = next(
        (
            one.after
            for one in changes
            if one.field == "line_total" and isinstance(one.after, Money)
        ),
        None,
    )
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(PlannedRequest(method=method, path=draft_path(draft.doc_entry), body=body),),
        preconditions=(
            Precondition(name=VERSION, subject=action.document, value=etag),
            Precondition(name="status", subject=action.document, value=status_of(draft)),
        ),
        changes=changes,
        cost=cost,
    )


def _check(draft: Document, etag: str) -> None:
    name = draft_name(draft.doc_entry)
    if draft.doc_object_code != PURCHASE_ORDERS:
        raise NotPlannableError(f"{name} is no draft of a purchase order in {SYSTEM}.")
    if status_of(draft) != DRAFT:
        raise NotPlannableError(f"{name} is no draft any more in {SYSTEM}: {status_of(draft)}.")
    if not etag:
        raise NotPlannableError(
            f"{SYSTEM} gives no version of {name}, so a change of somebody else's could be "
            "undone unseen. It does from 10.0 FP 2102 on."
        )


def _changed(
    action: DraftAction, draft: Document
) -> tuple[Literal["PATCH", "DELETE"], str, tuple[Change, ...]]:
    own = Change(field="document", subject="", before=None, after=draft_text(draft))
    match action:
        case SetPurchaseOrderQuantity():
            line = _line(draft, action.line)
            quantity = _in_line_unit(action.quantity, line)
            changed = ChangedLine(line_num=line.line_num, quantity=quantity.value)
            return "PATCH", _body(changed), (own, *_quantity(draft, line, quantity))
        case SetReceiptDate():
            line = _line(draft, action.line)
            day = action.expected_receipt_date
            changed = ChangedLine(line_num=line.line_num, ship_date=day)
            return "PATCH", _body(changed), (own, _receipt_date(line, day))
        case CancelDraftPurchaseOrder():
            return "DELETE", "", (own, *_removal(draft))


def _body(line: ChangedLine) -> str:
    return body_of(ChangedDraft(document_lines=(line,)))


def _line(draft: Document, number: int) -> DocumentLine:
    for line in draft.document_lines:
        if line.line_num == number:
            return line
    raise NotPlannableError(f"{draft_name(draft.doc_entry)} has no line {number} in {SYSTEM}.")


def _in_line_unit(quantity: Quantity, line: DocumentLine) -> Quantity:
    unit = unit_of(line.measure_unit)
    factor = factor_between(quantity.unit, unit)
    if not unit or factor is None:
        raise NotPlannableError(f"{line_name(line)}: {UnitMismatchError(quantity, unit)}")
    value = quantity.value * factor
    if not (value.is_finite() and 0 < value <= MOST and value == round(value, PLACES)):
        raise NotPlannableError(
            f"{line_name(line)}: {quantity} is nothing that can be ordered in {unit}."
        )
    return Quantity(Decimal(decimal_text(value)), unit)


def _receipt_date(line: DocumentLine, day: date) -> Change:
    before = day_of(line.ship_date)
    if before == day:
        raise NotPlannableError(f"{line_name(line)} is expected on {day} already.")
    return Change(field="expected_receipt_date", subject=line_name(line), before=before, after=day)


def _quantity(draft: Document, line: DocumentLine, quantity: Quantity) -> Iterator[Change]:
    own, unit = line_name(line), unit_of(line.measure_unit)
    if line.quantity == quantity.value:
        raise NotPlannableError(f"{own} is ordered with {quantity} already.")
    currency = Currency(draft.doc_currency or "???")
    yield Change(
        field="quantity", subject=own, before=Quantity(line.quantity, unit), after=quantity
    )
    yield Change(
        field="line_total",
        subject=own,
        before=Money(line.total, currency),
        after=rounded(Money(line.unit_price * quantity.value, currency)),
    )


def _removal(draft: Document) -> Iterator[Change]:
    currency = Currency(draft.doc_currency or "???")
    for line in draft.document_lines:
        stands = Quantity(line.quantity, unit_of(line.measure_unit))
        yield Change(field="quantity", subject=line_name(line), before=stands, after=None)
    total = Money(draft.total, currency)
    yield Change(field="order_total", subject="", before=total, after=None)
