"""Approve with changes: what a person typed, read in their own spelling, as another action."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from babel.numbers import NumberFormatError, parse_decimal

from decisions.actions import (
    AddPurchaseOrderLine,
    CreatePurchaseOrder,
    DraftedAction,
    OrderLine,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
    editables,
)
from decisions.countersign import RefusedClickError
from decisions.quantity import Quantity

MAX_QUANTITY: Final = Decimal(10) ** 9
MAX_PLACES: Final = 5
"""Decimal places that Business Central keeps of a quantity."""


class BadQuantityError(RefusedClickError):
    """A quantity that is no positive number."""

    def __init__(self, typed: str) -> None:
        """Repeat what was typed, shortened."""
        self.typed = typed[:40]
        super().__init__(f"“{self.typed}” is not a quantity that can be ordered.")


class BadReceiptDateError(RefusedClickError):
    """A date that is no date, or in the past."""

    def __init__(self, typed: str) -> None:
        """Repeat what was typed, shortened."""
        self.typed = typed[:40]
        super().__init__(f"“{self.typed}” is not a day the goods could arrive on.")


class NotChangeableError(RefusedClickError):
    """This action has nothing that a person may change."""

    def __init__(self) -> None:
        """Say what can be done instead."""
        super().__init__("This change can only be approved as it is, or overridden.")


def check_changeable(action: DraftedAction) -> None:
    """Refuse an action that a person may not change.

    Raises:
        NotChangeableError: it has no quantity, date or vendor.
    """
    if not editables(action):
        raise NotChangeableError


def changed(
    action: DraftedAction, fields: Mapping[str, str], *, language: str, today: date
) -> DraftedAction:
    """Return the action with the quantities, dates and vendor that were typed.

    Raises:
        BadQuantityError: no positive number, or finer than the ERP keeps.
        BadReceiptDateError: no date, or one before today.
        NotChangeableError: it has no quantity, date or vendor.
    """
    typed = _Typed(fields=fields, language=language, today=today)
    match action:
        case CreatePurchaseOrder(lines=lines):
            vendor = fields.get("vendor", "").strip() or action.vendor
            changed_lines = tuple(typed.line(line, index) for index, line in enumerate(lines))
            return replace(action, vendor=vendor[:20], lines=changed_lines)
        case AddPurchaseOrderLine(line=line):
            return replace(action, line=typed.line(line, 0))
        case SetPurchaseOrderQuantity(quantity=quantity):
            return replace(action, quantity=typed.quantity(quantity, 0))
        case SetReceiptDate(expected_receipt_date=day):
            return replace(action, expected_receipt_date=typed.day(day, 0) or day)
        case _:
            raise NotChangeableError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What stands in the form; what was left empty stays as it was."""

    fields: Mapping[str, str]
    language: str
    today: date

    def line(self, line: OrderLine, index: int) -> OrderLine:
        return replace(
            line,
            quantity=self.quantity(line.quantity, index),
            expected_receipt_date=self.day(line.expected_receipt_date, index),
        )

    def quantity(self, was: Quantity, index: int) -> Quantity:
        typed = self.fields.get(f"quantity_{index}", "").strip()
        return Quantity(_number(typed, self.language), was.unit) if typed else was

    def day(self, was: date | None, index: int) -> date | None:
        typed = self.fields.get(f"date_{index}", "").strip()
        return _day(typed, self.today) if typed else was


def _number(typed: str, language: str) -> Decimal:
    try:
        number = parse_decimal(typed, locale=language.replace("-", "_"), strict=True)
    except NumberFormatError:
        raise BadQuantityError(typed) from None
    if not number.is_finite() or not 0 < number <= MAX_QUANTITY:
        raise BadQuantityError(typed)
    if number != number.quantize(Decimal(1).scaleb(-MAX_PLACES)):
        raise BadQuantityError(typed)
    return number


def _day(typed: str, today: date) -> date:
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise BadReceiptDateError(typed) from None
    if day < today:
        raise BadReceiptDateError(typed)
    return day
