"""Writes Business Central, with a log-in of its own; only the write gate is handed this."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from decisions.plan import WritePlan
from decisions.recommendation import Receipt
from erp.business_central.action_log import ActionLog, outcome_of_action
from erp.business_central.client import (
    EXTENSION,
    STANDARD,
    Answer,
    BusinessCentralClient,
    NoAnswerError,
    NoConnectionError,
    TooLateError,
    literal,
    odata,
)
from erp.business_central.edits import Edits
from erp.business_central.entities import Location, NewOrder, Page, PurchaseOrder
from erp.business_central.links import WebClient
from erp.business_central.mapping import ORDERS
from erp.business_central.operations import (
    Action,
    Creation,
    Edit,
    NotOurPlanError,
    Operation,
    operation_in,
)
from erp.business_central.outcomes import outcome_of
from erp.business_central.reading_back import (
    carries,
    checks,
    planned_locations,
    unplanned_locations,
)
from erp.business_central.tokens import LogInError
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    Moved,
    NotFound,
    NotSent,
    Outcome,
    Refused,
    Search,
    Unknown,
)

_WRITE_TIME: Final = 120.0
"""Seconds for the one write; giving up early only makes doubts (facts of the ERP: over 60)."""

_READ_TIME: Final = 20.0

_LOOK_BACK: Final = timedelta(days=60)
"""How far back an order with the marker may have been changed last; longer than any approval."""

_LOG_IN_AGAIN: Final = timedelta(minutes=1)


class BusinessCentralWriter:
    """Creates and changes draft purchase orders in one company, and moves receipt dates.

    Where the Countersign extension is installed, also what that carries out.
    """

    def __init__(
        self,
        client: BusinessCentralClient,
        *,
        now: Callable[[], datetime],
        write_time: float = _WRITE_TIME,
        read_time: float = _READ_TIME,
        look_back: timedelta = _LOOK_BACK,
        web_client: str = "",
    ) -> None:
        """Keep the client and the clock; times in seconds, `web_client` is where people look."""
        self._client = client
        self._now = now
        self._write_time = write_time
        self._read_time = read_time
        self._look_back = look_back
        self._web = WebClient(client, root=web_client)
        self._edits = Edits(client, now=now, read_time=read_time, link=self._web.order)
        self._actions = ActionLog(client, now=now, read_time=read_time)

    async def probe(self, plan: WritePlan) -> Search:
        """Tell whether what the plan does was done.

        A new order is searched for by its marker among the vendor's recent ones. They are
        scanned here, because Business Central ignores a lambda in a filter and would return
        everything (odata-known-limitations.md).

        Raises:
            NotOurPlanError: the plan is not one of this connector's.
        """
        match self._operation(plan):
            case Creation(sent=order):
                return await self._searched(plan, order)
            case Action() as action:
                return await self._actions.probe(action)
            case edit:
                return await self._edits.probe(plan, edit)

    async def _searched(self, plan: WritePlan, sent: NewOrder) -> Search:
        vendor = sent.vendor_number
        since = (self._now() - self._look_back).astimezone(UTC)
        query = odata(
            {
                "$filter": f"vendorNumber eq {literal(vendor)} "
                f"and lastModifiedDateTime ge {since:%Y-%m-%dT%H:%M:%SZ}",
                "$expand": "purchaseOrderLines($filter=lineType eq 'Comment')",
            }
        )
        url = self._client.company.url(ORDERS, query=query)
        try:
            orders = await self._client.read_all(url, Page[PurchaseOrder], until=self._until())
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        for order in orders:
            if carries(order, plan.marker):
                return Found(document=order.number, document_id=str(order.id))
        return NotFound()

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Send the plan's one request, once, with no retry inside, and not from `before` on."""
        try:
            operation = self._operation(plan)
        except NotOurPlanError as wrong:
            return Refused(code="not_our_plan", text=str(wrong))
        if isinstance(operation, Creation):
            return await self._sent(plan, before)
        if isinstance(operation, Action):
            outcome = await self._sent(plan, before, api=EXTENSION, means=outcome_of_action)
            return await self._actions.believed(outcome, operation)
        return await self._edited(plan, operation, before)

    async def _edited(self, plan: WritePlan, edit: Edit, before: datetime) -> Outcome:
        try:
            ready = await self._edits.look(plan, edit)
        except ErpUnreachableError as away:
            return NotSent(why=away.why)
        if isinstance(ready, Moved):
            return ready
        done = Applied(document=ready.document, document_id=str(edit.order))
        return await self._sent(plan, before, tag=ready.tag, means=partial(outcome_of, done=done))

    async def _sent(
        self,
        plan: WritePlan,
        before: datetime,
        *,
        tag: str = "",
        api: str = STANDARD,
        means: Callable[[Answer], Outcome] = outcome_of,
    ) -> Outcome:
        try:
            answer = await self._client.send(
                plan.requests[0],
                within=self._write_time,
                still_ours=lambda: self._now() < before,
                tag=tag,
                api=api,
            )
        except TooLateError as late:
            return NotSent(why=str(late))
        except LogInError as refused:
            return NotSent(why=refused.why, retry_after=_LOG_IN_AGAIN)
        except NoConnectionError as away:
            return NotSent(why=away.why)
        except NoAnswerError as lost:
            return Unknown(why=lost.why)
        return means(answer)

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Read the order back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
            NotOurPlanError: the plan is not one of this connector's.
        """
        match self._operation(plan):
            case Creation(sent=order):
                return await self._read_back(plan, order, found)
            case Action() as action:
                return await self._actions.verify(plan, action, found)
            case edit:
                return await self._edits.verify(plan, edit, found)

    async def _read_back(self, plan: WritePlan, sent: NewOrder, found: Found) -> Receipt:
        until = self._until()
        url = self._client.company.url(
            f"{ORDERS}({UUID(found.document_id)})", query=odata({"$expand": "purchaseOrderLines"})
        )
        order = await self._client.read(url, PurchaseOrder, until=until)
        codes = planned_locations(plan, sent)
        for place in unplanned_locations(sent, order):
            where = self._client.company.url(f"locations({place})")
            codes[place] = (await self._client.read(where, Location, until=until)).code
        return Receipt(
            document=order.number,
            document_id=str(order.id),
            read_at=self._now(),
            fields=checks(plan, sent, order, codes),
            link=await self._web.order(order.number),
        )

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._read_time

    def _operation(self, plan: WritePlan) -> Operation:
        return operation_in(plan, company=self._client.company.company_id)
