"""The Business Central connector and the stand-in it talks to, with the contract's switches."""

from datetime import date, timedelta
from decimal import Decimal

import aiohttp

from decisions.actions import (
    AddPurchaseOrderLine,
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.reader import BusinessCentralReader
from erp.business_central.tokens import ClientCredentialTokens
from erp.business_central.writer import BusinessCentralWriter
from erp.standin.faults import Fault
from erp.standin.server import StandIn
from tests.build import NOW, an_order_action, pieces

TROUBLES = {
    "lost answer": Fault.ANSWER_LOST_AFTER_COMMIT,
    "gateway timeout": Fault.GATEWAY_TIMEOUT_AFTER_COMMIT,
    "gateway page": Fault.HTML_AFTER_COMMIT,
    "reset": Fault.RESET_BEFORE_COMMIT,
    "unavailable": Fault.UNAVAILABLE,
    "busy": Fault.TOO_MANY_REQUESTS,
    "slow": Fault.SLOW,
}

COMPANY = {"id": "c0000000-0000-4000-8000-000000000001", "currencyCode": "EUR"}
VENDOR = {
    "id": "7e4d0000-0000-4000-8000-000000000001",
    "number": "V-2040",
    "displayName": "Nordlager GmbH",
    "currencyCode": "EUR",
    "blocked": "_x0020_",
}
ITEM = {
    "id": "17e40000-0000-4000-8000-000000000001",
    "number": "1000-B6204",
    "displayName": "Deep groove bearing 6204",
    "blocked": False,
    "inventory": Decimal(112),
    "unitCost": Decimal("30.10"),
    "baseUnitOfMeasureCode": "PCS",
}
PLACE = {"id": "10ca0000-0000-4000-8000-000000000001", "code": "MAIN", "displayName": "Main"}


def _lines_of(order):
    return [line for line in order["purchaseOrderLines"] if line["lineType"] == "Item"]


class BusinessCentralBench:
    """See `tests.erp.contract.Bench`."""

    action = an_order_action()
    late = 3.5
    """Seconds after which a slow write has surely been done."""

    async def __aenter__(self):
        self.erp = StandIn(now=lambda: NOW)
        for kind, entity in (
            ("companyInformation", COMPANY),
            ("vendors", VENDOR),
            ("items", ITEM),
            ("locations", PLACE),
        ):
            self.erp.store.put(kind, dict(entity))
        await self.erp.start()
        reading = aiohttp.ClientSession()
        # A connection that the server closed meanwhile would turn a write into a doubt.
        writing = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._sessions = (reading, writing)
        self.reader = BusinessCentralReader(
            self._client(reading, self.erp.reader), now=lambda: NOW
        )
        self.writer = BusinessCentralWriter(
            self._client(writing, self.erp.writer), now=lambda: NOW, write_time=1.0
        )
        return self

    async def __aexit__(self, *_):
        for session in self._sessions:
            await session.close()
        await self.erp.stop()

    def _client(self, session, log_in):
        tokens = ClientCredentialTokens(
            session,
            url=f"{self.erp.base_url}/tenant/oauth2/v2.0/token",
            client_id=log_in.client_id,
            client_secret=log_in.secret,
        )
        company = Company(
            base_url=f"{self.erp.base_url}/v2.0",
            environment=self.erp.environment,
            company_id=self.erp.company_id,
        )
        return BusinessCentralClient(session, tokens, company)

    def count(self, marker):
        return sum(
            any(marker in line["description"] for line in order["purchaseOrderLines"])
            for order in self.erp.orders()
        )

    def writes(self):
        """Return how many requests that are no reads the ERP let in."""
        return sum(request.method != "GET" for request in self.erp.log)

    def written_by(self):
        """Return whose log-in wrote."""
        return {request.client for request in self.erp.log if request.method != "GET"}

    def block_vendor(self):
        self.erp.set_vendor("V-2040", blocked="All")

    def move_price(self):
        self.erp.set_item("1000-B6204", unitCost=Decimal("33.40"))

    def use_stock(self, share):
        stock = self.erp.store.by("items", "number", "1000-B6204")["inventory"]
        ordered = self.action.lines[0].quantity.value
        self.erp.set_item("1000-B6204", inventory=stock - ordered * Decimal(share))

    def change_quantity(self, document):
        self.erp.edit_order(document, quantity=Decimal(41))

    def release(self, document):
        self.erp.release(document)

    async def draft(self):
        """Let an order stand that another approval made."""
        plan = await self.reader.plan(self.action, marker="CS-EARLIER")
        applied = await self.writer.apply(plan, before=NOW + timedelta(minutes=1))
        return applied.document, 10_000

    def edits(self, document, line):
        return {
            "add_po_line": AddPurchaseOrderLine(document=document, line=self.action.lines[0]),
            "set_po_quantity": SetPurchaseOrderQuantity(
                document=document, line=line, quantity=pieces(55)
            ),
            "set_receipt_date": SetReceiptDate(
                document=document, line=line, expected_receipt_date=date(2026, 3, 20)
            ),
            "cancel_draft_po": CancelDraftPurchaseOrder(document=document),
        }

    def quantity(self, document):
        order = self.erp.store.by("purchaseOrders", "number", document)
        return None if order is None else sum(one["quantity"] for one in _lines_of(order))

    def person_edits(self, document):
        self.erp.edit_order(document, quantity=Decimal(41))

    def delete(self, document):
        order = self.erp.store.by("purchaseOrders", "number", document)
        self.erp.store.drop("purchaseOrders", order["id"])

    def next_edit(self, kind, trouble):
        method, path = {
            "add_po_line": ("POST", "purchaseOrderLines"),
            "cancel_draft_po": ("DELETE", ")"),
        }.get(kind, ("PATCH", ")"))
        self.erp.faults.next(method, path, TROUBLES[trouble])

    def next_write(self, trouble):
        self.erp.faults.next("POST", "purchaseOrders", TROUBLES[trouble])

    def next_search_fails(self):
        # Twice, because a log-in that is not accepted is tried once more with a new token.
        self.erp.faults.next("GET", "purchaseOrders", Fault.TOKEN_EXPIRED, times=2)

    def next_read_back_fails(self):
        self.erp.faults.next("GET", ")", Fault.TOKEN_EXPIRED, times=2)

    async def away(self):
        self.erp.faults.down = True

    async def gone(self):
        """Let nobody listen any more."""
        await self.erp.stop()
