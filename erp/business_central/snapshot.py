"""Reads Business Central widely: everything that is watched, a collection at a time.

A replica answers, so nothing of this is promised to anybody: what is to be written is read again
from the primary. With `since` the items, vendors and locations are those changed after it. The
rest is read whole: queries say no moments, and a purchase order's moment does not move when only
the date of a line does, or when a part of it is received. What was deleted is missing from a full
reading only, so one is needed now and then. The collections are read side by side and not in one
transaction: what is received meanwhile may lie in stock and still be on order, until the next one.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from decisions.money import Currency
from decisions.quantity import Unit
from erp.business_central.client import (
    STANDARD,
    BusinessCentralClient,
    RefusedReadError,
    odata,
)
from erp.business_central.entities import Page
from erp.business_central.probing import (
    ANALYTICS_BUDGET,
    COMPONENTS,
    FINANCE_BUDGET,
    LEDGER,
    OUTSTANDING,
    PRODUCTION,
    SALES,
    Probes,
    Query,
)
from erp.business_central.snapshot_entities import (
    CompanyRow,
    ItemRow,
    LocationRow,
    OrderLineRow,
    OrderRow,
    OrderWithLines,
    Row,
    VendorRow,
    columns,
)
from erp.business_central.snapshot_facts import (
    BudgetEntry,
    Ground,
    analytics_entry,
    budgets,
    component_needs,
    factors_in,
    finance_entry,
    in_other_units,
    item_of,
    location_of,
    outstanding_lines,
    production_orders,
    purchase_lines,
    sales_needs,
    stock_by_place,
    stock_in_all,
    vendor_of,
)
from erp.snapshot import (
    SCOPES,
    Budget,
    Item,
    Location,
    Need,
    ProductionOrder,
    PurchaseLine,
    Scope,
    Snapshot,
    Stock,
    Vendor,
)

R = TypeVar("R", bound=Row)

READS: Final[frozenset[Scope]] = frozenset(SCOPES) - {"consumption", "machines"}
WHOLE: Final[frozenset[Scope]] = READS - {"items", "vendors", "locations"}
"""Scopes that cannot tell what changed."""

WITHIN: Final = 300.0
"""Seconds for everything that one snapshot reads."""

OVERLAP: Final = timedelta(minutes=5)
"""So much earlier than asked: clocks differ and a replica lags. A fact told twice does no harm."""

BACK: Final = timedelta(days=365)
"""Budgets older than this are of no use to anybody who watches the plant."""

ITEMS: Final = Query(
    name="items", row=ItemRow, pages=Page[ItemRow], api=STANDARD, needs="the right to read items"
)
VENDORS: Final = Query(
    name="vendors",
    row=VendorRow,
    pages=Page[VendorRow],
    api=STANDARD,
    needs="the right to read vendors",
)
LOCATIONS: Final = Query(
    name="locations",
    row=LocationRow,
    pages=Page[LocationRow],
    api=STANDARD,
    needs="the right to read locations",
)
ORDERS: Final = Query(
    name="purchaseOrders",
    row=OrderRow,
    pages=Page[OrderWithLines],
    api=STANDARD,
    needs="the right to read purchase orders",
)
COMPANY: Final = Query(
    name="companyInformation",
    row=CompanyRow,
    pages=Page[CompanyRow],
    api=STANDARD,
    needs="the right to read the company information",
)
_OPEN_ORDERS: Final = {
    "$filter": "fullyReceived eq false",
    "$expand": f"purchaseOrderLines($select={columns(OrderLineRow)};$filter=lineType eq 'Item')",
}

_NO_OPTIONS: Final[Mapping[str, str]] = {}
_DENIED: Final = frozenset({403, 404})
_IN_UNITS: Final[frozenset[Scope]] = frozenset({"stock", "purchase_lines", "production", "needs"})
_ELSEWHERE: Final = "Business Central does not know it"


class WideReader:
    """Reads one company widely; `reduced` says by scope what it last read in a lesser way."""

    def __init__(
        self,
        client: BusinessCentralClient,
        probes: Probes,
        *,
        now: Callable[[], datetime],
        within: float = WITHIN,
    ) -> None:
        """Keep what every snapshot needs."""
        self._client = client
        self._probes = probes
        self._now = now
        self._within = within
        self.reduced: dict[str, str] = {}

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read what is asked for.

        Raises:
            ErpUnreachableError: no usable answer in time.
        """
        wanted = frozenset(scopes)
        reading = _Reading(
            client=self._client,
            probes=self._probes,
            wanted=wanted,
            since=since,
            read_at=self._now(),
            until=asyncio.get_running_loop().time() + self._within,
        )
        try:
            snapshot = await reading.run()
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None  # one is enough, and the others were stopped
        for scope in wanted:
            self.reduced.pop(scope, None)
        self.reduced.update(reading.reduced)
        return snapshot


@dataclass(kw_only=True)
class _Reading:
    """One snapshot while it is read."""

    client: BusinessCentralClient
    probes: Probes
    wanted: frozenset[Scope]
    since: datetime | None
    read_at: datetime
    until: float
    missing: dict[Scope, str] = field(default_factory=dict[Scope, str])
    reduced: dict[str, str] = field(default_factory=dict[str, str])

    async def run(self) -> Snapshot:
        self.missing |= dict.fromkeys(self.wanted - READS, _ELSEWHERE)
        ground = await self._ground()
        async with asyncio.TaskGroup() as together:
            vendors = together.create_task(self._vendors(ground))
            stock = together.create_task(self._stock(ground))
            lines = together.create_task(self._purchase_lines(ground))
            production = together.create_task(self._production(ground))
            needs = together.create_task(self._needs(ground))
            spending = together.create_task(self._budgets(ground))
        return Snapshot(
            read_at=self.read_at,
            since=self.since,
            items=self._items(ground),
            vendors=vendors.result(),
            locations=self._locations(ground),
            stock=stock.result(),
            purchase_lines=lines.result(),
            production=production.result(),
            needs=needs.result(),
            budgets=spending.result(),
            whole=(self.wanted & WHOLE).difference(self.missing) if self.since else frozenset(),
            missing=self.missing,
        )

    async def _ground(self) -> Ground:
        async with asyncio.TaskGroup() as together:
            items = together.create_task(self._item_rows())
            places = together.create_task(self._place_rows())
            currency = together.create_task(self._currency())
        rows, found = items.result(), places.result()
        if rows is None:
            for scope in ("items", "stock", "production", "needs"):
                self._lacks(scope, ITEMS)
        if found is None:
            self._lacks("locations", LOCATIONS)
            self._lesser("purchase_lines", f"without locations, because {LOCATIONS.lacking}")
        if currency.result() is None:
            self._lesser("items", "without costs, because the company names no currency")
        return Ground(
            read_at=self.read_at,
            items=rows or (),
            places=found or (),
            units={row.number: Unit(row.base_unit_of_measure_code) for row in rows or ()},
            codes={row.id: row.code for row in found or ()},
            currency=currency.result(),
        )

    async def _item_rows(self) -> tuple[ItemRow, ...] | None:
        if not self._asks("items", *_IN_UNITS):
            return ()
        return await self._collection(ITEMS, whole=self._asks(*_IN_UNITS))

    async def _place_rows(self) -> tuple[LocationRow, ...] | None:
        if not self._asks("locations", "purchase_lines"):
            return ()
        return await self._collection(LOCATIONS, whole=self._asks("purchase_lines"))

    async def _currency(self) -> Currency | None:
        if not self._asks("items", "purchase_lines", "budgets"):
            return None
        found = await self._collection(COMPANY, whole=True)
        return Currency(found[0].currency_code) if found and found[0].currency_code else None

    def _items(self, ground: Ground) -> tuple[Item, ...]:
        if not self._asks("items"):
            return ()
        return tuple(item_of(row, ground) for row in ground.items if self._changed(row))

    def _locations(self, ground: Ground) -> tuple[Location, ...]:
        if not self._asks("locations"):
            return ()
        return tuple(location_of(row, ground) for row in ground.places if self._changed(row))

    async def _vendors(self, ground: Ground) -> tuple[Vendor, ...]:
        if not self._asks("vendors"):
            return ()
        rows = await self._collection(VENDORS)
        if rows is None:
            self._lacks("vendors", VENDORS)
        return tuple(vendor_of(row, ground) for row in rows or ())

    async def _stock(self, ground: Ground) -> tuple[Stock, ...]:
        if not self._asks("stock"):
            return ()
        rows = await self.probes.rows(LEDGER, until=self.until, only="open eq true")
        if rows is not None:
            return tuple(stock_by_place(rows, ground))
        self._lesser("stock", f"the sum over all locations, because {LEDGER.lacking}")
        return tuple(stock_in_all(ground.items, ground))

    async def _purchase_lines(self, ground: Ground) -> tuple[PurchaseLine, ...]:
        if not self._asks("purchase_lines"):
            return ()
        orders = await self._collection(ORDERS, _OPEN_ORDERS, whole=True)
        if orders is None:
            return await self._lines_without_orders(ground)
        if not in_other_units(orders, ground):
            return tuple(purchase_lines(orders, ground, {}))
        outstanding = await self.probes.rows(OUTSTANDING, until=self.until)
        if outstanding is None:
            lesser = "in the unit of the order where that does not convert"
            self._lesser("purchase_lines", f"{lesser}, because {OUTSTANDING.lacking}")
        return tuple(purchase_lines(orders, ground, factors_in(outstanding or ())))

    async def _lines_without_orders(self, ground: Ground) -> tuple[PurchaseLine, ...]:
        outstanding = await self.probes.rows(OUTSTANDING, until=self.until)
        if outstanding is None:
            self._lacks("purchase_lines", ORDERS)
            return ()
        lesser = "without line numbers, prices and states"
        self._lesser("purchase_lines", f"{lesser}, because {ORDERS.lacking}")
        return tuple(outstanding_lines(outstanding, ground))

    async def _production(self, ground: Ground) -> tuple[ProductionOrder, ...]:
        if not self._asks("production"):
            return ()
        rows = await self.probes.rows(PRODUCTION, until=self.until, only="status ne 'Finished'")
        if rows is None:
            self._lacks("production", PRODUCTION)
        return tuple(production_orders(rows or (), ground))

    async def _needs(self, ground: Ground) -> tuple[Need, ...]:
        if not self._asks("needs"):
            return ()
        sales = await self.probes.rows(SALES, until=self.until)
        parts = await self.probes.rows(COMPONENTS, until=self.until)
        if sales is None and parts is None:
            self._lacks("needs", SALES)
        elif sales is None:
            self._lesser("needs", f"without those of sales orders, because {SALES.lacking}")
        elif parts is None:
            self._lesser("needs", f"without those of production, because {COMPONENTS.lacking}")
        return (*sales_needs(sales or (), ground), *component_needs(parts or (), ground))

    async def _budgets(self, ground: Ground) -> tuple[Budget, ...]:
        if not self._asks("budgets"):
            return ()
        if ground.currency is None:
            self.missing["budgets"] = "not read, because the company names no currency"
            return ()
        return tuple(budgets(await self._budget_entries(), ground, ground.currency))

    async def _budget_entries(self) -> tuple[BudgetEntry, ...]:
        """Return the entries from API Reports - Finance, or else from the Power BI app."""
        first = f"{self.read_at - BACK:%Y-%m-01}"
        entries = await self.probes.rows(FINANCE_BUDGET, until=self.until, only=f"date ge {first}")
        if entries is not None:
            return tuple(finance_entry(row) for row in entries)
        lesser = await self.probes.rows(
            ANALYTICS_BUDGET, until=self.until, only=f"budgetDate ge {first}"
        )
        if lesser is None:
            self._lacks("budgets", FINANCE_BUDGET)
            return ()
        self._lesser(
            "budgets",
            "as the Power BI app shows them, perhaps cut by its date filter, because "
            f"{FINANCE_BUDGET.lacking}",
        )
        return tuple(analytics_entry(row) for row in lesser)

    async def _collection(
        self, source: Query[R], options: Mapping[str, str] = _NO_OPTIONS, *, whole: bool = False
    ) -> tuple[R, ...] | None:
        """Return a collection of the standard API; None where it is not granted."""
        asked = {"$select": columns(source.row), **options}
        if self.since is not None and not whole:
            after = (self.since - OVERLAP).astimezone(UTC)
            asked["$filter"] = f"lastModifiedDateTime gt {after:%Y-%m-%dT%H:%M:%SZ}"
        url = self.client.company.url(source.name, query=odata(asked))
        try:
            return await self.client.read_all(url, source.pages, until=self.until, wide=True)
        except RefusedReadError as refused:
            if refused.answer.status not in _DENIED:
                raise
            return None

    def _changed(self, row: ItemRow | LocationRow) -> bool:
        entered = row.last_modified_date_time
        return self.since is None or entered is None or entered > self.since - OVERLAP

    def _asks(self, *scopes: Scope) -> bool:
        return not self.wanted.isdisjoint(scopes)

    def _lacks(self, scope: Scope, source: Query[R]) -> None:
        if scope in self.wanted:
            self.missing[scope] = source.lacking

    def _lesser(self, scope: Scope, why: str) -> None:
        """Note in what way a scope is less than it could be; there may be several."""
        if scope in self.wanted:
            so_far = self.reduced.get(scope)
            self.reduced[scope] = f"{so_far}; {why}" if so_far else why
