"""Writes changes of an order that stands: look once more, send once, and find out afterwards.

The header's tag does not cover the lines, and a line's tag is worked out on a temporary table
(facts of the ERP), so values are compared too: whatever the plan relies on is read again just
before the request, and the tag that was read with it goes along.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from decisions.money import Currency
from decisions.plan import Value, WritePlan
from decisions.quantity import Quantity, Unit
from decisions.recommendation import FieldCheck, Receipt
from erp.business_central.client import BusinessCentralClient, RefusedReadError, odata
from erp.business_central.documents import (
    Standing,
    added_line,
    day_of,
    document_of,
    line_facts,
    name_of,
    order_facts,
    total_fact,
)
from erp.business_central.entities import Location, PurchaseOrder, PurchaseOrderLine
from erp.business_central.mapping import ORDERS
from erp.business_central.operations import Addition, Deletion, Edit, LineEdit
from erp.ports import CannotTell, ErpUnreachableError, Found, Moved, NotFound, Search

GONE: Final = "it does not stand in Business Central any more"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """What the plan relies on holds; this tag goes along with the request."""

    document: str
    tag: str


class Edits:
    """Reads around one edit, with the log-in of whoever writes."""

    def __init__(
        self,
        client: BusinessCentralClient,
        *,
        now: Callable[[], datetime],
        read_time: float,
        link: Callable[[str], Awaitable[str]],
    ) -> None:
        """Keep the client and the clock; seconds for each look; and where people see an order."""
        self._client = client
        self._now = now
        self._read_time = read_time
        self._link = link

    async def look(self, plan: WritePlan, edit: Edit) -> Ready | Moved:
        """Read everything the plan relies on once more.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        order = await self._order(edit)
        if order is None:
            return Moved(text=f"The order was deleted: {GONE}.")
        line = _line(order, edit)
        if isinstance(edit, LineEdit) and line is None:
            return Moved(text=f"The line was deleted: {GONE}.")
        for now, planned in _relied_on(plan, order, line, edit):
            if now != planned:
                return Moved(text=f"{now[0]} is {now[1]} now, not {planned[1]}.")
        # A new line needs no tag: its sequence is a key, and a taken one is refused.
        tag = line.etag if line else ""
        if isinstance(edit, Deletion):
            tag = order.etag
        return Ready(document=order.number, tag=tag)

    async def probe(self, plan: WritePlan, edit: Edit) -> Search:
        """Tell whether the edit stands, whoever made it."""
        try:
            order = await self._order(edit)
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        number = _number(plan)
        if order is None:
            if isinstance(edit, Deletion):
                return Found(document=number, document_id=str(edit.order))
            return CannotTell(why=f"{number}: {GONE}")
        found = Found(document=order.number, document_id=str(order.id))
        match edit:
            case Deletion():
                return NotFound()
            case Addition():
                return NotFound() if added_line(order, plan.marker) is None else found
            case LineEdit():
                return _edited(plan, order, edit, found)

    async def verify(self, plan: WritePlan, edit: Edit, found: Found) -> Receipt:
        """Read the order back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        order = await self._order(edit)
        values: Mapping[tuple[str, str], Value] = {}
        if order is not None:
            values = await self._values(plan, order, _line(order, edit, plan.marker))
        elif isinstance(edit, Deletion):
            values = {(change.field, change.subject): change.after for change in plan.changes}
        return Receipt(
            document=found.document,
            document_id=found.document_id,
            read_at=self._now(),
            fields=tuple(
                FieldCheck(
                    field=change.field,
                    subject=change.subject,
                    planned=change.after,
                    found=values.get((change.field, change.subject)),
                )
                for change in plan.changes
            ),
            link="" if order is None else await self._link(order.number),
        )

    async def _values(
        self, plan: WritePlan, order: PurchaseOrder, line: PurchaseOrderLine | None
    ) -> Mapping[tuple[str, str], Value]:
        codes: dict[str, str] = {}
        if line is not None and any(change.field == "location" for change in plan.changes):
            url = self._client.company.url(f"locations({line.location_id})")
            place = await self._client.read(url, Location, until=self._until())
            codes[str(line.location_id)] = place.code
        return dict(_found(plan, order, line, codes))

    async def _order(self, edit: Edit) -> PurchaseOrder | None:
        url = self._client.company.url(
            f"{ORDERS}({edit.order})", query=odata({"$expand": "purchaseOrderLines"})
        )
        try:
            return await self._client.read(url, PurchaseOrder, until=self._until())
        except RefusedReadError as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND and refused.answer.code.startswith(
                "Internal_RecordNotFound"
            ):
                return None
            raise

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._read_time


def _number(plan: WritePlan) -> str:
    """Return the order's number as the plan read it."""
    return next(fact.subject for fact in plan.preconditions if fact.name == "status")


def _line(order: PurchaseOrder, edit: Edit, marker: str = "") -> PurchaseOrderLine | None:
    match edit:
        case LineEdit(line=wanted):
            return next((one for one in order.purchase_order_lines if one.id == wanted), None)
        case Addition() if marker:
            return added_line(order, marker)
        case _:
            return None


def _relied_on(
    plan: WritePlan, order: PurchaseOrder, line: PurchaseOrderLine | None, edit: Edit
) -> Iterator[tuple[tuple[str, str | None], tuple[str, str | None]]]:
    """Yield each fact as it is now, and as it was planned, with its name."""
    planned = {(fact.name, fact.subject): fact.value for fact in plan.preconditions}
    standing = Standing(order=order, currency=Currency(order.currency_code or "???"))
    facts = [*order_facts(standing)]
    if ("order total", order.number) in planned:
        facts.append(total_fact(standing))
    if line is not None:
        facts += line_facts(line, order)
    if isinstance(edit, Deletion):
        for one in order.purchase_order_lines:
            facts += line_facts(one, order) if one.line_type != "Comment" else ()
    for fact in facts:
        key = (fact.name, fact.subject)
        name = f"{fact.name} of {fact.subject}"
        yield (name, fact.value), (name, planned.get(key))


def _edited(plan: WritePlan, order: PurchaseOrder, edit: LineEdit, found: Found) -> Search:
    """Tell a value that is as planned from one that is as before; a third one says nothing."""
    line = _line(order, edit)
    if line is None:
        return CannotTell(why=f"{order.number}: the line was deleted")
    field = "expected_receipt_date" if edit.sent.quantity is None else "quantity"
    (change,) = [change for change in plan.changes if change.field == field]
    now = _field(line, field)
    if now == change.after:
        return found
    if now == change.before:
        return NotFound()
    return CannotTell(why=f"{order.number}: somebody else changed the line meanwhile")


def _field(line: PurchaseOrderLine, field: str) -> Value:
    if field == "quantity":
        return Quantity(line.quantity, Unit(line.unit_of_measure_code))
    return day_of(line)


def _found(
    plan: WritePlan,
    order: PurchaseOrder,
    line: PurchaseOrderLine | None,
    codes: Mapping[str, str],
) -> Iterator[tuple[tuple[str, str], Value]]:
    currency = _currency(plan, order)
    standing = Standing(order=order, currency=currency)
    yield ("document", ""), document_of(order)
    yield ("status", ""), standing.status
    yield ("order_total", ""), standing.money(order.total_amount_excluding_tax)
    if line is None:
        return
    yield ("reference", ""), plan.marker if added_line(order, plan.marker) else None
    subject = next(
        (change.subject for change in plan.changes if change.subject), name_of(line, order)
    )
    yield ("item", subject), line.line_object_number
    yield ("quantity", subject), _field(line, "quantity")
    yield ("unit_cost", subject), standing.money(line.direct_unit_cost)
    yield ("line_total", subject), standing.money(line.amount_excluding_tax)
    yield ("location", subject), codes.get(str(line.location_id))
    yield ("expected_receipt_date", subject), day_of(line)


def _currency(plan: WritePlan, order: PurchaseOrder) -> Currency:
    if order.currency_code:
        return Currency(order.currency_code)
    return plan.cost.currency if plan.cost else Currency("???")
