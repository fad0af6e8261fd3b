"""Writes Business Central, with a log-in of its own; only the write gate is handed this."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from decisions.plan import WritePlan
from decisions.recommendation import Receipt
from erp.business_central.client import (
    BusinessCentralClient,
    NoAnswerError,
    NoConnectionError,
    TooLateError,
    literal,
    odata,
)
from erp.business_central.entities import Location, NewOrder, Page, PurchaseOrder, order_in
from erp.business_central.mapping import CONNECTOR, ORDERS, comment_of
from erp.business_central.outcomes import outcome_of
from erp.business_central.reading_back import (
    carries,
    checks,
    planned_locations,
    unplanned_locations,
)
from erp.business_central.tokens import LogInError
from erp.ports import (
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    NotPlannableError,
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


class NotOurPlanError(NotPlannableError):
    """A plan that this writer would not have built; it is not sent."""

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"This plan is not for Business Central as we write it: {why}.")


class BusinessCentralWriter:
    """Creates draft purchase orders in one company; it can do nothing else."""

    def __init__(
        self,
        client: BusinessCentralClient,
        *,
        now: Callable[[], datetime],
        write_time: float = _WRITE_TIME,
        read_time: float = _READ_TIME,
        look_back: timedelta = _LOOK_BACK,
    ) -> None:
        """Keep the client and the clock; times in seconds."""
        self._client = client
        self._now = now
        self._write_time = write_time
        self._read_time = read_time
        self._look_back = look_back

    async def probe(self, plan: WritePlan) -> Search:
        """Search the vendor's recent orders for the plan's marker.

        The orders are scanned here, because Business Central ignores a lambda in a filter and
        would return everything (odata-known-limitations.md).

        Raises:
            NotOurPlanError: the plan is not one of this connector's.
        """
        vendor = self._planned(plan).vendor_number
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
            self._planned(plan)
            answer = await self._client.send(
                plan.requests[0],
                within=self._write_time,
                still_ours=lambda: self._now() < before,
            )
        except TooLateError as late:
            return NotSent(why=str(late))
        except NotOurPlanError as wrong:
            return Refused(code="not_our_plan", text=str(wrong))
        except LogInError as refused:
            return NotSent(why=refused.why, retry_after=_LOG_IN_AGAIN)
        except NoConnectionError as away:
            return NotSent(why=away.why)
        except NoAnswerError as lost:
            return Unknown(why=lost.why)
        return outcome_of(answer)

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Read the order back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
            NotOurPlanError: the plan is not one of this connector's.
        """
        sent = self._planned(plan)
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
        )

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._read_time

    def _planned(self, plan: WritePlan) -> NewOrder:
        """Return the order in a plan, if it is one that may be sent."""
        if plan.connector != CONNECTOR:
            raise NotOurPlanError(f"it is for {plan.connector}")
        if plan.company != self._client.company.company_id:
            raise NotOurPlanError(f"it is for company {plan.company}")
        if [(one.method, one.path) for one in plan.requests] != [("POST", ORDERS)]:
            raise NotOurPlanError("it is not one new purchase order")
        try:
            order = order_in(plan.requests[0].body)
        except msgspec.DecodeError as wrong:
            raise NotOurPlanError(
                f"a field is not on the list of those we send, {wrong}"
            ) from wrong
        if not order.item_lines or order.texts != (comment_of(plan.marker),):
            raise NotOurPlanError("it does not carry its marker")
        return order
