"""The Tryton connector and a real Tryton, with the contract's switches."""

import contextlib
from datetime import timedelta
from decimal import Decimal

import aiohttp

from decisions.actions import (
    AddPurchaseOrderLine,
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from erp.tryton.calls import CANCEL, CREATE, WRITE
from erp.tryton.client import LogIn, Place, TrytonClient
from erp.tryton.reader import TrytonReader
from erp.tryton.writer import TrytonWriter
from tests.build import NOW, an_order_action, an_order_line, pieces
from tests.erp.tryton.company import NAME, READER, WRITER, count_stock
from tests.erp.tryton.faults import FaultyWay
from tests.erp.tryton.plant import DATABASE

ITEM = "1000-B6204"
SOON = NOW + timedelta(minutes=1)


class TrytonBench:
    """See `tests.erp.contract.Bench` and `tests.erp.edits_contract`."""

    late = 3.5
    """Seconds after which a slow write has surely been done."""

    def __init__(self, plant):
        self.plant = plant
        self.office = plant.office
        # Tryton gives a released line no date that lies in the past.
        day = plant.today + timedelta(days=7)
        self.action = an_order_action(lines=(an_order_line(expected_receipt_date=day),))

    async def __aenter__(self):
        self.plant.reset()
        self.way = await FaultyWay(self.plant.url, self.plant.sessions).__aenter__()
        self.reading = aiohttp.ClientSession()
        # A connection that the server closed meanwhile would turn a write into a doubt.
        self.writing = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self.reader = TrytonReader(
            self.client(self.reading, *READER), now=lambda: NOW, budget=20.0
        )
        self.writer = TrytonWriter(
            self.client(self.writing, *WRITER), now=lambda: NOW, write_time=1.0
        )
        return self

    async def __aexit__(self, *_):
        for session in (self.reading, self.writing):
            await session.close()
        with contextlib.suppress(RuntimeError):
            await self.way.__aexit__()

    def client(self, session, user, password):
        place = Place(base_url=self.way.url, database=DATABASE, company=NAME)
        return TrytonClient(session, place, LogIn(user=user, password=password))

    def count(self, marker):
        return len(self.office.find("purchase.purchase", ["reference", "like", f"%{marker}%"]))

    def block_vendor(self):
        (vendor,) = self.office.find("party.party", ["code", "=", "V-2040"])
        self.office.do("party.party.write", [vendor], {"active": False})

    def move_price(self):
        self.office.go_through(
            "product.modify_cost_price",
            "modify",
            {"date": self.plant.today, "cost_price": "33.40"},
            model="product.product",
            record=self.product(),
        )

    def use_stock(self, share):
        (main,) = self.office.find("stock.location", ["code", "=", "MAIN"])
        (product,) = self.office.do(
            "product.product.read", [self.product()], ["quantity"], locations=[main]
        )
        used = self.action.lines[0].quantity.value * Decimal(share)
        count_stock(self.office, product["id"], Decimal(product["quantity"]) - used)

    def change_quantity(self, document):
        line = self.line(document)
        self.office.do("purchase.line.write", [line], {"quantity": 41.0})

    person_edits = change_quantity

    def release(self, document):
        number = self.purchase(document)
        self.office.do("purchase.purchase.quote", [number])
        self.office.do("purchase.purchase.confirm", [number])

    def delete(self, document):
        self.office.do("purchase.purchase.delete", [self.purchase(document)])

    async def draft(self):
        """Let a purchase stand that another approval made."""
        plan = await self.reader.plan(self.action, marker="CS-EARLIER")
        applied = await self.writer.apply(plan, before=SOON)
        return applied.document, self.line(applied.document)

    def edits(self, document, line):
        return {
            "add_po_line": AddPurchaseOrderLine(document=document, line=self.action.lines[0]),
            "set_po_quantity": SetPurchaseOrderQuantity(
                document=document, line=line, quantity=pieces(55)
            ),
            "set_receipt_date": SetReceiptDate(
                document=document,
                line=line,
                expected_receipt_date=self.plant.today + timedelta(days=18),
            ),
            "cancel_draft_po": CancelDraftPurchaseOrder(document=document),
        }

    def quantity(self, document):
        number = self.purchase(document)
        if number is None:
            return None
        stands = self.office.read("purchase.purchase", number, "state", "lines.quantity")
        if stands["state"] == "cancelled":
            return None
        return sum(line["quantity"] for line in stands["lines."])

    def next_write(self, trouble):
        self.way.next(CREATE, trouble)

    def next_edit(self, kind, trouble):
        self.way.next(CANCEL if kind == "cancel_draft_po" else WRITE, trouble)

    async def away(self):
        self.way.down = True

    async def gone(self):
        """Let nobody listen any more."""
        await self.way.stop()

    def last_change(self):
        """Return when anything in the works was entered or changed last."""
        models = ("purchase.purchase", "purchase.line", "production", "stock.move", "party.party")
        stamps = [
            self.office.read(model, number, "create_date", "write_date")
            for model in (*models, "stock.location", "party.contact_mechanism")
            for number in self.office.find(model)
        ]
        return max(stamp["write_date"] or stamp["create_date"] for stamp in stamps)

    def product(self):
        """Return the id of what is ordered."""
        (product,) = self.office.find("product.product", ["code", "=", ITEM])
        return product

    def purchase(self, document):
        """Return the id of a purchase by its number, or its id in brackets; None when gone."""
        field, value = ("id", int(document[1:-1])) if document[0] == "(" else ("number", document)
        found = self.office.find("purchase.purchase", [field, "=", value])
        return found[0] if found else None

    def line(self, document):
        """Return the id of a purchase's first line."""
        return self.office.find("purchase.line", ["purchase", "=", self.purchase(document)])[0]
