"""Between our records and Tryton's for a new purchase: facts in, exact change out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from decisions.actions import CreatePurchaseOrder, OrderLine
from decisions.canonical import decimal_text
from decisions.money import Currency as CurrencyCode
from decisions.money import Money
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from decisions.quantity import Quantity, Unit, UnitMismatchError, factor_between
from erp.ports import NotPlannableError
from erp.tryton.calls import CREATE, Add, AddLines, Create, NewLine, NewPurchase, body_of
from erp.tryton.entities import (
    Company,
    Currency,
    Day,
    Exact,
    HeaderDefaults,
    LineDefaults,
    Party,
    Product,
    Purchase,
    Warehouse,
)
from erp.tryton.entities import Unit as TrytonUnit

CONNECTOR: Final = "tryton"

PRICE_PLACES: Final = 4
"""Decimal places of a unit price, unless a server is configured otherwise (price_decimal)."""

MOST: Final = Decimal(10) ** 9
"""A larger quantity or unit cost is a slip of the keyboard, or no number at all."""

MAX_LINES: Final = 100

_OURS: Final = "Countersign "

STOCK_SHARE: Final = Decimal("0.1")
"""Stock may move by this part of what is ordered before the person is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything read for one new purchase; products and what is about them by item number."""

    company: Company
    party: Party | None
    products: Mapping[str, Product]
    warehouses: Mapping[str, Warehouse]
    stock: Mapping[str, Decimal]
    on_order: Mapping[str, Decimal | None]
    header: HeaderDefaults
    lines: Mapping[str, LineDefaults]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """One line in the item's default unit, with the name that people know it by."""

    subject: str
    product: Product
    quantity: Quantity
    unit_cost: Money
    total: Money
    expected: date | None


def unit_of(unit: TrytonUnit) -> Unit:
    """Return a unit as we write it: its symbol in capitals."""
    return Unit(unit.symbol.upper())


def rounded(amount: Decimal, currency: Currency) -> Money:
    """Round to the currency's smallest coin, halves to the even one, as Tryton does per line."""
    coin = currency.rounding.value
    coins = (amount / coin).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return Money(coins * coin, CurrencyCode(currency.code))


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


def currency_for(action: CreatePurchaseOrder, party: Party, company: Company) -> Currency:
    """Return the currency that the vendor is ordered from in, if the action is in it.

    Raises:
        NotPlannableError: the action is in another one.
    """
    theirs = party.supplier_currency or company.currency
    if theirs.code != action.currency:
        raise NotPlannableError(
            f"{vendor_text(party)} is ordered from in {theirs.code}, and this order is in "
            f"{action.currency}. Ask for it in {theirs.code}."
        )
    return theirs


def order_plan(
    action: CreatePurchaseOrder, facts: Facts, *, company: str, marker: str
) -> WritePlan:
    """Build the one call that creates a draft purchase, and everything it relies on.

    Raises:
        NotPlannableError: a fact does not allow it; the text says which.
    """
    party = usable_party(action.vendor, facts.party)
    currency = currency_for(action, party, facts.company)
    warehouse = _warehouse(action, facts)
    lines = tuple(planned_lines(action, facts, currency))
    total = Money(Decimal(0), action.currency)
    for line in lines:
        total = total + line.total
    purchase = NewPurchase(
        company=facts.company.id,
        party=party.id,
        invoice_address=facts.header.invoice_address,
        payment_term=facts.header.payment_term,
        invoice_method=facts.header.invoice_method,
        currency=currency.id,
        warehouse=warehouse.id if warehouse else None,
        reference=reference_of(marker),
        description=reference_of(marker),
        lines=(AddLines(tuple(new_line(line, facts) for line in lines)),),
    )
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(PlannedRequest(method="POST", path=CREATE, body=body_of(Create((purchase,)))),),
        preconditions=tuple(relied_on(party, currency, lines, facts)),
        changes=tuple(_changes(party, warehouse, lines, total, marker)),
        cost=total,
    )


def reference_of(marker: str) -> str:
    """Return the text that carries the marker."""
    return f"{_OURS}{marker}"


def marks_of(purchase: Purchase) -> tuple[str, ...]:
    """Return every mark of ours that a purchase or one of its lines carries."""
    texts = (purchase.reference, purchase.description, *(line.note for line in purchase.lines))
    ours = (text for text in texts if text and text.startswith(f"{_OURS}CS-"))
    return tuple(dict.fromkeys(text.removeprefix(_OURS) for text in ours))


def vendor_text(vendor: Party) -> str:
    """Return a vendor as it reads on the card."""
    return named(vendor.code, vendor.name)


def named(code: str | None, name: str | None) -> str:
    """Return a name with its code behind it."""
    return f"{name or ''} ({code or ''})"


def usable_party(code: str, party: Party | None) -> Party:
    """Return the vendor, if orders may be placed there.

    Raises:
        NotPlannableError: nobody by that code, or out of use.
    """
    if party is None:
        raise NotPlannableError(f"Tryton knows no vendor {code}.")
    if not party.active:
        raise NotPlannableError(f"{vendor_text(party)} is blocked in Tryton (not active).")
    return party


def planned_lines(
    action: CreatePurchaseOrder, facts: Facts, currency: Currency
) -> Iterator[PlannedLine]:
    """Return the lines as they can be ordered.

    Raises:
        NotPlannableError: an item or its unit does not allow it.
    """
    seen: dict[str, int] = {}
    for line in action.lines:
        product = _usable_product(line, facts)
        nth = seen[line.item] = seen.get(line.item, 0) + 1
        name = f"{product.code} {product.name or ''}".strip()
        if line.unit_cost.currency != action.currency:
            raise NotPlannableError(
                f"{name} is priced in {line.unit_cost.currency}, the order is in "
                f"{action.currency}."
            )
        quantity, unit_cost = _in_default_unit(line, product, name)
        yield PlannedLine(
            subject=name if nth == 1 else f"{name} ({nth})",
            product=product,
            quantity=quantity,
            unit_cost=unit_cost,
            total=rounded(quantity.value * unit_cost.amount, currency),
            expected=line.expected_receipt_date,
        )


def _usable_product(line: OrderLine, facts: Facts) -> Product:
    product = facts.products.get(line.item)
    if product is None:
        raise NotPlannableError(f"Tryton knows no item {line.item}.")
    if not product.active:
        raise NotPlannableError(
            f"{product.code} {product.name} is blocked in Tryton (not active)."
        )
    if not product.purchasable:
        raise NotPlannableError(f"{product.code} {product.name} is not purchasable in Tryton.")
    return product


def _warehouse(action: CreatePurchaseOrder, facts: Facts) -> Warehouse | None:
    """Return the warehouse of the order; a purchase in Tryton has one for all its lines."""
    codes = {line.location for line in action.lines}
    if len(codes) > 1:
        names = ", ".join(sorted(code or "none" for code in codes))
        raise NotPlannableError(
            f"A purchase in Tryton goes to one warehouse, and this one names {names}. Split it."
        )
    (code,) = codes
    if code is None:
        return None
    warehouse = facts.warehouses.get(code)
    if warehouse is None:
        raise NotPlannableError(f"Tryton knows no warehouse {code}.")
    return warehouse


def _in_default_unit(line: OrderLine, product: Product, name: str) -> tuple[Quantity, Money]:
    """Return quantity and unit cost in the unit that the item is kept in, exactly."""
    base = unit_of(product.default_uom)
    factor = factor_between(line.quantity.unit, base)
    if factor is None:
        raise NotPlannableError(f"{name}: {UnitMismatchError(line.quantity, base)}")
    value = usable_quantity(line.quantity, product.default_uom, name)
    cost = line.unit_cost.amount / factor
    if not (0 <= cost <= MOST):
        raise NotPlannableError(f"{name}: {line.unit_cost} is no price that can be ordered at.")
    if cost != round(cost, PRICE_PLACES) or cost * factor != line.unit_cost.amount:
        raise NotPlannableError(
            f"{name}: {line.unit_cost} cannot be written with {PRICE_PLACES} decimal places per "
            f"{base}. Send it in {base}."
        )
    return value, Money(Decimal(decimal_text(cost)), line.unit_cost.currency)


def usable_quantity(quantity: Quantity, unit: TrytonUnit, name: str) -> Quantity:
    """Return the quantity in Tryton's unit, exactly.

    A negative one would be a return to the vendor, which Tryton would take without a word.

    Raises:
        NotPlannableError: another kind of unit, nothing, too much, or too many decimal places.
    """
    base = unit_of(unit)
    factor = factor_between(quantity.unit, base)
    if factor is None:
        raise NotPlannableError(f"{name}: {UnitMismatchError(quantity, base)}")
    value = quantity.value * factor
    if not (value.is_finite() and 0 < value <= MOST):
        raise NotPlannableError(f"{name}: {quantity} is nothing that can be ordered.")
    if value != round(value, unit.digits):
        raise NotPlannableError(
            f"{name}: {quantity} cannot be written with {unit.digits} decimal places in {base}."
        )
    return Quantity(Decimal(decimal_text(value)), base)


def new_line(line: PlannedLine, facts: Facts, *, note: str | None = None) -> NewLine:
    """Return a line as it is sent, with what Tryton itself fills in for the item."""
    defaults = facts.lines[line.product.code or ""]
    return NewLine(
        product=line.product.id,
        product_supplier=defaults.product_supplier,
        unit=line.product.default_uom.id,
        quantity=line.quantity.value,
        unit_price=Exact(decimal_text(line.unit_cost.amount)),
        taxes=(Add(defaults.tax_ids),) if defaults.tax_ids else (),
        delivery_date_edit=line.expected is not None,
        delivery_date_store=Day.of(line.expected) if line.expected else None,
        note=note,
    )


def relied_on(
    party: Party, currency: Currency, lines: tuple[PlannedLine, ...], facts: Facts
) -> Iterator[Precondition]:
    """Return what new lines rely on: the vendor as it is, and each item."""
    own = party.code
    yield Precondition(name="vendor name", subject=own, value=party.name or "")
    yield Precondition(name="vendor blocked", subject=own, value="no")
    yield Precondition(name="vendor currency", subject=own, value=currency.code)
    for number, ordered in _ordered(lines).items():
        product, on_order = facts.products[number], facts.on_order[number]
        cost = product.cost_price
        yield Precondition(name="item blocked", subject=number, value="no")
        yield Precondition(name="base unit", subject=number, value=unit_of(product.default_uom))
        yield Precondition(
            name="unit cost in the ERP",
            subject=number,
            value="none" if cost is None else decimal_text(cost.value),
        )
        yield Precondition(
            name="quantity already on order",
            subject=number,
            value="cannot be told" if on_order is None else decimal_text(on_order),
        )
        yield Precondition(
            name="stock",
            subject=number,
            value=decimal_text(facts.stock[number]),
            tolerance=max(Decimal(1), ordered * STOCK_SHARE),
        )


def _ordered(lines: Iterable[PlannedLine]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in lines:
        code = line.product.code or ""
        sums[code] = sums.get(code, Decimal(0)) + line.quantity.value
    return sums


def _changes(
    party: Party,
    warehouse: Warehouse | None,
    lines: tuple[PlannedLine, ...],
    total: Money,
    marker: str,
) -> Iterator[Change]:
    yield Change(field="vendor", subject="", before=None, after=vendor_text(party))
    for line in lines:
        yield from line_changes(line, warehouse.code if warehouse else None)
    yield Change(field="order_total", subject="", before=None, after=total)
    yield Change(field="reference", subject="", before=None, after=marker)


def line_changes(line: PlannedLine, warehouse: str | None) -> Iterator[Change]:
    """Return a new line, field by field."""
    own = line.subject
    yield Change(field="item", subject=own, before=None, after=line.product.code)
    yield Change(field="quantity", subject=own, before=None, after=line.quantity)
    yield Change(field="unit_cost", subject=own, before=None, after=line.unit_cost)
    yield Change(field="line_total", subject=own, before=None, after=line.total)
    if warehouse is not None:
        yield Change(field="location", subject=own, before=None, after=warehouse)
    if line.expected is not None:
        yield Change(field="expected_receipt_date", subject=own, before=None, after=line.expected)
