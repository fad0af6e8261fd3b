"""Between our records and Business Central's: facts in, exact change out, and the way back."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from babel.numbers import get_currency_precision

from decisions.actions import CreatePurchaseOrder, OrderLine
from decisions.canonical import decimal_text
from decisions.money import Money
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from decisions.quantity import Quantity, Unit, UnitMismatchError, factor_between
from erp.business_central.entities import (
    CommentLine,
    Item,
    ItemLine,
    Location,
    NewOrder,
    Vendor,
    body_of,
)
from erp.ports import NotPlannableError

CONNECTOR: Final = "business_central"
ORDERS: Final = "purchaseOrders"

PLACES: Final = 5
"""Decimal places that Business Central keeps of a quantity and of a unit cost."""

MOST: Final = Decimal(10) ** 9
"""A larger quantity or unit cost is a slip of the keyboard, or no number at all."""

MAX_LINES: Final = 100

NOT_BLOCKED: Final = frozenset({"", " ", "_x0020_"})
"""A blank option; the API escapes the blank in some versions, and not in others."""

_BLOCKED: Final = {
    "Payment": "blocked for payments",
    "All": "blocked for everything",
}

STOCK_SHARE: Final = Decimal("0.1")
"""Stock may move by this part of what is ordered before the person is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything read for one purchase order; items and on-order figures by item number.

    `local_currency` is read only for a vendor without a currency of its own. An on-order
    figure of None could not be read, for want of a permission.
    """

    vendor: Vendor | None
    local_currency: str
    items: Mapping[str, Item]
    locations: Mapping[str, Location]
    on_order: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """One line in the item's base unit, with the name that people know it by."""

    subject: str
    item: Item
    quantity: Quantity
    unit_cost: Money
    location: Location | None
    expected: date | None

    @property
    def total(self) -> Money:
        """Return the line's amount as Business Central rounds it."""
        return rounded(self.unit_cost * self.quantity.value)


def rounded(amount: Money) -> Money:
    """Round to the currency's smallest coin, half away from zero, as the ERP does per line."""
    places = get_currency_precision(amount.currency)
    return Money(
        amount.amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP), amount.currency
    )


def check_size(action: CreatePurchaseOrder) -> None:
    """Refuse an order that orders nothing, or too much to be read at once.

    Raises:
        NotPlannableError: no lines, or too many.
    """
    if not action.lines:
        raise NotPlannableError("The order has no lines.")
    if len(action.lines) > MAX_LINES:
        raise NotPlannableError(
            f"The order has {len(action.lines)} lines; {MAX_LINES} is the most. Split it."
        )


def order_plan(
    action: CreatePurchaseOrder, facts: Facts, *, company: str, marker: str
) -> WritePlan:
    """Build the one request that creates a draft order, and everything it relies on.

    Raises:
        NotPlannableError: a fact does not allow it; the text says which.
    """
    vendor = _usable_vendor(action, facts)
    lines = tuple(_planned_lines(action, facts))
    total = Money(Decimal(0), action.currency)
    for line in lines:
        total = total + line.total
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(
            PlannedRequest(
                method="POST", path=ORDERS, body=body_of(_new_order(vendor, lines, marker))
            ),
        ),
        preconditions=tuple(_preconditions(vendor, lines, facts)),
        changes=tuple(_changes(vendor, lines, total, marker)),
        cost=total,
    )


def planned_lines(
    action: CreatePurchaseOrder, facts: Facts
) -> tuple[tuple[PlannedLine, ...], tuple[Precondition, ...]]:
    """Return the lines of an order as they would be planned, and what they rely on.

    Raises:
        NotPlannableError: a fact does not allow it; the text says which.
    """
    vendor = _usable_vendor(action, facts)
    lines = tuple(_planned_lines(action, facts))
    return lines, tuple(_preconditions(vendor, lines, facts))


def comment_of(marker: str) -> str:
    """Return the text of the line that carries the marker."""
    return f"Countersign {marker}"


def vendor_text(number: str, name: str) -> str:
    """Return a vendor as it reads on the card."""
    return f"{name} ({number})"


def _usable_vendor(action: CreatePurchaseOrder, facts: Facts) -> Vendor:
    vendor = facts.vendor
    if vendor is None:
        raise NotPlannableError(f"Business Central knows no vendor {action.vendor}.")
    if vendor.blocked not in NOT_BLOCKED:
        how = _BLOCKED.get(vendor.blocked, f"blocked ({vendor.blocked})")
        raise NotPlannableError(
            f"{vendor_text(vendor.number, vendor.display_name)} is {how} in Business Central."
        )
    theirs = vendor.currency_code or facts.local_currency
    if not theirs:
        raise NotPlannableError(
            f"{vendor_text(vendor.number, vendor.display_name)} has no currency in "
            "Business Central, and the company names none either."
        )
    if theirs != action.currency:
        raise NotPlannableError(
            f"{vendor_text(vendor.number, vendor.display_name)} is ordered from in {theirs}, "
            f"and this order is in {action.currency}. Ask for it in {theirs}."
        )
    return vendor


def _planned_lines(action: CreatePurchaseOrder, facts: Facts) -> Iterator[PlannedLine]:
    seen: dict[str, int] = {}
    for line in action.lines:
        item = _usable_item(line, facts)
        nth = seen[line.item] = seen.get(line.item, 0) + 1
        name = f"{item.number} {item.display_name}".strip()
        quantity, unit_cost = _in_base_unit(line, item)
        if unit_cost.currency != action.currency:
            raise NotPlannableError(
                f"{name} is priced in {unit_cost.currency}, the order is in {action.currency}."
            )
        yield PlannedLine(
            subject=name if nth == 1 else f"{name} ({nth})",
            item=item,
            quantity=quantity,
            unit_cost=unit_cost,
            location=_known_location(line, facts),
            expected=line.expected_receipt_date,
        )


def _usable_item(line: OrderLine, facts: Facts) -> Item:
    item = facts.items.get(line.item)
    if item is None:
        raise NotPlannableError(f"Business Central knows no item {line.item}.")
    if item.blocked:
        raise NotPlannableError(
            f"{item.number} {item.display_name} is blocked in Business Central."
        )
    return item


def _known_location(line: OrderLine, facts: Facts) -> Location | None:
    if line.location is None:
        return None
    location = facts.locations.get(line.location)
    if location is None:
        raise NotPlannableError(f"Business Central knows no location {line.location}.")
    return location


def _in_base_unit(line: OrderLine, item: Item) -> tuple[Quantity, Money]:
    """Return quantity and unit cost in the unit that the item is kept in, exactly."""
    base = Unit(item.base_unit_of_measure_code)
    factor = factor_between(line.quantity.unit, base)
    if factor is None:
        raise NotPlannableError(
            f"{item.number} {item.display_name}: {UnitMismatchError(line.quantity, base)}"
        )
    value = line.quantity.value * factor
    cost = line.unit_cost.amount / factor
    if not (_within(value) and value > 0 and _within(cost) and cost >= 0):
        raise NotPlannableError(
            f"{item.number} {item.display_name}: {line.quantity} at {line.unit_cost} "
            "is nothing that can be ordered."
        )
    if not (_exact(value) and _exact(cost) and cost * factor == line.unit_cost.amount):
        raise NotPlannableError(
            f"{item.number} {item.display_name}: {line.quantity} at {line.unit_cost} cannot be "
            f"written with {PLACES} decimal places in {base}. Send it in {base}."
        )
    return (
        Quantity(Decimal(decimal_text(value)), base),
        Money(Decimal(decimal_text(cost)), line.unit_cost.currency),
    )


def _within(number: Decimal) -> bool:
    return number.is_finite() and abs(number) <= MOST


def _exact(number: Decimal) -> bool:
    return number == round(number, PLACES)


def _new_order(vendor: Vendor, lines: tuple[PlannedLine, ...], marker: str) -> NewOrder:
    dates = {line.expected for line in lines}
    return NewOrder(
        vendor_number=vendor.number,
        currency_code=vendor.currency_code or None,
        requested_receipt_date=dates.pop() if len(dates) == 1 else None,
        purchase_order_lines=(
            *(
                ItemLine(
                    line_object_number=line.item.number,
                    location_id=line.location.id if line.location else None,
                    unit_of_measure_code=line.quantity.unit,
                    quantity=line.quantity.value,
                    direct_unit_cost=line.unit_cost.amount,
                    expected_receipt_date=line.expected,
                )
                for line in lines
            ),
            CommentLine(description=comment_of(marker)),
        ),
    )


def _preconditions(
    vendor: Vendor, lines: tuple[PlannedLine, ...], facts: Facts
) -> Iterator[Precondition]:
    own = vendor.number
    yield Precondition(name="vendor name", subject=own, value=vendor.display_name)
    yield Precondition(name="vendor blocked", subject=own, value="no")
    yield Precondition(
        name="vendor currency", subject=own, value=vendor.currency_code or facts.local_currency
    )
    for number, ordered in _ordered(lines).items():
        item, on_order = facts.items[number], facts.on_order[number]
        yield Precondition(name="item blocked", subject=number, value="no")
        yield Precondition(name="base unit", subject=number, value=item.base_unit_of_measure_code)
        yield Precondition(
            name="unit cost in the ERP", subject=number, value=decimal_text(item.unit_cost)
        )
        yield Precondition(
            name="quantity already on order",
            subject=number,
            value="cannot be read" if on_order is None else decimal_text(on_order),
        )
        yield Precondition(
            name="stock",
            subject=number,
            value=decimal_text(item.inventory),
            tolerance=max(Decimal(1), ordered * STOCK_SHARE),
        )


def _ordered(lines: Iterable[PlannedLine]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.item.number] = sums.get(line.item.number, Decimal(0)) + line.quantity.value
    return sums


def _changes(
    vendor: Vendor, lines: tuple[PlannedLine, ...], total: Money, marker: str
) -> Iterator[Change]:
    name = vendor_text(vendor.number, vendor.display_name)
    yield Change(field="vendor", subject="", before=None, after=name)
    for line in lines:
        yield from line_changes(line)
    yield Change(field="order_total", subject="", before=None, after=total)
    yield Change(field="reference", subject="", before=None, after=marker)


def line_changes(line: PlannedLine) -> Iterator[Change]:
    """Return a new line, field by field."""
    own = line.subject
    yield Change(field="item", subject=own, before=None, after=line.item.number)
    yield Change(field="quantity", subject=own, before=None, after=line.quantity)
    yield Change(field="unit_cost", subject=own, before=None, after=line.unit_cost)
    yield Change(field="line_total", subject=own, before=None, after=line.total)
    if line.location is not None:
        yield Change(field="location", subject=own, before=None, after=line.location.code)
    if line.expected is not None:
        yield Change(field="expected_receipt_date", subject=own, before=None, after=line.expected)
