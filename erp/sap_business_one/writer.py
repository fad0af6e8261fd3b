"""Writes SAP Business One, with a log-in of its own; only the write gate is handed this.

It saves, changes and removes drafts and nothing else. What turns a draft into an order,
`DraftsService_SaveDraftToDocument`, is never called: where a company does not let the API ask
for approval (OADM.EnbApprDI), it goes past the approval that the company set up.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from decisions.plan import WritePlan
from decisions.recommendation import Receipt
from erp.ports import (
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    NotSent,
    Outcome,
    Refused,
    Search,
    Unknown,
)
from erp.sap_business_one.client import (
    NOT_FOUND,
    NoAnswerError,
    NoConnectionError,
    RefusedReadError,
    ServiceLayerClient,
    TooLateError,
    literal,
    odata,
)
from erp.sap_business_one.entities import (
    PURCHASE_ORDERS,
    ChangedLine,
    Document,
    NewDraft,
    Page,
    day_of,
)
from erp.sap_business_one.mapping import DRAFTS, draft_name, draft_path
from erp.sap_business_one.outcomes import outcome_of
from erp.sap_business_one.plans import DraftRemoval, NotOurPlanError, Planned, planned
from erp.sap_business_one.reading_back import change_checks, checks, removal_checks
from erp.sap_business_one.sessions import LogInError

ORDERS: Final = "PurchaseOrders"

_WRITE_TIME: Final = 120.0
"""Seconds for the one write; giving up early only makes doubts."""

_READ_TIME: Final = 20.0

_LOG_IN_AGAIN: Final = timedelta(minutes=1)

_DOCUMENT: Final = re.compile(rf"({DRAFTS}|{ORDERS})\([0-9]+\)")


class SapBusinessOneWriter:
    """Saves, changes and removes drafts in one company; it can do nothing else."""

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
        """Tell whether a plan has been carried out.

        A new draft is searched for by its marker, among the drafts and then among the orders
        that came of drafts. A change stands there when the draft reads as planned, whoever made
        it so.

        Raises:
            NotOurPlanError: the plan is not one of this connector's.
        """
        asked = self._planned(plan)
        try:
            if isinstance(asked, NewDraft):
                return await self._marked(plan.marker)
            draft = await self._document(draft_path(asked.doc_entry))
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        if isinstance(asked, DraftRemoval):
            done = draft is None
        else:
            done = draft is not None and _stands(asked.line, draft)
        if not done:
            return NotFound()
        return Found(document=draft_name(asked.doc_entry), document_id=draft_path(asked.doc_entry))

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Send the plan's one request, once, with no retry inside, and not from `before` on."""
        try:
            asked = self._planned(plan)
            answer = await self._client.send(
                plan.requests[0],
                if_match=None if isinstance(asked, NewDraft) else asked.etag,
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
        changed = None if isinstance(asked, NewDraft) else asked.doc_entry
        return outcome_of(answer, changed=changed)

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Read the document back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
            NotOurPlanError: the plan, or the document, is not one of this connector's.
        """
        asked = self._planned(plan)
        if _DOCUMENT.fullmatch(found.document_id) is None:
            raise NotOurPlanError(f"“{found.document_id}” is no document of ours")
        document = await self._document(found.document_id)
        if isinstance(asked, DraftRemoval):
            fields = removal_checks(plan, document)
        elif document is None:
            raise NoAnswerError(f"{found.document} is not there any more")
        elif isinstance(asked, NewDraft):
            is_order = found.document_id.startswith(f"{ORDERS}(")
            fields = checks(plan, asked, document, is_order=is_order)
        else:
            fields = change_checks(plan, asked.line.line_num, document)
        return Receipt(
            document=found.document,
            document_id=found.document_id,
            read_at=self._now(),
            fields=fields,
        )

    async def _document(self, path: str) -> Document | None:
        url = self._client.company.url(path)
        try:
            document, _ = await self._client.read(url, Document, until=self._until())
        except RefusedReadError as refused:
            if refused.answer.status != NOT_FOUND:
                raise
            return None
        return document

    async def _marked(self, marker: str) -> Search:
        marked = f"NumAtCard eq {literal(marker)}"
        drafts = await self._search(DRAFTS, f"DocObjectCode eq '{PURCHASE_ORDERS}' and {marked}")
        for draft in drafts:
            if draft.num_at_card == marker:
                return Found(
                    document=draft_name(draft.doc_entry), document_id=draft_path(draft.doc_entry)
                )
        for order in await self._search(ORDERS, marked):
            if order.num_at_card == marker:
                return Found(
                    document=str(order.doc_num), document_id=f"{ORDERS}({order.doc_entry})"
                )
        return NotFound()

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

    def _planned(self, plan: WritePlan) -> Planned:
        return planned(plan, company=self._client.company.company_db)


def _stands(wanted: ChangedLine, draft: Document) -> bool:
    return any(
        line.line_num == wanted.line_num
        and wanted.quantity in {None, line.quantity}
        and wanted.ship_date in {None, day_of(line.ship_date)}
        for line in draft.document_lines
    )
