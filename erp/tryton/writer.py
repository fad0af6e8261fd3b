"""Writes Tryton, with a log-in of its own; only the write gate is handed this."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

import msgspec

from decisions.errors import CountersignError
from decisions.plan import WritePlan
from decisions.recommendation import Receipt
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    Moved,
    NotFound,
    NotPlannableError,
    NotSent,
    Outcome,
    Refused,
    Search,
    Unknown,
)
from erp.tryton.calls import Call, Create, Move, NewLine, Write, call_in
from erp.tryton.client import (
    LogInError,
    NoAnswerError,
    NoConnectionError,
    TooLateError,
    TrytonClient,
)
from erp.tryton.entities import ALL, Party, Product, Purchase
from erp.tryton.mapping import CONNECTOR, reference_of
from erp.tryton.outcomes import created, outcome_of
from erp.tryton.reading_back import called, checks, line_of, looked_for, moved_since

_WRITE_TIME: Final = 120.0
"""Seconds for the one write; giving up early only makes doubts."""

_READ_TIME: Final = 20.0

_LOG_IN_AGAIN: Final = timedelta(minutes=1)


class NotOurPlanError(NotPlannableError):
    """A plan that this writer would not have built; it is not sent."""

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"This plan is not for Tryton as we write it: {why}.")


class _StoppedError(CountersignError):
    """A last look before the write found that it must not be sent."""

    def __init__(self, outcome: Refused | Moved) -> None:
        """Keep what to answer."""
        self.outcome = outcome
        super().__init__(outcome.text)


class TrytonWriter:
    """Creates and edits draft purchases and moves incoming dates; it can do nothing else.

    Two writes to one document must not overlap: Tryton on SQLite locks nothing, and its time
    stamps were seen to let two at once through. Whoever calls keeps them apart.
    """

    def __init__(
        self,
        client: TrytonClient,
        *,
        now: Callable[[], datetime],
        write_time: float = _WRITE_TIME,
        read_time: float = _READ_TIME,
        web_client: str = "",
    ) -> None:
        """Keep the client and the clock; times in seconds, `web_client` is where people look."""
        self._web = web_client.rstrip("/")
        self._client = client
        self._now = now
        self._write_time = write_time
        self._read_time = read_time

    async def probe(self, plan: WritePlan) -> Search:
        """Search for the marker of a new purchase; for an edit, whether its value stands.

        Raises:
            NotOurPlanError: the plan is not one of this connector's.
        """
        call = self._planned(plan)
        try:
            found = await self._search(plan, call)
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        if isinstance(call, Create):
            for purchase in found:
                return Found(document=purchase.first_name, document_id=str(purchase.id))
            return NotFound()
        if not found:
            return CannotTell(why="the purchase is no longer there")
        return looked_for(plan, call, found[0])

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Look once more, then send the plan's one call, once, and not from `before` on."""
        try:
            call = self._planned(plan)
            document, stamps = await self._last_look(plan, call)
        except NotOurPlanError as wrong:
            return Refused(code="not_our_plan", text=str(wrong))
        except _StoppedError as stopped:
            return stopped.outcome
        except ErpUnreachableError as away:
            return _not_sent(away)
        return await self._sent(plan, document, stamps, before)

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Read the purchase back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
            NotOurPlanError: the plan is not one of this connector's.
        """
        call = self._planned(plan)
        purchase = await self._purchase(["id", "=", int(found.document_id)])
        if purchase is None:
            raise NoAnswerError(f"purchase {found.document} is no longer there")
        return Receipt(
            document=called(call, purchase),
            document_id=str(purchase.id),
            read_at=self._now(),
            fields=checks(plan, call, purchase),
            link=self._link(purchase),
        )

    async def _sent(
        self,
        plan: WritePlan,
        document: Applied | None,
        stamps: Mapping[str, str],
        before: datetime,
    ) -> Outcome:
        try:
            answer = await self._client.send(
                plan.requests[0],
                stamps=stamps,
                within=self._write_time,
                still_ours=lambda: self._now() < before,
            )
        except TooLateError as late:
            return NotSent(why=str(late))
        except (LogInError, NoConnectionError) as away:
            return _not_sent(away)
        except NoAnswerError as lost:
            return Unknown(why=lost.why)
        return outcome_of(answer, applied=lambda result: document or created(result))

    async def _search(self, plan: WritePlan, call: Call) -> tuple[Purchase, ...]:
        if isinstance(call, Create):
            # Deleted ones are gone, cancelled ones are not: what was written once stays found.
            text = reference_of(plan.marker)
            which: list[object] = ["OR", ["reference", "=", text], ["description", "=", text]]
        else:
            which = _document_of(call)
        return await self._client.search(
            "purchase.purchase", Purchase, [which], until=self._until()
        )

    async def _last_look(
        self, plan: WritePlan, call: Call
    ) -> tuple[Applied | None, Mapping[str, str]]:
        """Return the document of an edit and the time stamps that it must still have.

        Raises:
            ErpUnreachableError: no usable answer; nothing was sent.
            NotOurPlanError: a plan for another company.
            _StoppedError: somebody else was here since.
        """
        if isinstance(call, Create):
            (order,) = call.purchases
            if order.company != (await self._client.company(until=self._until())).id:
                raise NotOurPlanError(f"it is for the company with the id {order.company}")
            await self._may_be_ordered(order.party, order.new_lines)
            return None, {}
        purchase = await self._purchase(_document_of(call))
        if purchase is None:
            raise _StoppedError(Moved(text="The purchase is no longer there."))
        moved = moved_since(plan, call, purchase)
        if moved:
            raise _StoppedError(Moved(text=f"{'; '.join(moved)}."))
        if isinstance(call, Write) and call.added is not None:
            await self._may_be_ordered(purchase.party.id, (call.added,))
        document = Applied(document=called(call, purchase), document_id=str(purchase.id))
        return document, _stamps(plan, call, purchase)

    async def _may_be_ordered(self, party: int, lines: tuple[NewLine, ...]) -> None:
        """Stop an order from somebody, or of something, that was put out of use.

        Tryton itself takes one: what is not active is only left out of its searches.
        """
        until = self._until()
        parties = await self._client.search(
            "party.party", Party, [["id", "=", party], ALL], until=until
        )
        wanted = sorted({line.product for line in lines})
        products = await self._client.search(
            "product.product", Product, [["id", "in", wanted], ALL], until=until
        )
        ordered: tuple[Party | Product, ...] = (*parties, *products)
        gone = [one.name or one.code for one in ordered if not one.active]
        if gone or not parties or len(products) != len(wanted):
            text = f"{', '.join(map(str, gone)) or 'Something ordered'} is out of use in Tryton."
            raise _StoppedError(Refused(code="blocked", text=text))

    async def _purchase(self, which: list[object]) -> Purchase | None:
        found = await self._client.search(
            "purchase.purchase", Purchase, [which], until=self._until()
        )
        return found[0] if found else None

    def _link(self, purchase: Purchase) -> str:
        """Return where people see it (trytond/url.py); nothing where no web client is known."""
        database = quote(self._client.place.database, safe="")
        if not self._web:
            return ""
        return f"{self._web}/#{database}/model/purchase.purchase/{purchase.id}"

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._read_time

    def _planned(self, plan: WritePlan) -> Call:
        """Return the call in a plan, if it is one that may be sent."""
        if plan.connector != CONNECTOR:
            raise NotOurPlanError(f"it is for {plan.connector}")
        if plan.company != self._client.place.label:
            raise NotOurPlanError(f"it is for company {plan.company}")
        if len(plan.requests) != 1 or plan.requests[0].method != "POST":
            raise NotOurPlanError("it is not one call")
        request = plan.requests[0]
        try:
            call = call_in(request.path, request.body)
        except msgspec.DecodeError as wrong:
            raise NotOurPlanError(f"it is not on the list of what we send, {wrong}") from wrong
        if not _carries_marker(call, reference_of(plan.marker)):
            raise NotOurPlanError("it does not carry its marker")
        return call


def _not_sent(away: ErpUnreachableError) -> NotSent:
    """Say why nothing was sent; a log-in is not tried again at once, Tryton counts them."""
    later = _LOG_IN_AGAIN if isinstance(away, LogInError) else None
    return NotSent(why=away.why, retry_after=later)


def _carries_marker(call: Call, text: str) -> bool:
    """Tell whether what is made by a call can be found again; an edit needs no marker."""
    match call:
        case Create(purchases=(order,)):
            return bool(order.new_lines) and order.reference == text
        case Write(added=NewLine(note=note)):
            return note == text
        case _:
            return True


def _document_of(call: Call) -> list[object]:
    """Return the part of a search that finds the purchase that a call changes."""
    if isinstance(call, Create):
        raise NotOurPlanError("a new purchase is found by its marker")
    if isinstance(call, Move):
        return ["lines.moves.id", "=", call.ids[0]]
    return ["id", "=", call.ids[0]]


def _stamps(plan: WritePlan, call: Call, purchase: Purchase) -> dict[str, str]:
    """Return the time stamps of what a call writes, as they were read a moment ago."""
    line = line_of(plan, call, purchase)
    if isinstance(call, Move) and line is not None:
        return {
            f"stock.move,{move.id}": move.timestamp for move in line.moves if move.id in call.ids
        }
    stamps = {f"purchase.purchase,{purchase.id}": purchase.timestamp}
    if isinstance(call, Write) and line is not None:
        stamps[f"purchase.line,{line.id}"] = line.timestamp
    return stamps
