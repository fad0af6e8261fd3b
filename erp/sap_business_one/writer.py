"""Writes SAP Business One, with a log-in of its own; only the write gate is handed this.

It saves drafts and nothing else. What turns a draft into an order,
`DraftsService_SaveDraftToDocument`, is never called: where a company does not let the API ask
for approval (OADM.EnbApprDI), it goes past the approval that the company set up.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from decisions.plan import WritePlan
from decisions.recommendation import Receipt
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
from erp.sap_business_one.client import (
    NoAnswerError,
    NoConnectionError,
    ServiceLayerClient,
    TooLateError,
    literal,
    odata,
)
from erp.sap_business_one.entities import (
    PURCHASE_ORDERS,
    Document,
    NewDraft,
    Page,
    new_draft_in,
)
from erp.sap_business_one.mapping import CONNECTOR, DRAFTS
from erp.sap_business_one.outcomes import draft_path, outcome_of
from erp.sap_business_one.reading_back import checks
from erp.sap_business_one.sessions import SYSTEM, LogInError

ORDERS: Final = "PurchaseOrders"

_WRITE_TIME: Final = 120.0
"""Seconds for the one write; giving up early only makes doubts."""

_READ_TIME: Final = 20.0

_LOG_IN_AGAIN: Final = timedelta(minutes=1)

_DOCUMENT: Final = re.compile(rf"({DRAFTS}|{ORDERS})\([0-9]+\)")


class NotOurPlanError(NotPlannableError):
    """A plan that this writer would not have built; it is not sent."""

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"This plan is not for {SYSTEM} as we write it: {why}.")


class SapBusinessOneWriter:
    """Saves drafts of purchase orders in one company; it can do nothing else."""

    def __init__(
        self,
        client: ServiceLayerClient,
        *,
        now: Callable[[], datetime],
        write_time: float = _WRITE_TIME,
        read_time: float = _READ_TIME,
    ) -> None:
        """Keep the client and the clock; times in seconds."""
        self._client = client
        self._now = now
        self._write_time = write_time
        self._read_time = read_time

    async def probe(self, plan: WritePlan) -> Search:
        """Search the drafts for the plan's marker, and then the orders that came of drafts.

        Raises:
            NotOurPlanError: the plan is not one of this connector's.
        """
        self._planned(plan)
        marked = f"NumAtCard eq {literal(plan.marker)}"
        try:
            for document in await self._search(
                DRAFTS, f"DocObjectCode eq '{PURCHASE_ORDERS}' and {marked}"
            ):
                if document.num_at_card == plan.marker:
                    number = str(document.doc_entry)
                    return Found(document=number, document_id=draft_path(document.doc_entry))
            for document in await self._search(ORDERS, marked):
                if document.num_at_card == plan.marker:
                    return Found(
                        document=str(document.doc_num),
                        document_id=f"{ORDERS}({document.doc_entry})",
                    )
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        return NotFound()

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Send the plan's one request, once, with no retry inside, and not from `before` on."""
        try:
            self._planned(plan)
            answer = await self._client.send(
                plan.requests[0],
                if_match=None,
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
        """Read the document back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
            NotOurPlanError: the plan, or the document, is not one of this connector's.
        """
        sent = self._planned(plan)
        if _DOCUMENT.fullmatch(found.document_id) is None:
            raise NotOurPlanError(f"“{found.document_id}” is no document of ours")
        url = self._client.company.url(found.document_id)
        document, _ = await self._client.read(url, Document, until=self._until())
        return Receipt(
            document=found.document,
            document_id=found.document_id,
            read_at=self._now(),
            fields=checks(
                plan, sent, document, is_order=found.document_id.startswith(f"{ORDERS}(")
            ),
        )

    async def _search(self, set_name: str, condition: str) -> tuple[Document, ...]:
        query = odata(
            {
                "$filter": condition,
                "$select": "DocEntry,DocNum,NumAtCard",
                "$orderby": "DocEntry",
            }
        )
        url = self._client.company.url(set_name, query=query)
        return await self._client.read_all(url, Page[Document], until=self._until())

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._read_time

    def _planned(self, plan: WritePlan) -> NewDraft:
        """Return the draft in a plan, if it is one that may be sent."""
        if plan.connector != CONNECTOR:
            raise NotOurPlanError(f"it is for {plan.connector}")
        if plan.company != self._client.company.company_db:
            raise NotOurPlanError(f"it is for company {plan.company}")
        if [(one.method, one.path) for one in plan.requests] != [("POST", DRAFTS)]:
            raise NotOurPlanError("it is not one new draft")
        try:
            draft = new_draft_in(plan.requests[0].body)
        except msgspec.DecodeError as wrong:
            raise NotOurPlanError(
                f"a field is not on the list of those we send, {wrong}"
            ) from wrong
        if draft.doc_object_code != PURCHASE_ORDERS or not draft.document_lines:
            raise NotOurPlanError("it is no draft of a purchase order")
        if draft.num_at_card != plan.marker:
            raise NotOurPlanError("it does not carry its marker")
        return draft
