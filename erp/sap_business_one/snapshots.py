"""Reads widely: items with their stock, vendors, warehouses, and what is still to come.

When a record was changed is told as a day and a time of day without a time zone (SDK help,
UpdateDate and UpdateTime), so every fact counts as entered when it was read, and a reading of
what changed goes back a day further than asked.
"""

import asyncio
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from decisions.money import Currency, Money
from decisions.quantity import Quantity
from erp import snapshot as facts
from erp.sap_business_one.client import ServiceLayerClient, odata
from erp.sap_business_one.entities import (
    PURCHASE_ORDERS,
    AdminInfo,
    BusinessPartner,
    Document,
    Item,
    Page,
    Warehouse,
    day_of,
)
from erp.sap_business_one.mapping import ANY_CURRENCY, DRAFTS, ORDERS, draft_name, unit_of
from erp.sap_business_one.reading_back import DRAFT, IN_REVIEW, status_of
from erp.sap_business_one.sessions import SYSTEM
from erp.snapshot import SCOPES, Origin, Scope, Snapshot

READS: Final[frozenset[Scope]] = frozenset(
    {"items", "vendors", "locations", "stock", "purchase_lines"}
)

_MISSING: Final = f"{SYSTEM} is not read for it in this version"

BUDGET: Final = 300.0
"""Seconds for one reading of everything."""

_A_DAY: Final = timedelta(days=1)

_ITEM: Final = "ItemCode,ItemName,InventoryUOM,Valid,Frozen,AvgStdPrice"
_STOCKED: Final = f"{_ITEM},ItemWarehouseInfoCollection"
_VENDOR: Final = "CardCode,CardName,CardType,Currency,EmailAddress,Valid,Frozen"
_WAREHOUSE: Final = "WarehouseCode,WarehouseName,Inactive"
_DOCUMENT: Final = (
    "DocEntry,DocNum,CardCode,DocCurrency,DocumentStatus,AuthorizationStatus,DocumentLines"
)
_OPEN: Final = "DocumentStatus eq 'bost_Open'"

_Status = Literal["draft", "in_review", "released", "unknown"]
_STATUS: Final[dict[str, _Status]] = {DRAFT: "draft", IN_REVIEW: "in_review"}


class Snapshots:
    """Reads one company widely."""

    def __init__(
        self,
        client: ServiceLayerClient,
        *,
        now: Callable[[], datetime],
        budget: float = BUDGET,
    ) -> None:
        """Keep the client and the clock; the budget is in seconds."""
        self._client = client
        self._now = now
        self._budget = budget

    async def read(self, scopes: Collection[Scope], *, since: datetime | None) -> Snapshot:
        """Return what is asked for and can be given.

        Items and vendors can be read by what changed. Stock stands on the items but does not
        change their date, and an order that was closed would just be gone, so those are whole.

        Raises:
            ErpUnreachableError: no usable answer in time.
        """
        wanted = READS & set(scopes)
        until = asyncio.get_running_loop().time() + self._budget
        read_at = self._now()
        by_item = wanted & {"items", "stock"}
        local = await self._local_currency(until) if wanted - {"locations"} else Currency("")
        items = await self._items(since, until, stock="stock" in wanted) if by_item else ()
        vendors = await self._vendors(since, until) if "vendors" in wanted else ()
        places = await self._warehouses(until) if "locations" in wanted else ()
        documents = await self._documents(until) if "purchase_lines" in wanted else ()
        by_change = {"vendors"} if "stock" in wanted else {"vendors", "items"}
        return Snapshot(
            read_at=read_at,
            since=since,
            items=tuple(_item(one, local, read_at) for one in items) if "items" in wanted else (),
            vendors=tuple(_vendor(one, read_at) for one in vendors),
            locations=tuple(_location(one, read_at) for one in places),
            stock=tuple(fact for one in items for fact in _stock(one, read_at))
            if "stock" in wanted
            else (),
            purchase_lines=tuple(
                line
                for set_name, one in documents
                for line in _lines(set_name, one, local, read_at)
            ),
            whole=frozenset() if since is None else wanted - by_change,
            missing={scope: _MISSING for scope in SCOPES if scope in set(scopes) - wanted},
        )

    async def _local_currency(self, until: float) -> Currency:
        url = self._client.company.url("CompanyService_GetAdminInfo")
        return Currency((await self._client.ask(url, AdminInfo, until=until)).local_currency)

    async def _items(
        self, since: datetime | None, until: float, *, stock: bool
    ) -> tuple[Item, ...]:
        options = {"$select": _STOCKED if stock else _ITEM, "$orderby": "ItemCode"}
        if since is not None and not stock:
            options["$filter"] = _changed(since)
        url = self._client.company.url("Items", query=odata(options))
        return await self._client.read_all(url, Page[Item], until=until)

    async def _vendors(self, since: datetime | None, until: float) -> tuple[BusinessPartner, ...]:
        condition = "CardType eq 'cSupplier'"
        if since is not None:
            condition = f"{condition} and {_changed(since)}"
        query = odata({"$filter": condition, "$select": _VENDOR, "$orderby": "CardCode"})
        url = self._client.company.url("BusinessPartners", query=query)
        return await self._client.read_all(url, Page[BusinessPartner], until=until)

    async def _warehouses(self, until: float) -> tuple[Warehouse, ...]:
        query = odata({"$select": _WAREHOUSE, "$orderby": "WarehouseCode"})
        url = self._client.company.url("Warehouses", query=query)
        return await self._client.read_all(url, Page[Warehouse], until=until)

    async def _documents(self, until: float) -> tuple[tuple[str, Document], ...]:
        conditions = {
            ORDERS: _OPEN,
            DRAFTS: f"DocObjectCode eq '{PURCHASE_ORDERS}' and {_OPEN}",
        }
        found: list[tuple[str, Document]] = []
        for set_name, condition in conditions.items():
            query = odata({"$filter": condition, "$select": _DOCUMENT, "$orderby": "DocEntry"})
            url = self._client.company.url(set_name, query=query)
            documents = await self._client.read_all(url, Page[Document], until=until)
            found += [(set_name, document) for document in documents]
        return tuple(found)


def _changed(since: datetime) -> str:
    return f"UpdateDate ge '{since.astimezone(UTC).date() - _A_DAY:%Y-%m-%d}'"


def _origin(ref: str, read_at: datetime) -> Origin:
    return Origin(source=SYSTEM, ref=ref, happened_at=None, entered_at=read_at)


def _item(item: Item, local: Currency, read_at: datetime) -> facts.Item:
    return facts.Item(
        number=item.item_code,
        name=item.item_name or "",
        unit=unit_of(item.inventory_uom),
        unit_cost=Money(item.avg_std_price, local),
        blocked=item.stopped,
        origin=_origin(f"Items('{item.item_code}')", read_at),
    )


def _vendor(vendor: BusinessPartner, read_at: datetime) -> facts.Vendor:
    named = vendor.currency if vendor.currency != ANY_CURRENCY else None
    return facts.Vendor(
        number=vendor.card_code,
        name=vendor.card_name or "",
        email=vendor.email_address or "",
        currency=Currency(named) if named else None,
        blocked=vendor.stopped,
        origin=_origin(f"BusinessPartners('{vendor.card_code}')", read_at),
    )


def _location(warehouse: Warehouse, read_at: datetime) -> facts.Location:
    return facts.Location(
        code=warehouse.warehouse_code,
        name=warehouse.warehouse_name or "",
        origin=_origin(f"Warehouses('{warehouse.warehouse_code}')", read_at),
    )


def _stock(item: Item, read_at: datetime) -> Iterator[facts.Stock]:
    for one in item.warehouses:
        if one.in_stock:
            yield facts.Stock(
                item=item.item_code,
                location=one.warehouse_code,
                quantity=Quantity(one.in_stock, unit_of(item.inventory_uom)),
                origin=_origin(f"Items('{item.item_code}')/{one.warehouse_code}", read_at),
            )


def _lines(
    set_name: str, document: Document, local: Currency, read_at: datetime
) -> Iterator[facts.PurchaseLine]:
    is_draft = set_name == DRAFTS
    currency = Currency(document.doc_currency or local)
    for line in document.document_lines:
        # A draft is received by nobody, so what is open is what stands there.
        still = line.quantity if is_draft else line.remaining_open_quantity
        if not line.item_code or not still or line.line_status == "bost_Close":
            continue
        yield facts.PurchaseLine(
            document=draft_name(document.doc_entry) if is_draft else str(document.doc_num),
            line=line.line_num,
            vendor=document.card_code,
            item=line.item_code,
            outstanding=Quantity(still, unit_of(line.measure_unit)),
            unit_cost=Money(line.unit_price, currency),
            expected=day_of(line.ship_date),
            location=line.warehouse_code,
            status=_STATUS.get(status_of(document), "unknown") if is_draft else "released",
            origin=_origin(f"{set_name}({document.doc_entry})/{line.line_num}", read_at),
        )
