"""Hold a draft as it stands against the plan that was approved, field by field."""

from collections.abc import Iterator
from typing import Final

from decisions.money import Currency, Money
from decisions.plan import Value, WritePlan
from decisions.quantity import Quantity
from decisions.recommendation import FieldCheck
from erp.sap_business_one.entities import Document, DocumentLine, NewDraft, NewLine, day_of
from erp.sap_business_one.mapping import draft_text, line_name, unit_of, vendor_text

DRAFT: Final = "Draft"
IN_REVIEW: Final = "In Review"
RELEASED: Final = "Released"

NOT_ASKED: Final = "dasWithout"
"""No approval was asked for (SDK help, DocumentAuthorizationStatusEnum)."""

_APPROVAL: Final = {NOT_ASKED: DRAFT, "dasPending": IN_REVIEW}


def status_of(document: Document) -> str:
    """Return how far a draft is; one that was added as an order is closed by that.

    Any other word of SAP Business One's is shown as it is and never taken for a draft.
    """
    if document.document_status == "bost_Close":
        return RELEASED
    if document.document_status != "bost_Open":
        return document.document_status or "unknown"
    return _APPROVAL.get(document.authorization_status, document.authorization_status or "unknown")


def checks(
    plan: WritePlan, sent: NewDraft, document: Document, *, is_order: bool
) -> tuple[FieldCheck, ...]:
    """Return one check per planned field, one for the status, and one per line nobody planned.

    Lines are paired in their order; the planned subjects are those of the plan's changes.
    """
    currency = Currency(document.doc_currency or "???")
    subjects = list(dict.fromkeys(change.subject for change in plan.changes if change.subject))
    stands = sorted(document.document_lines, key=lambda line: line.line_num)
    found: dict[tuple[str, str], Value] = dict(_header(document, currency))
    for subject, planned, line in zip(subjects, sent.document_lines, stands, strict=False):
        found |= {(field, subject): value for field, value in _line(planned, line, currency)}
    planned_fields = (
        FieldCheck(
            field=change.field,
            subject=change.subject,
            planned=change.after,
            found=found.get((change.field, change.subject)),
        )
        for change in plan.changes
    )
    status = RELEASED if is_order else status_of(document)
    return (
        *planned_fields,
        FieldCheck(field="status", subject="", planned=DRAFT, found=status),
        *(
            FieldCheck(
                field="quantity",
                subject=line_name(line),
                planned=None,
                found=Quantity(line.quantity, unit_of(line.measure_unit)),
            )
            for line in stands[len(subjects) :]
        ),
    )


def change_checks(plan: WritePlan, line_num: int, document: Document) -> tuple[FieldCheck, ...]:
    """Return one check per changed field of a line, and one for the status."""
    found: dict[str, Value] = {"document": draft_text(document)}
    for line in document.document_lines:
        if line.line_num == line_num:
            currency = Currency(document.doc_currency or "???")
            found["line_total"] = Money(line.total, currency)
            found |= line_values(line)
    return (
        *(
            FieldCheck(
                field=change.field,
                subject=change.subject,
                planned=change.after,
                found=found.get(change.field),
            )
            for change in plan.changes
        ),
        FieldCheck(field="status", subject="", planned=DRAFT, found=status_of(document)),
    )


def removal_checks(plan: WritePlan, *, gone: bool) -> tuple[FieldCheck, ...]:
    """Return one check per field that was to go."""
    return tuple(
        FieldCheck(
            field=change.field,
            subject=change.subject,
            planned=change.after,
            found=change.after if gone else change.before,
        )
        for change in plan.changes
    )


def line_values(line: DocumentLine) -> dict[str, Value]:
    """Return what may be changed on a line, as it stands."""
    return {
        "quantity": Quantity(line.quantity, unit_of(line.measure_unit)),
        "expected_receipt_date": day_of(line.ship_date),
    }


def _header(document: Document, currency: Currency) -> Iterator[tuple[tuple[str, str], Value]]:
    yield ("vendor", ""), vendor_text(document.card_code, document.card_name)
    yield ("order_total", ""), Money(document.total, currency)
    yield ("reference", ""), document.num_at_card


def _line(planned: NewLine, line: DocumentLine, currency: Currency) -> Iterator[tuple[str, Value]]:
    yield "item", line.item_code
    yield "quantity", Quantity(line.quantity, unit_of(line.measure_unit))
    yield "unit_cost", Money(line.unit_price, currency)
    yield "line_total", Money(line.total, currency)
    if planned.warehouse_code is not None:
        yield "location", line.warehouse_code
    if planned.ship_date is not None:
        yield "expected_receipt_date", day_of(line.ship_date)
