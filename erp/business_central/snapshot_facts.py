"""From Business Central's rows to what is known of the plant; pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from uuid import UUID

from decisions.money import Currency, Money
from decisions.quantity import Quantity, Unit, factor_between
from erp.business_central.entities import NO_DATE
from erp.business_central.mapping import NOT_BLOCKED, PLACES
from erp.business_central.snapshot_entities import (
    NO_YEAR,
    AnalyticsBudgetRow,
    ComponentRow,
    FinanceBudgetRow,
    ItemRow,
    LedgerRow,
    LocationRow,
    OrderLineRow,
    OrderWithLines,
    OutstandingRow,
    ProductionRow,
    SalesRow,
    VendorRow,
)
from erp.business_central.statuses import DRAFT, IN_REVIEW, RELEASED, STATUS
from erp.business_central.tokens import SYSTEM
from erp.snapshot import (
    Budget,
    Item,
    Location,
    Need,
    Origin,
    ProductionOrder,
    PurchaseLine,
    Stock,
    Vendor,
)

Status: TypeAlias = Literal["draft", "in_review", "released", "unknown"]
Factors: TypeAlias = Mapping[tuple[str, str, str], Decimal]
"""How many base units make one, by document, item and unit."""

_STATUS: Final[Mapping[str, Status]] = {
    DRAFT: "draft",
    IN_REVIEW: "in_review",
    RELEASED: "released",
}
_ORDER: Final = "Order"
_STOCKED: Final = frozenset({"", "Inventory"})
_SMALLEST: Final = Decimal(1).scaleb(-PLACES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the other facts stand on: items with their base units, places with their codes.

    `currency` is the company's own, and None where nobody says it.
    """

    read_at: datetime
    items: tuple[ItemRow, ...]
    places: tuple[LocationRow, ...]
    units: Mapping[str, Unit]
    codes: Mapping[UUID, str]
    currency: Currency | None

    def origin(self, ref: str, entered_at: datetime | None = None) -> Origin:
        """Return where a fact comes from; Business Central says when it was entered, at most."""
        known = entered_at is not None and entered_at.year > NO_YEAR
        return Origin(
            source=SYSTEM,
            ref=ref,
            happened_at=None,
            entered_at=entered_at if entered_at is not None and known else self.read_at,
        )

    def own(self, amount: Decimal) -> Money | None:
        """Return an amount in the company's own currency."""
        return None if self.currency is None else Money(amount, self.currency)


def item_of(row: ItemRow, ground: Ground) -> Item:
    """Return an item."""
    return Item(
        number=row.number,
        name=row.display_name,
        unit=Unit(row.base_unit_of_measure_code),
        unit_cost=ground.own(row.unit_cost),
        blocked=row.blocked,
        origin=ground.origin(row.number, row.last_modified_date_time),
    )


def vendor_of(row: VendorRow, ground: Ground) -> Vendor:
    """Return a vendor; whoever is blocked for payments only is not ordered from either."""
    return Vendor(
        number=row.number,
        name=row.display_name,
        email=row.email,
        currency=Currency(row.currency_code) if row.currency_code else None,
        blocked=row.blocked not in NOT_BLOCKED,
        origin=ground.origin(row.number, row.last_modified_date_time),
    )


def location_of(row: LocationRow, ground: Ground) -> Location:
    """Return a location."""
    return Location(
        code=row.code,
        name=row.display_name,
        origin=ground.origin(row.code, row.last_modified_date_time),
    )


def stock_by_place(rows: Iterable[LedgerRow], ground: Ground) -> Iterator[Stock]:
    """Add up what is left of each item at each location.

    Stock without a location lies at the blank one. A stocked item of which nothing is left is
    told too, as the sum that the item itself names: that it ran out is worth knowing.
    """
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row.item_no, row.location_code] += row.remaining_quantity
    for (item, place), value in sums.items():
        if item in ground.units:
            yield Stock(
                item=item,
                location=place,
                quantity=Quantity(value, ground.units[item]),
                origin=ground.origin(f"{item}/{place}"),
            )
    there = {item for item, _ in sums}
    others = (row for row in ground.items if row.number not in there)
    yield from stock_in_all(others, ground)


def stock_in_all(rows: Iterable[ItemRow], ground: Ground) -> Iterator[Stock]:
    """Take each item's sum over all locations from the item itself."""
    for row in rows:
        if row.type in _STOCKED:
            yield Stock(
                item=row.number,
                location=None,
                quantity=Quantity(row.inventory, Unit(row.base_unit_of_measure_code)),
                origin=ground.origin(row.number),
            )


def in_other_units(orders: Iterable[OrderWithLines], ground: Ground) -> bool:
    """Tell whether a line is in a unit of which only the line itself knows how it converts."""
    return any(
        factor_between(Unit(line.unit_of_measure_code), base) is None
        for order in orders
        for line in order.purchase_order_lines
        if (base := ground.units.get(line.line_object_number)) is not None
    )


def factors_in(rows: Iterable[OutstandingRow]) -> Factors:
    """Return how the units of open order lines convert, as the lines themselves were entered."""
    return {
        (row.document_no, row.item_no, row.unit_of_measure_code): row.qty_per_unit_of_measure
        for row in rows
        if row.document_type == _ORDER
    }


def purchase_lines(
    orders: Iterable[OrderWithLines], ground: Ground, factors: Factors
) -> Iterator[PurchaseLine]:
    """Return the open lines; in the item's base unit wherever the factor is known."""
    for order in orders:
        for line in order.purchase_order_lines:
            left = line.quantity - line.received_quantity
            if line.line_type == "Item" and left > 0:
                yield _purchase_line(order, line, ground, factors)


def _purchase_line(
    order: OrderWithLines, line: OrderLineRow, ground: Ground, factors: Factors
) -> PurchaseLine:
    item, unit = line.line_object_number, Unit(line.unit_of_measure_code)
    base = ground.units.get(item, unit)
    factor = factors.get((order.number, item, unit)) or factor_between(unit, base)
    if factor is None:
        base, factor = unit, Decimal(1)
    cost = line.direct_unit_cost
    if factor != 1:
        cost = (cost / factor).quantize(_SMALLEST)
    currency = Currency(order.currency_code) if order.currency_code else ground.currency
    return PurchaseLine(
        document=order.number,
        line=line.sequence,
        vendor=order.vendor_number,
        item=item,
        outstanding=Quantity((line.quantity - line.received_quantity) * factor, base),
        unit_cost=None if currency is None else Money(cost, currency),
        expected=_day(line.expected_receipt_date),
        location=ground.codes.get(line.location_id),
        status=_STATUS.get(STATUS.get(order.status, ""), "unknown"),
        origin=ground.origin(f"{order.number}/{line.sequence}", order.last_modified_date_time),
    )


def outstanding_lines(rows: Iterable[OutstandingRow], ground: Ground) -> Iterator[PurchaseLine]:
    """Return what the query alone knows: no line numbers, no prices, no states."""
    for row in rows:
        if row.document_type == _ORDER and row.item_no in ground.units:
            yield PurchaseLine(
                document=row.document_no,
                line=0,
                vendor=row.buy_from_vendor_no,
                item=row.item_no,
                outstanding=Quantity(row.outstanding_qty_base, ground.units[row.item_no]),
                unit_cost=None,
                expected=_day(row.expected_receipt_date),
                location=row.location_code or None,
                status="unknown",
                origin=ground.origin(row.document_no),
            )


def production_orders(rows: Iterable[ProductionRow], ground: Ground) -> Iterator[ProductionOrder]:
    """Return what is to be made of items; a simulation is none, nor is what has no one item."""
    for row in rows:
        made = ground.units.get(row.source_no) if row.source_type == "Item" else None
        if made is not None and row.status != "Simulated":
            yield ProductionOrder(
                document=row.no,
                item=row.source_no,
                quantity=Quantity(row.quantity, made),
                starts=_day(row.starting_date),
                due=_day(row.due_date),
                status=row.status.replace("_x0020_", " "),
                origin=ground.origin(row.no),
            )


def sales_needs(rows: Iterable[SalesRow], ground: Ground) -> Iterator[Need]:
    """Return what sales orders still want; a return order wants nothing."""
    for row in rows:
        if row.document_type == _ORDER:
            yield from _need(row, row.outstanding_qty_base, row.shipment_date, "sales", ground)


def component_needs(rows: Iterable[ComponentRow], ground: Ground) -> Iterator[Need]:
    """Return what production orders still want of their parts."""
    for row in rows:
        yield from _need(row, row.remaining_qty_base, row.due_date, "production", ground)


def _need(
    row: SalesRow | ComponentRow,
    value: Decimal,
    due: date,
    wanted_by: Literal["sales", "production"],
    ground: Ground,
) -> Iterator[Need]:
    unit = ground.units.get(row.item_no)
    if unit is not None and value > 0:
        yield Need(
            item=row.item_no,
            quantity=Quantity(value, unit),
            due=_day(due) or ground.read_at.date(),  # whoever set no day wants it now
            location=row.location_code or None,
            wanted_by=wanted_by,
            document=row.document_no,
            origin=ground.origin(f"{row.document_no}/{row.item_no}"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEntry:
    """A part of what an account may spend, from either app."""

    budget: str
    account: str
    day: date
    amount: Decimal
    entered_at: datetime | None


def finance_entry(row: FinanceBudgetRow) -> BudgetEntry:
    """Return an entry of API Reports - Finance."""
    return BudgetEntry(
        budget=row.budget_name,
        account=row.account_no,
        day=row.date,
        amount=row.amount,
        entered_at=row.last_modified_date_time,
    )


def analytics_entry(row: AnalyticsBudgetRow) -> BudgetEntry:
    """Return an entry of the Power BI app, which does not say when it was entered."""
    return BudgetEntry(
        budget=row.budget_name,
        account=row.gl_account_no,
        day=row.budget_date,
        amount=row.budget_amount,
        entered_at=None,
    )


def budgets(
    entries: Iterable[BudgetEntry], ground: Ground, currency: Currency
) -> Iterator[Budget]:
    """Add up each budget by account and month."""
    months: dict[tuple[str, str, date], list[BudgetEntry]] = defaultdict(list)
    for entry in entries:
        months[entry.budget, entry.account, entry.day.replace(day=1)].append(entry)
    for (budget, account, first), some in sorted(months.items()):
        entered = [one.entered_at for one in some if one.entered_at is not None]
        given = sum((one.amount for one in some), Decimal(0))
        yield Budget(
            account=account,
            name=budget,
            starts=first,
            ends=(first + timedelta(days=31)).replace(day=1) - timedelta(days=1),
            given=Money(given, currency),
            spent=None,
            origin=ground.origin(f"{budget}/{account}/{first:%Y-%m}", max(entered, default=None)),
        )


def _day(day: date) -> date | None:
    return None if day == NO_DATE else day
