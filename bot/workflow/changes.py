"""Approve with changes: what a person typed, read in their own spelling, as another action."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from babel.numbers import NumberFormatError, parse_decimal

from decisions.actions import CreatePurchaseOrder, DraftedAction, OrderLine
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


def changeable(action: DraftedAction) -> CreatePurchaseOrder:
    """Return the action if a person may change it.

    Raises:
        NotChangeableError: it has no quantity, date or vendor.
    """
    if not isinstance(action, CreatePurchaseOrder):
        raise NotChangeableError
    return action


def changed(
    action: DraftedAction, fields: Mapping[str, str], *, language: str, today: date
) -> CreatePurchaseOrder:
    """Return the action with the quantities, dates and vendor that were typed.

    Raises:
        BadQuantityError: no positive number, or finer than the ERP keeps.
        BadReceiptDateError: no date, or one before today.
        NotChangeableError: it has no quantity, date or vendor.
    """
    order = changeable(action)
    lines = tuple(
        _changed_line(
            line,
            quantity=fields.get(f"quantity_{index}", "").strip(),
            day=fields.get(f"date_{index}", "").strip(),
            language=language,
            today=today,
        )
        for index, line in enumerate(order.lines)
    )
    vendor = fields.get("vendor", "").strip() or order.vendor
    return replace(order, vendor=vendor[:20], lines=lines)


def _changed_line(
    line: OrderLine, *, quantity: str, day: str, language: str, today: date
) -> OrderLine:
    if quantity:
        line = replace(line, quantity=Quantity(_number(quantity, language), line.quantity.unit))
    if day:
        line = replace(line, expected_receipt_date=_day(day, today))
    return line


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
