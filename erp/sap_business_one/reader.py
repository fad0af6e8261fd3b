"""Reads SAP Business One and builds the exact change; holds no log-in that may write."""

import asyncio
from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from decisions.actions import (
    ACTION_KINDS,
    CancelDraftPurchaseOrder,
    CreatePurchaseOrder,
    DraftedAction,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.plan import WritePlan
from decisions.reconciliation import Marked
from erp.ports import Capabilities, Contact, NotPlannableError
from erp.sap_business_one.client import (
    NOT_FOUND,
    RefusedReadError,
    ServiceLayerClient,
    literal,
    odata,
)
from erp.sap_business_one.drafts import change_plan, draft_named
from erp.sap_business_one.entities import (
    PURCHASE_ORDERS,
    AdminInfo,
    BusinessPartner,
    Document,
    Item,
    Page,
    Warehouse,
)
from erp.sap_business_one.mapping import (
    DRAFTS,
    Facts,
    check_size,
    draft_name,
    draft_path,
    order_plan,
)
from erp.sap_business_one.marks import marked_documents
from erp.sap_business_one.sessions import SYSTEM
from erp.sap_business_one.snapshots import BUDGET as WIDE_BUDGET
from erp.sap_business_one.snapshots import READS, Snapshots
from erp.snapshot import Scope, Snapshot

WRITES: Final = frozenset(
    {
        "create_purchase_order",
        "set_po_quantity",
        "set_receipt_date",
        "cancel_draft_po",
        "acknowledge",
    }
)

_UNSEEN: Final = "not written here: no documented request for it was found"
_NEEDS: Final = {
    "add_po_line": "not written here: a line added twice could not be told from one added once",
    "create_transfer_order": _UNSEEN,
    "reschedule_production_order": _UNSEEN,
    "send_supplier_chaser": "needs a mail account; SAP Business One itself is not asked to send",
}

BUDGET: Final = 2.0
"""Seconds for everything a plan reads; a click waits for it."""

OPEN_DRAFTS: Final = f"DocObjectCode eq '{PURCHASE_ORDERS}' and DocumentStatus eq 'bost_Open'"

_VENDOR: Final = "CardCode,CardName,CardType,Currency,EmailAddress,Valid,Frozen"
_ITEM: Final = (
    "ItemCode,ItemName,InventoryUOM,UoMGroupEntry,Valid,Frozen,QuantityOnStock,AvgStdPrice,"
    "ItemWarehouseInfoCollection"
)
_WAREHOUSE: Final = "WarehouseCode,WarehouseName,Inactive"


class SapBusinessOneReader:
    """Reads one company."""

    def __init__(
        self, client: ServiceLayerClient, *, snapshots: Snapshots, budget: float = BUDGET
    ) -> None:
        """Keep the client, and how long one plan may take to read."""
        self._client = client
        self._snapshots = snapshots
        self._budget = budget
        self._local_currency: str | None = None

    def capabilities(self) -> Capabilities:
        """Return what this connector can do."""
        return Capabilities(
            system=SYSTEM,
            writes=WRITES,
            needs={
                kind: _NEEDS.get(kind, "not switched on in this version")
                for kind in ACTION_KINDS
                if kind not in WRITES
            },
            reads=READS,
        )

    async def plan(self, action: DraftedAction, *, marker: str) -> WritePlan:
        """Read everything the action touches and build the exact change.

        Raises:
            ErpUnreachableError: no usable answer in time.
            NotPlannableError: an unknown or blocked vendor or item, a unit that would have to be
                guessed, a kind this connector cannot write.
        """
        until = asyncio.get_running_loop().time() + self._budget
        company = self._client.company.company_db
        match action:
            case CreatePurchaseOrder():
                check_size(action)
                facts = await self._facts(action, until)
                return order_plan(action, facts, company=company, marker=marker)
            case SetPurchaseOrderQuantity() | SetReceiptDate() | CancelDraftPurchaseOrder():
                draft, etag = await self._draft(draft_named(action.document), until)
                return change_plan(action, draft, etag, company=company, marker=marker)
            case _:
                raise NotPlannableError(f"{SYSTEM} is not written for “{action.kind}”.")

    async def contact(self, vendor: str) -> Contact:
        """Return where a vendor is reached.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: there is no such vendor.
        """
        until = asyncio.get_running_loop().time() + self._budget
        found = await self._vendor(vendor, until)
        if found is None:
            raise NotPlannableError(f"{SYSTEM} knows no vendor {vendor}.")
        return Contact(vendor=vendor, name=found.card_name or "", email=found.email_address or "")

    async def marked(self, *, since: datetime) -> tuple[Marked, ...]:
        """Return every document with a mark of ours, those too that were not changed since then.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        del since
        return await marked_documents(
            self._client, until=asyncio.get_running_loop().time() + WIDE_BUDGET
        )

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read widely; with `since` only what changed after it, as far as it can tell.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        return await self._snapshots.read(scopes, since=since)

    async def _facts(self, action: CreatePurchaseOrder, until: float) -> Facts:
        numbers = sorted({line.item for line in action.lines})
        places = sorted({line.location for line in action.lines if line.location is not None})
        vendor, items, warehouses, drafts, local = await asyncio.gather(
            self._vendor(action.vendor, until),
            self._items(numbers, until),
            self._warehouses(places, until),
            self._drafts(until),
            self._currency(until),
        )
        return Facts(
            vendor=vendor,
            local_currency=local,
            items=items,
            warehouses=warehouses,
            on_order={number: _on_order(item, drafts) for number, item in items.items()},
        )

    async def _vendor(self, number: str, until: float) -> BusinessPartner | None:
        query = odata({"$filter": f"CardCode eq {literal(number)}", "$select": _VENDOR})
        url = self._client.company.url("BusinessPartners", query=query)
        found = await self._client.read_all(url, Page[BusinessPartner], until=until)
        return next((one for one in found if one.card_code == number), None)

    async def _items(self, numbers: Iterable[str], until: float) -> dict[str, Item]:
        query = odata({"$filter": _any_of("ItemCode", numbers), "$select": _ITEM})
        url = self._client.company.url("Items", query=query)
        found = await self._client.read_all(url, Page[Item], until=until)
        return {item.item_code: item for item in found}

    async def _warehouses(self, codes: list[str], until: float) -> dict[str, Warehouse]:
        if not codes:
            return {}
        query = odata({"$filter": _any_of("WarehouseCode", codes), "$select": _WAREHOUSE})
        url = self._client.company.url("Warehouses", query=query)
        found = await self._client.read_all(url, Page[Warehouse], until=until)
        return {warehouse.warehouse_code: warehouse for warehouse in found}

    async def _draft(self, doc_entry: int, until: float) -> tuple[Document, str]:
        """Read a draft whole: with $select its ETag would be of no use."""
        url = self._client.company.url(draft_path(doc_entry))
        try:
            return await self._client.read(url, Document, until=until)
        except RefusedReadError as refused:
            if refused.answer.status != NOT_FOUND:
                raise
            raise NotPlannableError(f"{SYSTEM} knows no {draft_name(doc_entry)}.") from refused

    async def _drafts(self, until: float) -> tuple[Document, ...]:
        """Read the open drafts of orders; what stands on them is in no figure of the items."""
        query = odata({"$filter": OPEN_DRAFTS, "$select": "DocEntry,DocumentLines"})
        url = self._client.company.url(DRAFTS, query=query)
        return await self._client.read_all(url, Page[Document], until=until)

    async def _currency(self, until: float) -> str:
        """Return the local currency; a company cannot change it, so it is read once."""
        if self._local_currency is None:
            url = self._client.company.url("CompanyService_GetAdminInfo")
            info = await self._client.ask(url, AdminInfo, until=until)
            self._local_currency = info.local_currency
        return self._local_currency


def _on_order(item: Item, drafts: Iterable[Document]) -> Decimal | None:
    """Return what is ordered and what stands on drafts, in the inventory unit."""
    total = item.ordered
    for draft in drafts:
        for line in draft.document_lines:
            if line.item_code == item.item_code:
                if line.inventory_quantity is None:
                    return None
                total += line.inventory_quantity
    return total


def _any_of(field: str, values: Iterable[str]) -> str:
    """Write a filter that one field has one of the values."""
    return " or ".join(f"{field} eq {literal(value)}" for value in values)
