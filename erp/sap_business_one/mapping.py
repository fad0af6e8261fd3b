"""Between our records and SAP Business One's: facts in, exact change out.

The marker stands in NumAtCard, the vendor's reference number of a document: 100 characters (SDK
help, Documents, NumAtCard), found again by an exact `eq`, and carried along when a person adds
the draft as an order. Comments would hold it too (254 characters), but it is where people and
SAP Business One itself write sentences, and only a substring search would find it there.
"""

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
from erp.ports import NotPlannableError
from erp.sap_business_one.entities import (
    MANUAL_UNITS,
    PURCHASE_ORDERS,
    YES,
    BusinessPartner,
    Document,
    DocumentLine,
    Item,
    NewDraft,
    NewLine,
    Warehouse,
    body_of,
)
from erp.sap_business_one.sessions import SYSTEM

CONNECTOR: Final = "sap_business_one"
DRAFTS: Final = "Drafts"
ORDERS: Final = "PurchaseOrders"

VERSION: Final = "document version"
"""The precondition that a change of a draft is sent with."""

PLACES: Final = 6
"""Decimal places of a quantity and of a price in the tables (SDK help, Database Tables
Reference: Num 19.6). A company may be set to fewer; the receipt then shows what was rounded."""

MOST: Final = Decimal(10) ** 9
"""A larger quantity or unit cost is a slip of the keyboard, or no number at all."""

MAX_LINES: Final = 100

ANY_CURRENCY: Final = "##"
"""The currency of a business partner that deals in all of them."""

SUPPLIER: Final = frozenset({"cSupplier", "S"})

STOCK_SHARE: Final = Decimal("0.1")
"""Stock may move by this part of what is ordered before the person is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything read for one new order; items and on-order figures by item number.

    An on-order figure of None could not be read: a draft of somebody's has a line whose
    inventory quantity is not given.
    """

    vendor: BusinessPartner | None
    local_currency: str
    items: Mapping[str, Item]
    warehouses: Mapping[str, Warehouse]
    on_order: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """One line in the item's inventory unit, with the name that people know it by."""

    subject: str
    item: Item
    quantity: Quantity
    unit_cost: Money
    warehouse: str | None
    expected: date | None

    @property
    def total(self) -> Money:
        """Return the line's amount, rounded to the currency's smallest coin."""
        return rounded(self.unit_cost * self.quantity.value)


def rounded(amount: Money) -> Money:
    """Round to the currency's smallest coin, half away from zero."""
    places = get_currency_precision(amount.currency)
    return Money(
        amount.amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP), amount.currency
    )


def unit_of(text: str | None) -> Unit:
    """Return a unit as we write it; in SAP Business One it is text that somebody typed in."""
    return Unit((text or "").strip().upper())


def vendor_text(number: str, name: str | None) -> str:
    """Return a vendor as it reads on the card."""
    return f"{name or ''} ({number})".strip()


def draft_name(doc_entry: int) -> str:
    """Return what we call a draft.

    Its DocNum is the number that an order would have got on that day, so that several drafts and
    an order share it; and a bare DocEntry could be taken for the number of an order.
    """
    return f"Draft {doc_entry}"


def draft_path(doc_entry: int) -> str:
    """Return where a draft is."""
    return f"{DRAFTS}({doc_entry})"


def draft_text(draft: Document) -> str:
    """Return a draft as it reads on the card."""
    name = draft_name(draft.doc_entry)
    return f"{name}, {vendor_text(draft.card_code, draft.card_name)}"


def line_name(line: DocumentLine) -> str:
    """Return a line that stands there as it reads on the card."""
    return f"{line.item_code or ''} {line.item_description or ''}".strip()


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
    """Build the one request that creates a draft of an order, and everything it relies on.

    Raises:
        NotPlannableError: a fact does not allow it; the text says which.
    """
    vendor = _usable_vendor(action, facts)
    lines = tuple(_planned_lines(action, facts))
    total = Money(Decimal(0), action.currency)
    for line in lines:
        total = total + line.total
    body = body_of(_new_draft(action, lines, marker))
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(PlannedRequest(method="POST", path=DRAFTS, body=body),),
        preconditions=tuple(_preconditions(vendor, lines, facts)),
        changes=tuple(_changes(vendor, lines, total, marker)),
        cost=total,
    )


def _usable_vendor(action: CreatePurchaseOrder, facts: Facts) -> BusinessPartner:
    vendor = facts.vendor
    if vendor is None or vendor.card_type not in SUPPLIER:
        raise NotPlannableError(f"{SYSTEM} knows no vendor {action.vendor}.")
    name = vendor_text(vendor.card_code, vendor.card_name)
    if vendor.stopped:
        raise NotPlannableError(f"{name} is blocked in {SYSTEM}: on hold, or not active.")
    theirs = _currency_of(vendor, facts)
    if theirs not in {action.currency, ANY_CURRENCY}:
        raise NotPlannableError(
            f"{name} is ordered from in {theirs}, and this order is in {action.currency}. "
            f"Ask for it in {theirs}."
        )
    return vendor


def _currency_of(vendor: BusinessPartner, facts: Facts) -> str:
    return vendor.currency or facts.local_currency


def _planned_lines(action: CreatePurchaseOrder, facts: Facts) -> Iterator[PlannedLine]:
    seen: dict[str, int] = {}
    for line in action.lines:
        item = _usable_item(line, facts)
        nth = seen[line.item] = seen.get(line.item, 0) + 1
        quantity, unit_cost = in_inventory_unit(line.quantity, line.unit_cost, item)
        if unit_cost.currency != action.currency:
            raise NotPlannableError(
                f"{item.name} is priced in {unit_cost.currency}, the order is in "
                f"{action.currency}."
            )
        yield PlannedLine(
            subject=item.name if nth == 1 else f"{item.name} ({nth})",
            item=item,
            quantity=quantity,
            unit_cost=unit_cost,
            warehouse=_known_warehouse(line, facts),
            expected=line.expected_receipt_date,
        )


def _usable_item(line: OrderLine, facts: Facts) -> Item:
    item = facts.items.get(line.item)
    if item is None:
        raise NotPlannableError(f"{SYSTEM} knows no item {line.item}.")
    if item.stopped:
        raise NotPlannableError(f"{item.name} is blocked in {SYSTEM}: on hold, or not active.")
    return item


def _known_warehouse(line: OrderLine, facts: Facts) -> str | None:
    if line.location is None:
        return None
    warehouse = facts.warehouses.get(line.location)
    if warehouse is None:
        raise NotPlannableError(f"{SYSTEM} knows no warehouse {line.location}.")
    if warehouse.inactive == YES:
        raise NotPlannableError(f"The warehouse {line.location} is not active in {SYSTEM}.")
    return warehouse.warehouse_code


def inventory_unit(item: Item) -> Unit:
    """Return the unit that an item is kept in.

    Raises:
        NotPlannableError: none is named, or it is one of a group. How a line of a document names
            a unit of a group is not on the pages that we have, so nothing is guessed.
    """
    if item.uom_group_entry not in {None, MANUAL_UNITS}:
        raise NotPlannableError(
            f"{item.name} is kept in a group of units of measure, and this version only orders "
            "items whose units are entered manually."
        )
    unit = unit_of(item.inventory_uom)
    if not unit:
        raise NotPlannableError(
            f"{item.name} names no inventory unit in {SYSTEM}. Enter one, nothing is guessed."
        )
    return unit


def in_inventory_unit(quantity: Quantity, unit_cost: Money, item: Item) -> tuple[Quantity, Money]:
    """Return quantity and unit cost in the unit that the item is kept in, exactly.

    Raises:
        NotPlannableError: they cannot be expressed in it, or are nothing that can be ordered.
    """
    base = inventory_unit(item)
    factor = factor_between(quantity.unit, base)
    if factor is None:
        raise NotPlannableError(f"{item.name}: {UnitMismatchError(quantity, base)}")
    value = quantity.value * factor
    cost = unit_cost.amount / factor
    if not (_within(value) and value > 0 and _within(cost) and cost >= 0):
        raise NotPlannableError(
            f"{item.name}: {quantity} at {unit_cost} is nothing that can be ordered."
        )
    if not (_exact(value) and _exact(cost) and cost * factor == unit_cost.amount):
        raise NotPlannableError(
            f"{item.name}: {quantity} at {unit_cost} cannot be written with {PLACES} decimal "
            f"places in {base}. Send it in {base}."
        )
    return (
        Quantity(Decimal(decimal_text(value)), base),
        Money(Decimal(decimal_text(cost)), unit_cost.currency),
    )


def _within(number: Decimal) -> bool:
    return number.is_finite() and abs(number) <= MOST


def _exact(number: Decimal) -> bool:
    return number == round(number, PLACES)


def _new_draft(
    action: CreatePurchaseOrder, lines: tuple[PlannedLine, ...], marker: str
) -> NewDraft:
    dates = [line.expected for line in lines if line.expected is not None]
    return NewDraft(
        doc_object_code=PURCHASE_ORDERS,
        doc_type="dDocument_Items",
        card_code=action.vendor,
        doc_currency=action.currency,
        num_at_card=marker,
        doc_due_date=max(dates, default=None),
        document_lines=tuple(
            NewLine(
                item_code=line.item.item_code,
                quantity=line.quantity.value,
                use_base_units=YES,
                unit_price=line.unit_cost.amount,
                warehouse_code=line.warehouse,
                ship_date=line.expected,
            )
            for line in lines
        ),
    )


def _preconditions(
    vendor: BusinessPartner, lines: tuple[PlannedLine, ...], facts: Facts
) -> Iterator[Precondition]:
    own = vendor.card_code
    yield Precondition(name="vendor name", subject=own, value=vendor.card_name or "")
    yield Precondition(name="vendor blocked", subject=own, value="no")
    yield Precondition(name="vendor currency", subject=own, value=_currency_of(vendor, facts))
    for number, ordered in _ordered(lines).items():
        item, on_order = facts.items[number], facts.on_order[number]
        yield Precondition(name="item blocked", subject=number, value="no")
        yield Precondition(name="base unit", subject=number, value=inventory_unit(item))
        yield Precondition(
            name="unit cost in the ERP", subject=number, value=decimal_text(item.avg_std_price)
        )
        yield Precondition(
            name="quantity already on order",
            subject=number,
            value="cannot be read" if on_order is None else decimal_text(on_order),
        )
        yield Precondition(
            name="stock",
            subject=number,
            value=decimal_text(item.quantity_on_stock),
            tolerance=max(Decimal(1), ordered * STOCK_SHARE),
        )


def _ordered(lines: Iterable[PlannedLine]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.item.item_code] = sums.get(line.item.item_code, Decimal(0)) + line.quantity.value
    return sums


def _changes(
    vendor: BusinessPartner, lines: tuple[PlannedLine, ...], total: Money, marker: str
) -> Iterator[Change]:
    name = vendor_text(vendor.card_code, vendor.card_name)
    yield Change(field="vendor", subject="", before=None, after=name)
    for line in lines:
        own = line.subject
        yield Change(field="item", subject=own, before=None, after=line.item.item_code)
        yield Change(field="quantity", subject=own, before=None, after=line.quantity)
        yield Change(field="unit_cost", subject=own, before=None, after=line.unit_cost)
        yield Change(field="line_total", subject=own, before=None, after=line.total)
        if line.warehouse is not None:
            yield Change(field="location", subject=own, before=None, after=line.warehouse)
        if line.expected is not None:
            yield Change(
                field="expected_receipt_date", subject=own, before=None, after=line.expected
            )
    yield Change(field="order_total", subject="", before=None, after=total)
    yield Change(field="reference", subject="", before=None, after=marker)
