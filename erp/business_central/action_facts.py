"""Whether the Countersign extension is there, and what its actions rely on; read before a plan."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from decisions.actions import CreateTransferOrder, RescheduleProductionOrder
from decisions.plan import WritePlan
from decisions.reconciliation import Marked
from erp.business_central.actions import (
    ACTIONS,
    KINDS,
    MOVABLE,
    ProductionOrder,
    TransferFacts,
    reschedule_plan,
    transfer_plan,
)
from erp.business_central.client import (
    ANALYTICS,
    EXTENSION,
    BusinessCentralClient,
    RefusedReadError,
    literal,
    odata,
)
from erp.business_central.entities import Item, Location, Page
from erp.business_central.probing import DENIED, LEDGER, PRODUCTION, Probes, Query
from erp.business_central.snapshot_entities import LedgerRow, Row, columns
from erp.ports import NotPlannableError

NEEDS: Final = "needs the Countersign extension in Business Central"


class _Done(Row, frozen=True, kw_only=True):
    """An action that was carried out."""

    action_id: UUID
    marker: str
    document_no: str


_ACTIONS: Final = Query(
    name=ACTIONS,
    row=_Done,
    pages=Page[_Done],
    api=EXTENSION,
    needs="the Countersign extension, and the permission set CS ACTIONS, READ",
)


class ActionPlanner:
    """Plans what the extension carries out, where it is installed and granted.

    It is asked for when it is first needed and then once an hour, by whoever plans.
    """

    def __init__(self, client: BusinessCentralClient, probes: Probes) -> None:
        """Keep the client, and what is remembered of the queries that were asked for."""
        self._client = client
        self._probes = probes

    @property
    def writes(self) -> frozenset[str]:
        """Return the kinds that can be written, as far as was asked."""
        return KINDS if self._probes.last(_ACTIONS) else frozenset()

    @property
    def unsettled(self) -> frozenset[str]:
        """Return the kinds of which the next plan will find out."""
        return frozenset() if self._probes.denied(_ACTIONS) else KINDS - self.writes

    async def plan(
        self,
        action: CreateTransferOrder | RescheduleProductionOrder,
        *,
        marker: str,
        until: float,
    ) -> WritePlan:
        """Read everything the action touches and build the exact change.

        Raises:
            ErpUnreachableError: no usable answer in time.
            NotPlannableError: the extension is not there, or a fact does not allow it.
        """
        if not await self._probes.granted(_ACTIONS, until=until):
            raise NotPlannableError(f"“{action.kind}” {NEEDS}.")
        company = self._client.company.company_id
        if isinstance(action, CreateTransferOrder):
            facts = await self._transfer_facts(action, until)
            return transfer_plan(action, facts, company=company, marker=marker)
        order = await self._production_order(action.document, until)
        return reschedule_plan(action, order, company=company, marker=marker)

    async def marked(self, *, since: datetime, until: float) -> tuple[Marked, ...]:
        """Return every action that was carried out since then; none without the extension.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        if not await self._probes.granted(_ACTIONS, until=until):
            return ()
        query = odata(
            {
                "$select": columns(_Done),
                "$filter": f"doneAt ge {since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            }
        )
        url = self._client.company.url(ACTIONS, api=EXTENSION, query=query)
        return tuple(
            Marked(marker=row.marker, document=row.document_no, document_id=str(row.action_id))
            for row in await self._client.read_all(url, Page[_Done], until=until)
        )

    async def _transfer_facts(self, action: CreateTransferOrder, until: float) -> TransferFacts:
        item, locations, stock = await asyncio.gather(
            self._item(action.item, until),
            self._locations((action.from_location, action.to_location), until),
            self._stock(action.item, action.from_location, until),
        )
        return TransferFacts(item=item, locations=locations, stock=stock)

    async def _item(self, number: str, until: float) -> Item | None:
        query = odata({"$filter": f"number eq {literal(number)}"})
        url = self._client.company.url("items", query=query)
        found = await self._client.read_all(url, Page[Item], until=until)
        return found[0] if found else None

    async def _locations(self, codes: tuple[str, ...], until: float) -> frozenset[str]:
        wanted = " or ".join(f"code eq {literal(code)}" for code in codes)
        url = self._client.company.url("locations", query=odata({"$filter": wanted}))
        found = await self._client.read_all(url, Page[Location], until=until)
        return frozenset(place.code for place in found)

    async def _stock(self, number: str, place: str, until: float) -> Decimal | None:
        """Return what lies at a location, from the primary; None where that is not granted."""
        if self._probes.denied(LEDGER):
            return None
        only = f"itemNo eq {literal(number)} and locationCode eq {literal(place)} and open eq true"
        url = self._client.company.url(LEDGER.name, api=ANALYTICS, query=odata({"$filter": only}))
        try:
            rows = await self._client.read_all(url, Page[LedgerRow], until=until)
        except RefusedReadError as refused:
            if refused.answer.status not in DENIED:
                raise
            self._probes.learn(LEDGER, granted=False)
            return None
        return sum((row.remaining_quantity for row in rows), Decimal(0))

    async def _production_order(self, number: str, until: float) -> ProductionOrder:
        """Return the order that can be moved, where one number has several states."""
        query = odata({"$filter": f"no eq {literal(number)}"})
        url = self._client.company.url(PRODUCTION.name, api=ANALYTICS, query=query)
        try:
            found = await self._client.read_all(url, Page[ProductionOrder], until=until)
        except RefusedReadError as refused:
            if refused.answer.status not in DENIED:
                raise
            raise NotPlannableError(
                f"Production order {number} cannot be read. {PRODUCTION.lacking}."
            ) from refused
        if not found:
            raise NotPlannableError(f"Business Central knows no production order {number}.")
        return next((one for one in found if one.state in MOVABLE), found[0])
