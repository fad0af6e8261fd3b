"""Reads Tryton and builds the exact change; holds no log-in that may write."""

import asyncio
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeVar

from decisions.actions import (
    ACTION_KINDS,
    AddPurchaseOrderLine,
    CancelDraftPurchaseOrder,
    CreatePurchaseOrder,
    DraftedAction,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.plan import WritePlan
from decisions.quantity import factor_between
from decisions.reconciliation import Marked
from erp.ports import Capabilities, Contact, NotPlannableError
from erp.snapshot import Scope, Snapshot
from erp.tryton.additions import as_order, line_plan
from erp.tryton.client import SYSTEM, TrytonClient
from erp.tryton.edits import cancel_plan, date_plan, quantity_plan
from erp.tryton.entities import (
    ALL,
    Company,
    HeaderDefaults,
    LineDefaults,
    Moment,
    OnHand,
    OpenLine,
    Party,
    Product,
    Purchase,
    Warehouse,
)
from erp.tryton.mapping import (
    Facts,
    check_size,
    currency_for,
    marks_of,
    order_plan,
    reference_of,
    unit_of,
    usable_party,
)
from erp.tryton.snapshots import OPEN, SCOPES_READ, outstanding, read_snapshot

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

_NEEDS: Final = {
    "send_supplier_chaser": "needs a mail account; Tryton itself is not asked to send",
}
_LATER: Final = "not written here, though Tryton could do it"

BUDGET: Final = 2.0
"""Seconds for everything a plan reads; a click waits for it."""

PATIENCE: Final = 60.0
"""Seconds for a snapshot; nobody waits for it."""

T = TypeVar("T", Product, Warehouse)

_BY_ID: Final = re.compile(r"\(([0-9]{1,18})\)")
"""How a purchase that has no number yet is named."""


class TrytonReader:
    """Reads one company; there is only the primary."""

    def __init__(
        self,
        client: TrytonClient,
        *,
        now: Callable[[], datetime],
        budget: float = BUDGET,
        patience: float = PATIENCE,
    ) -> None:
        """Keep the client, the clock, and how long a plan and a snapshot may take to read."""
        self._client = client
        self._now = now
        self._budget = budget
        self._patience = patience

    def capabilities(self) -> Capabilities:
        """Return what this connector can do."""
        others = (kind for kind in ACTION_KINDS if kind not in WRITES)
        return Capabilities(
            system=SYSTEM,
            writes=WRITES,
            needs={kind: _NEEDS.get(kind, _LATER) for kind in others},
            reads=SCOPES_READ,
        )

    async def plan(self, action: DraftedAction, *, marker: str) -> WritePlan:
        """Read everything the action touches and build the exact change.

        Raises:
            ErpUnreachableError: no usable answer in time.
            NotPlannableError: an unknown or blocked vendor or item, a unit that would have to be
                guessed, a document in another state, a kind this connector cannot write.
        """
        company, until = self._client.place.label, self._until(self._budget)
        match action:
            case CreatePurchaseOrder():
                check_size(action)
                facts = await self._facts(action, until)
                return order_plan(action, facts, company=company, marker=marker)
            case AddPurchaseOrderLine():
                stands = await self._purchase(action.document, until)
                order = as_order(action, stands)
                facts = await self._facts(order, until)
                return line_plan(order, stands, facts, company=company, marker=marker)
            case SetPurchaseOrderQuantity():
                stands = await self._purchase(action.document, until)
                return quantity_plan(action, stands, company=company, marker=marker)
            case SetReceiptDate():
                stands = await self._purchase(action.document, until)
                return date_plan(action, stands, company=company, marker=marker)
            case CancelDraftPurchaseOrder():
                stands = await self._purchase(action.document, until)
                return cancel_plan(stands, company=company, marker=marker)
            case _:
                raise NotPlannableError(f"Tryton is not written for “{action.kind}”.")

    async def contact(self, vendor: str) -> Contact:
        """Return where a vendor is reached.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: there is no such vendor.
        """
        until = self._until(self._budget)
        found = await self._parties(vendor, until)
        if not found:
            raise NotPlannableError(f"Tryton knows no vendor {vendor}.")
        return Contact(vendor=vendor, name=found[0].name or "", email=found[0].email or "")

    async def marked(self, *, since: datetime) -> tuple[Marked, ...]:
        """Return every purchase with a mark of ours that was changed since then.

        A cancelled one orders nothing, and does not stand any more.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        until = self._until(self._patience)
        company = await self._client.company(until=until)
        text, moment = reference_of("CS-%"), Moment.of(since)
        marked = [[field, "like", text] for field in ("reference", "description", "lines.note")]
        stamps = ("create_date", "write_date", "lines.create_date", "lines.write_date")
        found = await self._client.search(
            "purchase.purchase",
            Purchase,
            [
                ["company", "=", company.id],
                ["state", "!=", "cancelled"],
                ["OR", *marked],
                ["OR", *([stamp, ">=", moment] for stamp in stamps)],
            ],
            until=until,
        )
        return tuple(
            Marked(marker=marker, document=one.first_name, document_id=str(one.id))
            for one in found
            for marker in marks_of(one)
        )

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read widely; with `since` only what changed after it, where Tryton can tell.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        return await read_snapshot(
            self._client,
            scopes,
            since=since,
            read_at=self._now(),
            until=self._until(self._patience),
        )

    def _until(self, seconds: float) -> float:
        return asyncio.get_running_loop().time() + seconds

    async def _facts(self, action: CreatePurchaseOrder, until: float) -> Facts:
        numbers = sorted({line.item for line in action.lines})
        # The first call logs in and finds the company; the others may then go side by side.
        company = await self._client.company(until=until)
        parties, products, warehouses = await asyncio.gather(
            self._parties(action.vendor, until),
            self._products(numbers, until),
            self._client.search(
                "stock.location", Warehouse, [["type", "=", "warehouse"]], until=until
            ),
        )
        party = usable_party(action.vendor, parties[0] if parties else None)
        currency_for(action, party, company)
        stock, on_order, header, lines = await asyncio.gather(
            self._stock(products, warehouses, until),
            self._on_order(company, products, until),
            self._header(company, party, until),
            self._lines(company, party, products, until),
        )
        return Facts(
            company=company,
            party=party,
            products=products,
            warehouses=_by_code("warehouses", warehouses),
            stock=stock,
            on_order=on_order,
            header=header,
            lines=lines,
        )

    async def _parties(self, code: str, until: float) -> tuple[Party, ...]:
        return await self._client.search(
            "party.party", Party, [["code", "=", code], ALL], until=until
        )

    async def _products(self, numbers: Iterable[str], until: float) -> dict[str, Product]:
        found = await self._client.search(
            "product.product", Product, [["code", "in", list(numbers)], ALL], until=until
        )
        return _by_code("items", found)

    async def _stock(
        self, products: Mapping[str, Product], warehouses: Iterable[Warehouse], until: float
    ) -> dict[str, Decimal]:
        """Return what lies in all the warehouses together."""
        found: tuple[OnHand, ...] = await self._client.call(
            "model.product.product.read",
            [product.id for product in products.values()],
            ["quantity"],
            kind=tuple[OnHand, ...],
            until=until,
            context={"locations": [place.id for place in warehouses]},
        )
        by_id = {one.id: one.quantity for one in found}
        return {number: by_id[product.id] for number, product in products.items()}

    async def _on_order(
        self, company: Company, products: Mapping[str, Product], until: float
    ) -> dict[str, Decimal | None]:
        """Sum up what is still to come; None where a line is in a unit that we cannot convert."""
        ids = [product.id for product in products.values()]
        lines = await self._client.search(
            "purchase.line",
            OpenLine,
            [["purchase.company", "=", company.id], ["product", "in", ids], *OPEN],
            until=until,
        )
        bases = {product.id: unit_of(product.default_uom) for product in products.values()}
        sums: dict[int, Decimal | None] = dict.fromkeys(bases, Decimal(0))
        for line in lines:
            product = line.product.id if line.product else 0
            so_far = sums[product]
            for quantity in outstanding(line):
                factor = factor_between(quantity.unit, bases[product])
                so_far = (
                    None if factor is None or so_far is None else so_far + quantity.value * factor
                )
            sums[product] = so_far
        return {number: sums[product.id] for number, product in products.items()}

    async def _header(self, company: Company, party: Party, until: float) -> HeaderDefaults:
        """Ask Tryton what it fills in for this vendor, as its own client does."""
        chosen: dict[str, object] = {"company": company.id, "party": party.id, "lines": []}
        found: HeaderDefaults = await self._client.call(
            "model.purchase.purchase.on_change",
            chosen,
            ["party"],
            kind=HeaderDefaults,
            until=until,
        )
        return found

    async def _lines(
        self,
        company: Company,
        party: Party,
        products: Mapping[str, Product],
        until: float,
    ) -> dict[str, LineDefaults]:
        """Ask Tryton what it fills in for each item: the taxes, and the vendor's own product."""
        currency = party.supplier_currency or company.currency
        chosen = {
            "type": "line",
            "quantity": 1.0,
            "company": company.id,
            "_parent_purchase.company": company.id,
            "_parent_purchase.party": party.id,
            "_parent_purchase.currency": currency.id,
        }
        found: list[LineDefaults] = await asyncio.gather(
            *(
                self._client.call(
                    "model.purchase.line.on_change",
                    {**chosen, "product": product.id},
                    ["product"],
                    kind=LineDefaults,
                    until=until,
                )
                for product in products.values()
            )
        )
        return dict(zip(products, found, strict=True))

    async def _purchase(self, document: str, until: float) -> Purchase:
        company = await self._client.company(until=until)
        by_id = _BY_ID.fullmatch(document)
        which = ["id", "=", int(by_id[1])] if by_id else ["number", "=", document]
        found = await self._client.search(
            "purchase.purchase", Purchase, [which, ["company", "=", company.id]], until=until
        )
        if len(found) != 1:
            how_many = "no purchase" if not found else f"{len(found)} purchases named"
            raise NotPlannableError(f"Tryton knows {how_many} {document}.")
        return found[0]


def _by_code(what: str, records: Iterable[T]) -> dict[str, T]:
    """Return records by their code, which Tryton does not keep apart for every kind.

    Raises:
        NotPlannableError: two of them share one.
    """
    found: dict[str, T] = {}
    for record in records:
        if record.code in found:
            raise NotPlannableError(
                f"Tryton has several {what} with the code {record.code}. Give each its own."
            )
        if record.code:
            found[record.code] = record
    return found
