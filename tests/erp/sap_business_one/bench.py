"""The connector of SAP Business One and its Service Layer, with the contract's switches."""

from datetime import date, timedelta
from decimal import Decimal

import aiohttp

from decisions.actions import (
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from erp.sap_business_one.client import Company, ServiceLayerClient
from erp.sap_business_one.reader import SapBusinessOneReader
from erp.sap_business_one.sessions import LogIn, Sessions
from erp.sap_business_one.snapshots import Snapshots
from erp.sap_business_one.writer import SapBusinessOneWriter
from erp.standin.faults import Fault
from tests.build import NOW, an_order_action, pieces
from tests.erp.sap_business_one.service_layer import (
    COMPANY_DB,
    ServiceLayer,
    a_partner,
    a_warehouse,
    an_item,
)

TROUBLES = {
    "lost answer": Fault.ANSWER_LOST_AFTER_COMMIT,
    "gateway timeout": Fault.GATEWAY_TIMEOUT_AFTER_COMMIT,
    "gateway page": Fault.HTML_AFTER_COMMIT,
    "reset": Fault.RESET_BEFORE_COMMIT,
    "unavailable": Fault.UNAVAILABLE,
    "busy": Fault.TOO_MANY_REQUESTS,
    "slow": Fault.SLOW,
}


def key_of(document):
    """Return the key of a draft by the name that the connector gives it."""
    return document.removeprefix("Draft ")


class SapBusinessOneBench:
    """See `tests.erp.contract.Bench`."""

    action = an_order_action()
    late = 3.5
    """Seconds after which a slow write has surely been done."""

    async def __aenter__(self):
        self.time = NOW
        self.erp = ServiceLayer(now=lambda: self.time)
        self.erp.put("BusinessPartners", a_partner())
        self.erp.put("Items", an_item())
        self.erp.put("Warehouses", a_warehouse())
        await self.erp.start()
        reading = aiohttp.ClientSession()
        # A connection that the server closed meanwhile would turn a write into a doubt.
        writing = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._sessions = (reading, writing)
        read = self.client(reading, "reader")
        self.reader = SapBusinessOneReader(
            read, snapshots=Snapshots(read, now=lambda: self.time), budget=10.0
        )
        self.writer = SapBusinessOneWriter(
            self.client(writing, "writer"), now=lambda: self.time, write_time=1.0
        )
        return self

    async def __aexit__(self, *_):
        for session in self._sessions:
            await session.close()
        await self.erp.stop()

    def client(self, session, user):
        company = Company(base_url=self.erp.base_url, company_db=COMPANY_DB)
        log_in = LogIn(company_db=COMPANY_DB, user=user, password=self.erp.users[user])
        sessions = Sessions(session, log_in, url=company.url("Login"), now=lambda: self.time)
        return ServiceLayerClient(session, sessions, company)

    def count(self, marker):
        return sum(draft["NumAtCard"] == marker for draft in self.erp.sets["Drafts"].values())

    def writes(self):
        """Return the requests that changed something, or were to."""
        functions = ("Login", "CompanyService_GetAdminInfo")
        return [
            one
            for one in self.erp.log
            if one["method"] != "GET" and not one["path"].endswith(functions)
        ]

    def set_item(self, **fields):
        self.erp.put("Items", self.erp.sets["Items"]["1000-B6204"] | fields)

    def set_vendor(self, **fields):
        self.erp.put("BusinessPartners", self.erp.sets["BusinessPartners"]["V-2040"] | fields)

    def block_vendor(self):
        self.set_vendor(Frozen="tYES")

    def move_price(self):
        self.set_item(AvgStdPrice=Decimal("33.40"))

    def use_stock(self, share):
        stock = self.erp.sets["Items"]["1000-B6204"]["QuantityOnStock"]
        ordered = self.action.lines[0].quantity.value
        self.set_item(QuantityOnStock=stock - ordered * Decimal(share))

    def change_quantity(self, document):
        self.erp.edit_draft(key_of(document), Quantity=Decimal(41))

    def release(self, document):
        self.erp.add_as_order(key_of(document))

    def next_write(self, trouble):
        self.erp.faults.next("POST", "Drafts", TROUBLES[trouble])

    async def draft(self):
        """Let a draft stand that another approval made."""
        plan = await self.reader.plan(self.action, marker="CS-EARLIER")
        applied = await self.writer.apply(plan, before=NOW + timedelta(minutes=1))
        return applied.document, 0

    def edits(self, document, line):
        return {
            "set_po_quantity": SetPurchaseOrderQuantity(
                document=document, line=line, quantity=pieces(55)
            ),
            "set_receipt_date": SetReceiptDate(
                document=document, line=line, expected_receipt_date=date(2026, 3, 20)
            ),
            "cancel_draft_po": CancelDraftPurchaseOrder(document=document),
        }

    def quantity(self, document):
        draft = self.erp.sets["Drafts"].get(key_of(document))
        return draft and sum(line["Quantity"] for line in draft["DocumentLines"])

    def person_edits(self, document):
        self.change_quantity(document)

    def delete(self, document):
        del self.erp.sets["Drafts"][key_of(document)]

    def next_edit(self, kind, trouble):
        method = "DELETE" if kind == "cancel_draft_po" else "PATCH"
        self.erp.faults.next(method, "Drafts(1)", TROUBLES[trouble])

    def add_line(self, document):
        """Let a person order three more of the item."""
        draft = self.erp.sets["Drafts"][key_of(document)]
        line = draft["DocumentLines"][0] | {"LineNum": 1, "Quantity": Decimal(3)}
        draft["DocumentLines"].append(line)
        self.erp.put("Drafts", draft)

    async def away(self):
        self.erp.faults.down = True

    async def gone(self):
        """Let nobody listen any more."""
        await self.erp.stop()
