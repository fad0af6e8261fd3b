"""Reads Sage X3, as far as the folder publishes what is asked; plans nothing."""

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeAlias, cast

import msgspec

from decisions.actions import ACTION_KINDS, DraftedAction
from decisions.money import Currency
from decisions.plan import WritePlan
from decisions.quantity import Quantity, Unit
from decisions.reconciliation import Marked
from erp import snapshot as facts
from erp.ports import Capabilities, Contact, NotPlannableError
from erp.sage_x3 import questions
from erp.sage_x3.client import SYSTEM, NoAnswerError, RefusedQueryError, X3Client
from erp.sage_x3.questions import ACTIVE, COLLECTIONS
from erp.sage_x3.schema import INTROSPECTION, Introspection, Schema
from erp.snapshot import SCOPES, Origin, Scope, Snapshot

WRITES: Final = frozenset({"acknowledge"})

BUDGET: Final = 300.0
"""Seconds for one reading of everything, the schema included."""

MAX_PAGES: Final = 200
"""A collection longer than this is a wrong question, or a server that goes in circles."""

_CODE: Final = re.compile(r"[\w .-]+")

_READ_ONLY: Final = "only read; Sage documents nothing of a purchase order that may be written"
"""The reference of x3Purchasing.purchaseOrder; an operation that a partner activates (GESAPIOPE)
has fields of its own in every folder."""

_ACTIVATED: Final = (
    "only read; this folder has an operation for it, but its fields are not documented, and "
    "nothing is guessed"
)
_CLOSED_LINES: Final = (
    "how Sage X3 tells that a line of a purchase order was closed before all of it came is on no "
    "page that we have"
)
_MISSING: Final = f"{SYSTEM} is not read for it in this version"


Row: TypeAlias = dict[str, object]
"""A node as it came, its numbers exact."""


class _PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Edge(msgspec.Struct, frozen=True):
    node: msgspec.Raw


class _Page(msgspec.Struct, frozen=True, rename="camel"):
    edges: tuple[_Edge, ...]
    page_info: _PageInfo


class _Node(msgspec.Struct, frozen=True):
    query: _Page


_Answer: TypeAlias = dict[str, dict[str, _Node]]


class SageX3Reader:
    """Reads one folder."""

    def __init__(
        self, client: X3Client, *, now: Callable[[], datetime], budget: float = BUDGET
    ) -> None:
        """Keep the client and the clock; the budget is in seconds."""
        self._client = client
        self._now = now
        self._budget = budget
        self._schema: Schema | None = None

    def capabilities(self) -> Capabilities:
        """Return what this connector can do; what the folder lacks shows once it was read."""
        lacks = self._lacks()
        needs = dict.fromkeys((kind for kind in ACTION_KINDS if kind not in WRITES), _READ_ONLY)
        if self._schema is not None and self._schema.creates("x3Purchasing", "purchaseOrder"):
            needs["create_purchase_order"] = _ACTIVATED
        return Capabilities(
            system=SYSTEM,
            writes=WRITES,
            needs=needs,
            reads=frozenset(COLLECTIONS) - frozenset(lacks),
            reduced={str(scope): reason for scope, reason in lacks.items()},
        )

    async def plan(self, action: DraftedAction, *, marker: str) -> WritePlan:
        """Refuse; nothing is written to Sage X3.

        Raises:
            NotPlannableError: always.
        """
        del marker
        needs = self.capabilities().needs.get(action.kind, "there is nothing to write")
        raise NotPlannableError(f"{SYSTEM} is not written for “{action.kind}”: {needs}.")

    async def contact(self, vendor: str) -> Contact:
        """Return what a vendor is called; the address for mail is on no page that we have.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: there is no such vendor.
        """
        until = asyncio.get_running_loop().time() + self._budget
        await self._learnt(until)
        lacking = self._lacks().get("vendors")
        if lacking is not None:
            raise RefusedQueryError(lacking)
        # A filter is text of its own, whose way to write a quote is on no page that we have.
        known = _CODE.fullmatch(vendor) is not None
        condition = f"{{code: '{vendor}'}}"
        rows = await self._rows(COLLECTIONS["vendors"], until, condition) if known else ()
        for found in _vendors(rows, self._now()):
            if found.number == vendor:
                return Contact(vendor=vendor, name=found.name, email=found.email)
        raise NotPlannableError(f"{SYSTEM} knows no vendor {vendor}.")

    async def marked(self, *, since: datetime) -> tuple[Marked, ...]:
        """Return nothing: no document carries a mark of ours, because none is written."""
        del since
        return ()

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read what is asked for and the folder publishes, always in full.

        A scope that it refuses, for want of a right, is missing with its words as the reason.

        Raises:
            ErpUnreachableError: no usable answer in time.
        """
        until = asyncio.get_running_loop().time() + self._budget
        await self._learnt(until)
        read_at = self._now()
        missing: dict[Scope, str] = {}
        rows: dict[Scope, tuple[Row, ...]] = {}
        for scope in sorted(set(scopes), key=SCOPES.index):
            why_not = self._why_not(scope)
            if why_not is not None:
                missing[scope] = why_not
                continue
            try:
                rows[scope] = await self._rows(COLLECTIONS[scope], until)
            except RefusedQueryError as refused:
                missing[scope] = refused.why
        return Snapshot(
            read_at=read_at,
            since=since,
            items=tuple(_items(rows.get("items", ()), read_at)),
            vendors=tuple(_vendors(rows.get("vendors", ()), read_at)),
            locations=tuple(_locations(rows.get("locations", ()), read_at)),
            stock=tuple(_stock(rows.get("stock", ()), read_at)),
            whole=frozenset() if since is None else frozenset(rows),
            missing=missing,
        )

    async def _learnt(self, until: float) -> None:
        if self._schema is None:
            said = await self._client.ask(INTROSPECTION, Introspection, until=until)
            self._schema = Schema(said)

    def _lacks(self) -> dict[Scope, str]:
        lacks: dict[Scope, str] = {}
        for scope, collection in COLLECTIONS.items():
            lacking = self._schema.lacks(collection) if self._schema is not None else None
            if lacking is not None:
                lacks[scope] = f"this folder does not publish {lacking}"
        return lacks

    def _why_not(self, scope: Scope) -> str | None:
        if scope in COLLECTIONS:
            return self._lacks().get(scope)
        return _CLOSED_LINES if scope == "purchase_lines" else _MISSING

    async def _rows(
        self, collection: questions.Collection, until: float, condition: str = ""
    ) -> tuple[Row, ...]:
        rows: list[Row] = []
        after: str | None = None
        for _ in range(MAX_PAGES):
            answer = await self._client.ask(
                collection.query(after, condition=condition), _Answer, until=until
            )
            try:
                page = answer[collection.package][collection.node].query
            except KeyError as wrong:
                raise NoAnswerError(f"an answer without {collection.name}") from wrong
            rows += [json.loads(bytes(edge.node), parse_float=Decimal) for edge in page.edges]
            if not page.page_info.has_next_page:
                return tuple(rows)
            after = page.page_info.end_cursor
        raise NoAnswerError(f"more than {MAX_PAGES} pages of {collection.name}")


def _value(row: Row, path: str) -> object:
    """Follow a path of references; an empty reference has nothing behind it."""
    head, _, rest = path.partition(".")
    found = row.get(head)
    if not rest:
        return found
    return _value(cast("Row", found), rest) if isinstance(found, dict) else None


def _text(row: Row, path: str) -> str:
    found = _value(row, path)
    return found if isinstance(found, str) else ""


def _unit(row: Row, path: str) -> Unit:
    return Unit(_text(row, path).strip().upper())


def _origin(collection: str, key: str, read_at: datetime) -> Origin:
    return Origin(source=SYSTEM, ref=f"{collection}/{key}", happened_at=None, entered_at=read_at)


def _items(rows: tuple[Row, ...], read_at: datetime) -> Iterator[facts.Item]:
    for row in rows:
        yield facts.Item(
            number=_text(row, "code"),
            name=_text(row, "localizedDescription1"),
            unit=_unit(row, "stockUnit.code"),
            unit_cost=None,
            blocked=_text(row, "productStatus") != ACTIVE,
            origin=_origin("product", _text(row, "code"), read_at),
        )


def _vendors(rows: tuple[Row, ...], read_at: datetime) -> Iterator[facts.Vendor]:
    for row in rows:
        code = _text(row, "code.code")
        yield facts.Vendor(
            number=code,
            name=_text(row, "companyName1"),
            email="",
            currency=Currency(_text(row, "currency.code")) or None,
            blocked=_value(row, "isActive") is not True,
            origin=_origin("supplier", code, read_at),
        )


def _locations(rows: tuple[Row, ...], read_at: datetime) -> Iterator[facts.Location]:
    for row in rows:
        if _value(row, "isStockSite") is True:
            code = _text(row, "code")
            yield facts.Location(
                code=code, name=_text(row, "name"), origin=_origin("site", code, read_at)
            )


def _stock(rows: tuple[Row, ...], read_at: datetime) -> Iterator[facts.Stock]:
    """Add up the lots and places of each product at each site; the status is not weighed."""
    sums: dict[tuple[str, str, Unit], Decimal] = {}
    for row in rows:
        key = (
            _text(row, "product.product.code"),
            _text(row, "stockSite.code"),
            _unit(row, "product.product.stockUnit.code"),
        )
        sums[key] = sums.get(key, Decimal(0)) + _number(_value(row, "quantityInStockUnit"))
    for (item, site, unit), value in sums.items():
        yield facts.Stock(
            item=item,
            location=site,
            quantity=Quantity(value, unit),
            origin=_origin("stock", f"{item}/{site}", read_at),
        )


def _number(found: object) -> Decimal:
    """Read a decimal; it may come as text, where JSON's numbers would be too small for it."""
    try:
        return Decimal(str(found))
    except InvalidOperation as wrong:
        raise NoAnswerError(f"“{found}” is no number") from wrong
