"""Reads Business Central and builds the exact change; holds no log-in that may write."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from decisions.actions import (
    ACTION_KINDS,
    AddPurchaseOrderLine,
    CancelDraftPurchaseOrder,
    CreatePurchaseOrder,
    CreateTransferOrder,
    DraftedAction,
    RescheduleProductionOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.money import Currency
from decisions.plan import WritePlan
from decisions.quantity import Unit, factor_between
from decisions.reconciliation import Marked
from erp.business_central.action_facts import NEEDS, ActionPlanner
from erp.business_central.actions import KINDS
from erp.business_central.client import (
    ANALYTICS,
    BusinessCentralClient,
    RefusedReadError,
    literal,
    odata,
)
from erp.business_central.documents import Standing, edit_plan, line_plan, marks_of
from erp.business_central.entities import (
    CompanyInformation,
    Item,
    Location,
    OutstandingLine,
    Page,
    PurchaseOrder,
    Vendor,
    VendorContact,
)
from erp.business_central.mapping import Facts, check_size, order_plan, planned_lines
from erp.business_central.probing import DENIED, OUTSTANDING, Probes
from erp.business_central.snapshot import READS, WideReader
from erp.business_central.tokens import SYSTEM
from erp.ports import Capabilities, Contact, NotPlannableError
from erp.snapshot import Scope, Snapshot

WRITES: Final = frozenset(
    {
        "create_purchase_order",
        "add_po_line",
        "set_po_quantity",
        "set_receipt_date",
        "cancel_draft_po",
        "acknowledge",
    }
)

_WIDE: Final = 300.0
"""Seconds for everything that was changed in some days; nobody waits for it."""

BUDGET: Final = 2.0
"""Seconds for everything a plan reads; a click waits for it."""

ON_ORDER: Final = "quantity already on order"
_FROM_ORDERS: Final = (
    "summed up from the open purchase orders, because the query outstandingPurchaseLines "
    "is not granted (permission set Power BI Report Basic)"
)
_UNREAD: Final = "not read, because neither the query nor the purchase orders are granted"


class BusinessCentralReader:
    """Reads one company; plans always from the primary, for a replica may lag behind."""

    def __init__(
        self,
        client: BusinessCentralClient,
        *,
        now: Callable[[], datetime],
        budget: float = BUDGET,
    ) -> None:
        """Keep the client, and how long one plan may take to read."""
        self._client = client
        self._budget = budget
        self._reduced: dict[str, str] = {}
        self._probes = Probes(client, now)
        self._wide = WideReader(client, self._probes, now=now)
        self._actions = ActionPlanner(client, self._probes)

    def capabilities(self) -> Capabilities:
        """Return what this connector can do."""
        writes = WRITES | self._actions.writes
        others = (kind for kind in ACTION_KINDS if kind not in writes)
        return Capabilities(
            system=SYSTEM,
            writes=writes,
            needs={
                # Transfer orders are read-only in the standard API, production orders not in it.
                kind: NEEDS if kind in KINDS else "not switched on in this version"
                for kind in others
            },
            unsettled=self._actions.unsettled,
            reads=READS,
            reduced=self._reduced | self._wide.reduced,
        )

    async def plan(self, action: DraftedAction, *, marker: str) -> WritePlan:
        """Read everything the action touches and build the exact change.

        Raises:
            ErpUnreachableError: no usable answer in time.
            NotPlannableError: an unknown or blocked vendor or item, a unit that would have to be
                guessed, a kind this connector cannot write.
        """
        until = asyncio.get_running_loop().time() + self._budget
        match action:
            case CreatePurchaseOrder():
                check_size(action)
                facts = await self._facts(action, until)
                return order_plan(action, facts, company=self._company, marker=marker)
            case AddPurchaseOrderLine():
                return await self._line_plan(action, marker, until)
            case SetPurchaseOrderQuantity() | SetReceiptDate() | CancelDraftPurchaseOrder():
                standing = await self._standing(action.document, until)
                return edit_plan(action, standing, company=self._company, marker=marker)
            case CreateTransferOrder() | RescheduleProductionOrder():
                return await self._actions.plan(action, marker=marker, until=until)
            case _:
                raise NotPlannableError(f"Business Central is not written for “{action.kind}”.")

    @property
    def _company(self) -> str:
        return self._client.company.company_id

    async def _line_plan(
        self, action: AddPurchaseOrderLine, marker: str, until: float
    ) -> WritePlan:
        standing = await self._standing(action.document, until)
        # Priced and checked as the one line of an order with the same vendor would be.
        order = CreatePurchaseOrder(
            vendor=standing.order.vendor_number,
            currency=standing.currency,
            lines=(action.line,),
        )
        check_size(order)
        (line,), relies_on = planned_lines(order, await self._facts(order, until))
        return line_plan(standing, line, relies_on, company=self._company, marker=marker)

    async def contact(self, vendor: str) -> Contact:
        """Return where a vendor is reached.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: there is no such vendor.
        """
        query = odata(
            {"$filter": f"number eq {literal(vendor)}", "$select": "number,displayName,email"}
        )
        url = self._client.company.url("vendors", query=query)
        until = asyncio.get_running_loop().time() + self._budget
        found = await self._client.read_all(url, Page[VendorContact], until=until)
        if not found:
            raise NotPlannableError(f"Business Central knows no vendor {vendor}.")
        return Contact(vendor=vendor, name=found[0].display_name, email=found[0].email)

    async def marked(self, *, since: datetime) -> tuple[Marked, ...]:
        """Return what carries a mark of ours: orders changed since then, and actions done.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        query = odata(
            {
                "$filter": f"lastModifiedDateTime ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "$expand": "purchaseOrderLines",
            }
        )
        url = self._client.company.url("purchaseOrders", query=query)
        until = asyncio.get_running_loop().time() + _WIDE
        orders = tuple(
            Marked(marker=marker, document=order.number, document_id=str(order.id))
            for order in await self._client.read_all(url, Page[PurchaseOrder], until=until)
            for marker in marks_of(order)
        )
        return orders + await self._actions.marked(since=since, until=until)

    async def _standing(self, number: str, until: float) -> Standing:
        query = odata({"$filter": f"number eq {literal(number)}", "$expand": "purchaseOrderLines"})
        url = self._client.company.url("purchaseOrders", query=query)
        found = await self._client.read_all(url, Page[PurchaseOrder], until=until)
        if not found:
            raise NotPlannableError(f"Business Central knows no purchase order {number}.")
        order = found[0]
        currency = order.currency_code or await self._currency(until)
        return Standing(order=order, currency=Currency(currency or "???"))

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read widely; with `since` only what changed after it, as far as the ERP can tell.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        return await self._wide.snapshot(scopes, since=since)

    async def _facts(self, action: CreatePurchaseOrder, until: float) -> Facts:
        numbers = sorted({line.item for line in action.lines})
        places = sorted({line.location for line in action.lines if line.location is not None})
        vendor, items, locations = await asyncio.gather(
            self._vendor(action.vendor, until),
            self._items(numbers, until),
            self._locations(places, until),
        )
        on_order = await self._on_order(items, until)
        local = "" if vendor is None or vendor.currency_code else await self._currency(until)
        return Facts(
            vendor=vendor,
            local_currency=local,
            items=items,
            locations=locations,
            on_order=on_order,
        )

    async def _vendor(self, number: str, until: float) -> Vendor | None:
        query = odata({"$filter": f"number eq {literal(number)}"})
        url = self._client.company.url("vendors", query=query)
        found = await self._client.read_all(url, Page[Vendor], until=until)
        return found[0] if found else None

    async def _items(self, numbers: Iterable[str], until: float) -> dict[str, Item]:
        query = odata({"$filter": _any_of("number", numbers)})
        url = self._client.company.url("items", query=query)
        found = await self._client.read_all(url, Page[Item], until=until)
        return {item.number: item for item in found}

    async def _locations(self, codes: list[str], until: float) -> dict[str, Location]:
        if not codes:
            return {}
        query = odata({"$filter": _any_of("code", codes)})
        url = self._client.company.url("locations", query=query)
        found = await self._client.read_all(url, Page[Location], until=until)
        return {location.code: location for location in found}

    async def _currency(self, until: float) -> str:
        url = self._client.company.url("companyInformation")
        found = await self._client.read_all(url, Page[CompanyInformation], until=until)
        return found[0].currency_code if found else ""

    async def _on_order(self, items: dict[str, Item], until: float) -> dict[str, Decimal | None]:
        """Return what is still to come of each item, from the best source that is granted."""
        if not items:
            return {}
        if not self._probes.denied(OUTSTANDING):
            try:
                found = await self._outstanding(items, until)
            except RefusedReadError as refused:
                if refused.answer.status not in DENIED:
                    raise
                self._probes.learn(OUTSTANDING, granted=False)
            else:
                self._reduced.pop(ON_ORDER, None)
                return found
        try:
            open_orders = await self._open_orders(items, until)
        except RefusedReadError as refused:
            if refused.answer.status not in DENIED:
                raise
            self._reduced[ON_ORDER] = _UNREAD
            return dict.fromkeys(items, None)
        self._reduced[ON_ORDER] = _FROM_ORDERS
        return open_orders

    async def _outstanding(
        self, items: dict[str, Item], until: float
    ) -> dict[str, Decimal | None]:
        query = odata({"$filter": _any_of("itemNo", items)})
        url = self._client.company.url("outstandingPurchaseLines", api=ANALYTICS, query=query)
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for line in await self._client.read_all(url, Page[OutstandingLine], until=until):
            if line.document_type == "Order":
                sums[line.item_no] += line.outstanding_qty_base
        return {number: sums[number] for number in items}

    async def _open_orders(
        self, items: dict[str, Item], until: float
    ) -> dict[str, Decimal | None]:
        """Sum up the open lines; an item with a line in a unit that we cannot convert has none."""
        wanted = _any_of("lineObjectNumber", items)
        query = odata(
            {
                "$filter": "fullyReceived eq false",
                "$expand": f"purchaseOrderLines($filter={wanted})",
            }
        )
        url = self._client.company.url("purchaseOrders", query=query)
        sums: dict[str, Decimal | None] = dict.fromkeys(items, Decimal(0))
        for order in await self._client.read_all(url, Page[PurchaseOrder], until=until):
            for line in order.purchase_order_lines:
                item = items.get(line.line_object_number)
                if item is None or line.line_type != "Item":
                    continue
                base = Unit(item.base_unit_of_measure_code)
                factor = factor_between(Unit(line.unit_of_measure_code), base)
                so_far = sums[item.number]
                sums[item.number] = (
                    None
                    if factor is None or so_far is None
                    else so_far + (line.quantity - line.received_quantity) * factor
                )
        return sums


def _any_of(field: str, values: Iterable[str]) -> str:
    """Write a filter that one field has one of the values; OR over two fields is not allowed."""
    return " or ".join(f"{field} eq {literal(value)}" for value in values)
