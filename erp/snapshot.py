"""What is known of a plant at one moment, from the ERP and from what stands beside it.

Every fact says where it comes from, when it happened and when it was entered: an ERP that learns
in the evening what happened in the morning is not a day ahead of the floor.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Final, Literal, TypeAlias

from decisions.money import Currency, Money
from decisions.quantity import Quantity, Unit

Scope: TypeAlias = Literal[
    "items",
    "vendors",
    "locations",
    "stock",
    "purchase_lines",
    "production",
    "needs",
    "budgets",
    "consumption",
    "machines",
]
"""What a reader can be asked for; each is a field of `Snapshot`."""

SCOPES: Final[tuple[Scope, ...]] = (
    "items",
    "vendors",
    "locations",
    "stock",
    "purchase_lines",
    "production",
    "needs",
    "budgets",
    "consumption",
    "machines",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a fact comes from.

    `source` is the system or file by the name that people know; `ref` is what the fact is called
    there. `happened_at` is None where the source does not say it; `entered_at` is when it was
    entered or changed there last and, where the source does not say that either, when it was read.
    """

    source: str
    ref: str
    happened_at: datetime | None
    entered_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that is bought, made or stocked; the cost is for one `unit`."""

    number: str
    name: str
    unit: Unit
    unit_cost: Money | None
    blocked: bool
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """Somebody who is bought from; `currency` is None where it is the company's own."""

    number: str
    name: str
    email: str
    currency: Currency | None
    blocked: bool
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place where stock lies."""

    code: str
    name: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What lies there; `location` is None for the sum over all of them."""

    item: str
    location: str | None
    quantity: Quantity
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseLine:
    """A line of a purchase order of which something is still to come.

    `line` is the number that the source gives it. `status` is `draft`, `in_review`, `released`
    or `unknown`; a word of the source that nobody listed is `unknown`, never a draft.
    """

    document: str
    line: int
    vendor: str
    item: str
    outstanding: Quantity
    unit_cost: Money | None
    expected: date | None
    location: str | None
    status: Literal["draft", "in_review", "released", "unknown"]
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionOrder:
    """Something that is to be made."""

    document: str
    item: str
    quantity: Quantity
    starts: date | None
    due: date | None
    status: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that is wanted on a day: by a sales order, or as part of a production order."""

    item: str
    quantity: Quantity
    due: date
    location: str | None
    wanted_by: Literal["sales", "production", "transfer"]
    document: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What an account was given, and what it spent, within a period; both days belong to it."""

    account: str
    name: str
    starts: date
    ends: date
    given: Money
    spent: Money | None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """What the floor used, often hours before the ERP knows."""

    item: str
    quantity: Quantity
    document: str
    location: str | None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How a machine stands; `until` is when that is to end, as far as somebody said so."""

    name: str
    state: Literal["running", "idle", "down", "maintenance", "unknown"]
    until: datetime | None
    reading: Decimal | None
    reading_unit: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that was read; what is not in it has its reason in `missing`.

    `since` is None for a full reading. Otherwise only what changed since then is in it, what was
    deleted is not, and a scope whose source cannot tell is read in full and named in `whole`.
    """

    read_at: datetime
    since: datetime | None = None
    items: tuple[Item, ...] = ()
    vendors: tuple[Vendor, ...] = ()
    locations: tuple[Location, ...] = ()
    stock: tuple[Stock, ...] = ()
    purchase_lines: tuple[PurchaseLine, ...] = ()
    production: tuple[ProductionOrder, ...] = ()
    needs: tuple[Need, ...] = ()
    budgets: tuple[Budget, ...] = ()
    consumption: tuple[Consumption, ...] = ()
    machines: tuple[Machine, ...] = ()
    whole: frozenset[Scope] = frozenset()
    missing: Mapping[Scope, str] = field(default_factory=dict[Scope, str])


def merged(snapshots: Iterable[Snapshot], *, read_at: datetime) -> Snapshot:
    """Put what several sources told into one; a scope is missing where every source lacks it."""
    some = tuple(snapshots)
    given = {scope for one in some for scope in SCOPES if scope not in one.missing}
    return Snapshot(
        read_at=read_at,
        items=tuple(chain.from_iterable(one.items for one in some)),
        vendors=tuple(chain.from_iterable(one.vendors for one in some)),
        locations=tuple(chain.from_iterable(one.locations for one in some)),
        stock=tuple(chain.from_iterable(one.stock for one in some)),
        purchase_lines=tuple(chain.from_iterable(one.purchase_lines for one in some)),
        production=tuple(chain.from_iterable(one.production for one in some)),
        needs=tuple(chain.from_iterable(one.needs for one in some)),
        budgets=tuple(chain.from_iterable(one.budgets for one in some)),
        consumption=tuple(chain.from_iterable(one.consumption for one in some)),
        machines=tuple(chain.from_iterable(one.machines for one in some)),
        whole=frozenset[Scope]().union(*(one.whole for one in some)),
        missing={
            scope: reason
            for one in some
            for scope, reason in one.missing.items()
            if scope not in given
        },
    )
