"""Reads widely: what Tryton knows of the plant, in our records."""

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, Literal, TypeAlias

from decisions.canonical import decimal_text
from decisions.money import Currency, Money
from decisions.quantity import Quantity
from erp.snapshot import (
    Item,
    Location,
    Need,
    Origin,
    ProductionOrder,
    PurchaseLine,
    Scope,
    Snapshot,
    Stock,
    Vendor,
)
from erp.tryton.client import SYSTEM, RefusedReadError, TrytonClient
from erp.tryton.entities import (
    ALL,
    Company,
    Exact,
    Moment,
    OnHand,
    OpenLine,
    Party,
    Product,
    Production,
    Unit,
    Warehouse,
)
from erp.tryton.mapping import unit_of

OPEN: Final = (
    ["type", "=", "line"],
    ["product", "!=", None],
    ["purchase_state", "in", ["draft", "quotation", "confirmed", "processing"]],
)
"""Which lines of purchases may still bring something."""

_UNDER_WAY: Final = ["state", "not in", ["done", "cancelled"]]
_NEEDED_FOR: Final = frozenset({"draft", "waiting", "assigned", "running"})
"""States in which a production takes its inputs; a request is only a proposal of the planning."""

_STATUS: Final[dict[str, Literal["draft", "in_review", "released"]]] = {
    "draft": "draft",
    "quotation": "in_review",
    "confirmed": "released",
    "processing": "released",
}

_NOT_HERE: Final = "this connector reads it from nowhere in Tryton"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """What every scope needs to be read."""

    client: TrytonClient
    company: Company
    since: datetime | None
    read_at: datetime
    until: float

    def changed(self, *fields: str) -> list[object]:
        """Return the part of a domain that leaves out what did not change."""
        if self.since is None:
            return []
        moment = Moment.of(self.since)
        return [["OR", *([field, ">", moment] for field in fields)]]

    def money(self, amount: Exact | None) -> Money | None:
        """Return an amount in the company's currency."""
        if amount is None:
            return None
        return Money(amount.value, Currency(self.company.currency.code))


_Read: TypeAlias = Callable[[_Reading], Awaitable[tuple[Any, ...]]]


async def read_snapshot(
    client: TrytonClient,
    scopes: Collection[Scope],
    *,
    since: datetime | None,
    read_at: datetime,
    until: float,
) -> Snapshot:
    """Return what was asked for, as far as Tryton has it and the log-in may see it.

    Raises:
        ErpUnreachableError: no usable answer.
    """
    reading = _Reading(
        client=client,
        company=await client.company(until=until),
        since=since,
        read_at=read_at,
        until=until,
    )
    facts: dict[str, Any] = {}
    missing: dict[Scope, str] = {}
    for scope in dict.fromkeys(scopes):
        read = _READ.get(scope)
        if read is None:
            missing[scope] = _NOT_HERE
            continue
        try:
            facts[scope] = await read(reading)
        except RefusedReadError as refused:
            # An answer with an error is about this scope: a right or a module that is not there.
            if refused.answer.status != HTTPStatus.OK:
                raise
            missing[scope] = _reason(refused)
    return Snapshot(
        read_at=read_at,
        since=since,
        whole=frozenset() if since is None else _WHOLE & facts.keys(),
        missing=missing,
        **facts,
    )


def _reason(refused: RefusedReadError) -> str:
    """Say why a scope is missing; a model that is not there comes as a bare Python error."""
    if refused.answer.code:
        return refused.answer.text
    return f"Tryton failed on it ({refused.answer.text}); is the module switched on?"


def outstanding(line: OpenLine) -> Iterator[Quantity]:
    """Return what is still to come on a line, each part in its own unit.

    A released line has moves, which shrink and split as deliveries come in; before that, and for
    a service, there is only the line.
    """
    if line.moves:
        for move in line.moves:
            if move.still_to_come:
                yield _quantity(move.quantity, move.unit)
    elif line.quantity is not None and line.unit is not None:
        yield _quantity(line.quantity, line.unit)


def _quantity(value: Decimal, unit: Unit) -> Quantity:
    return Quantity(Decimal(decimal_text(value)), unit_of(unit))


def _origin(model: str, number: int, entered_at: datetime) -> Origin:
    return Origin(source=SYSTEM, ref=f"{model},{number}", happened_at=None, entered_at=entered_at)


async def _items(reading: _Reading) -> tuple[Item, ...]:
    # Always all of them: a cost price has a record of its own, and moves without the product.
    found = await reading.client.search("product.product", Product, [ALL], until=reading.until)
    return tuple(
        Item(
            number=one.code,
            name=one.name or "",
            unit=unit_of(one.default_uom),
            unit_cost=reading.money(one.cost_price),
            blocked=not one.active,
            origin=_origin("product.product", one.id, one.changed),
        )
        for one in found
        if one.code
    )


async def _vendors(reading: _Reading) -> tuple[Vendor, ...]:
    # Tryton does not mark a party as a vendor; whoever is not the company itself may be one.
    changed = reading.changed(
        "create_date",
        "write_date",
        "contact_mechanisms.create_date",
        "contact_mechanisms.write_date",
    )
    domain = [["id", "!=", reading.company.party.id], ALL, *changed]
    found = await reading.client.search("party.party", Party, domain, until=reading.until)
    return tuple(
        Vendor(
            number=one.code,
            name=one.name or "",
            email=one.email or "",
            currency=Currency(one.supplier_currency.code) if one.supplier_currency else None,
            blocked=not one.active,
            origin=_origin("party.party", one.id, one.changed),
        )
        for one in found
    )


async def _warehouses(reading: _Reading, *more: object) -> tuple[Warehouse, ...]:
    domain = [["type", "=", "warehouse"], *more]
    return await reading.client.search("stock.location", Warehouse, domain, until=reading.until)


async def _locations(reading: _Reading) -> tuple[Location, ...]:
    found = await _warehouses(reading, *reading.changed("create_date", "write_date"))
    return tuple(
        Location(
            code=one.code,
            name=one.name or "",
            origin=_origin("stock.location", one.id, one.changed),
        )
        for one in found
        if one.code
    )


async def _stock(reading: _Reading) -> tuple[Stock, ...]:
    products = {
        one.id: one
        for one in await reading.client.search("product.product", Product, [], until=reading.until)
        if one.code
    }
    found: list[Stock] = []
    for place in await _warehouses(reading):
        on_hand: tuple[OnHand, ...] = await reading.client.call(
            "model.product.product.read",
            list(products),
            ["quantity"],
            kind=tuple[OnHand, ...],
            until=reading.until,
            context={"locations": [place.id]},
        )
        found += (
            Stock(
                item=products[one.id].code or "",
                location=place.code,
                quantity=_quantity(one.quantity, products[one.id].default_uom),
                origin=_origin("product.product", one.id, reading.read_at),
            )
            for one in on_hand
        )
    return tuple(found)


async def _purchase_lines(reading: _Reading) -> tuple[PurchaseLine, ...]:
    changed = reading.changed(
        "create_date",
        "write_date",
        "purchase.write_date",
        "moves.create_date",
        "moves.write_date",
    )
    domain = [["purchase.company", "=", reading.company.id], *OPEN, *changed]
    lines = await reading.client.search("purchase.line", OpenLine, domain, until=reading.until)
    return tuple(fact for line in lines for fact in _open_lines(line))


def _open_lines(line: OpenLine) -> Iterator[PurchaseLine]:
    """Return the line once per unit and day on which something of it is to come."""
    order = line.purchase
    currency = Currency(order.currency.code)
    parts = [move for move in line.moves if move.still_to_come]
    days = [move.planned_date for move in parts] if line.moves else [line.delivery_date]
    for quantity, day in zip(outstanding(line), days, strict=False):
        yield PurchaseLine(
            document=order.number or f"({order.id})",
            line=line.id,
            vendor=order.party.code or "",
            item=(line.product.code if line.product else None) or "",
            outstanding=quantity,
            unit_cost=Money(line.unit_price.value, currency) if line.unit_price else None,
            expected=day.value if day else None,
            location=order.warehouse.code if order.warehouse else None,
            status=_STATUS.get(order.state, "unknown"),
            origin=_origin("purchase.line", line.id, line.changed),
        )


async def _productions(reading: _Reading, *fields: str) -> tuple[Production, ...]:
    domain = [
        ["company", "=", reading.company.id],
        _UNDER_WAY,
        *reading.changed("create_date", "write_date", *fields),
    ]
    return await reading.client.search("production", Production, domain, until=reading.until)


async def _production(reading: _Reading) -> tuple[ProductionOrder, ...]:
    return tuple(
        ProductionOrder(
            document=one.number or f"({one.id})",
            item=one.product.code or "",
            quantity=_quantity(one.quantity, one.unit),
            starts=one.planned_start_date.value if one.planned_start_date else None,
            due=one.planned_date.value if one.planned_date else None,
            status=one.state,
            origin=_origin("production", one.id, one.changed),
        )
        for one in await _productions(reading)
        if one.product is not None and one.quantity is not None and one.unit is not None
    )


async def _needs(reading: _Reading) -> tuple[Need, ...]:
    found = await _productions(reading, "inputs.create_date", "inputs.write_date")
    return tuple(need for one in found if one.state in _NEEDED_FOR for need in _needs_of(one))


def _needs_of(one: Production) -> Iterator[Need]:
    """Return what a production still takes; without any day it cannot be said when."""
    for taken in one.inputs:
        day = taken.planned_date or one.planned_start_date or one.planned_date
        if taken.state in {"done", "cancelled"} or day is None:
            continue
        yield Need(
            item=taken.product.code or "",
            quantity=_quantity(taken.quantity, taken.unit),
            due=day.value,
            location=one.warehouse.code if one.warehouse else None,
            wanted_by="production",
            document=one.number or f"({one.id})",
            origin=_origin("stock.move", taken.id, one.changed),
        )


_READ: Final[dict[Scope, _Read]] = {
    "items": _items,
    "vendors": _vendors,
    "locations": _locations,
    "stock": _stock,
    "purchase_lines": _purchase_lines,
    "production": _production,
    "needs": _needs,
}

SCOPES_READ: Final = frozenset(_READ)

_WHOLE: Final[frozenset[Scope]] = frozenset({"items", "stock"})
"""What cannot be asked for by the time of its change."""
