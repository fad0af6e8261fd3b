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
    Moved,
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
    Document,
    NewDraft,
    Page,
)
from erp.sap_business_one.mapping import DRAFTS, ORDERS, draft_name, draft_path
from erp.sap_business_one.outcomes import outcome_of
from erp.sap_business_one.plans import (
    DraftChange,
    DraftRemoval,
    NotOurPlanError,
    Planned,
    planned,
)
from erp.sap_business_one.reading_back import (
    DRAFT,
    change_checks,
    checks,
    line_values,
    removal_checks,
    status_of,
)
from erp.sap_business_one.sessions import SYSTEM, LogInError

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
            draft = await self._draft(asked)
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        found = Found(
            document=draft_name(asked.doc_entry), document_id=draft_path(asked.doc_entry)
        )
        if isinstance(asked, DraftRemoval):
            return found if draft is None else NotFound()
        return _changed(plan, asked, found, None if draft is None else draft[0])

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Send the plan's one request, once, with no retry inside, and not from `before` on."""
        try:
            asked = self._planned(plan)
        except NotOurPlanError as wrong:
            return Refused(code="not_our_plan", text=str(wrong))
        if isinstance(asked, NewDraft):
            return await self._sent(plan, before)
        try:
            draft = await self._draft(asked)
        except ErpUnreachableError as away:
            return NotSent(why=away.why)
        moved = _moved(asked, draft)
        if moved is not None:
            return moved
        return await self._sent(plan, before, etag=asked.etag, changed=asked.doc_entry)

    async def _sent(
        self,
        plan: WritePlan,
        before: datetime,
        *,
        etag: str | None = None,
        changed: int | None = None,
    ) -> Outcome:
        try:
            answer = await self._client.send(
                plan.requests[0],
                if_match=etag,
                within=self._write_time,
                still_ours=lambda: self._now() < before,
            )
        except TooLateError as late:
            return NotSent(why=str(late))
        except LogInError as refused:
            return NotSent(why=refused.why, retry_after=_LOG_IN_AGAIN)
        except NoConnectionError as away:
            return NotSent(why=away.why)
        except NoAnswerError as lost:
            return Unknown(why=lost.why)
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
        read = await self._document(found.document_id)
        if isinstance(asked, DraftRemoval):
            fields = removal_checks(plan, gone=read is None)
        elif read is None:
            raise NoAnswerError(f"{found.document} is not there any more")
        elif isinstance(asked, NewDraft):
            is_order = found.document_id.startswith(f"{ORDERS}(")
            fields = checks(plan, asked, read[0], is_order=is_order)
        else:
            fields = change_checks(plan, asked.line.line_num, read[0])
        return Receipt(
            document=found.document,
            document_id=found.document_id,
            read_at=self._now(),
            fields=fields,
        )

    async def _draft(self, asked: DraftChange | DraftRemoval) -> tuple[Document, str] | None:
        return await self._document(draft_path(asked.doc_entry))

    async def _document(self, path: str) -> tuple[Document, str] | None:
        """Read a document whole, with its version; None where there is none."""
        url = self._client.company.url(path)
        try:
            return await self._client.read(url, Document, until=self._until())
        except RefusedReadError as refused:
            if refused.answer.status != NOT_FOUND:
                raise
            return None

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


def _moved(asked: DraftChange | DraftRemoval, draft: tuple[Document, str] | None) -> Moved | None:
    """Tell whether a draft is another than the one that was planned for."""
    name = draft_name(asked.doc_entry)
    if draft is None:
        return Moved(text=f"{name} was deleted in {SYSTEM}.")
    document, etag = draft
    if status_of(document) != DRAFT:
        return Moved(text=f"{name} is no draft any more in {SYSTEM}: {status_of(document)}.")
    if etag != asked.etag:
        return Moved(text=f"{name} was changed in {SYSTEM} meanwhile.")
    return None


def _changed(plan: WritePlan, asked: DraftChange, found: Found, draft: Document | None) -> Search:
    """Tell a value that is as planned from one that is as before; a third one says nothing."""
    lines = () if draft is None else draft.document_lines
    for line in lines:
        if line.line_num == asked.line.line_num:
            values = line_values(line)
            (change,) = [change for change in plan.changes if change.field in values]
            if values[change.field] == change.after:
                return found
            if values[change.field] == change.before:
                return NotFound()
            return CannotTell(why=f"somebody else changed the line of {found.document}")
    return CannotTell(why=f"the line of {found.document} is not there any more")
