"""A small Service Layer of SAP Business One, over real HTTP, with the quirks that are on paper.

Where its behaviour is described stands in the modules of `erp.sap_business_one`; what nobody
wrote down, such as whether a draft for a business partner on hold is refused, is decided here
and named in that package's README as never seen.
"""

import asyncio
import hashlib
import json
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import uuid4

import msgspec
from aiohttp import web

from erp.standin.faults import Fault, Faults
from tests.erp.sap_business_one.queries import NotUnderstoodError, holds, selected

PAGE_SIZE = 20
LATE = 3.0
COMPANY_DB = "SBODEMODE"

_ENCODER = msgspec.json.Encoder(decimal_format="number")

KEYS = {
    "BusinessPartners": "CardCode",
    "Items": "ItemCode",
    "Warehouses": "WarehouseCode",
    "PurchaseOrders": "DocEntry",
    "Drafts": "DocEntry",
}


def a_partner(**overrides):
    """Return a supplier that deals in euros."""
    defaults = {
        "CardCode": "V-2040",
        "CardName": "Nordlager GmbH",
        "CardType": "cSupplier",
        "Currency": "EUR",
        "EmailAddress": "orders@nordlager.example",
        "Valid": "tYES",
        "Frozen": "tNO",
        "UpdateDate": date(2026, 2, 1),
    }
    return defaults | overrides


def a_warehouse(**overrides):
    """Return the main warehouse."""
    return {"WarehouseCode": "MAIN", "WarehouseName": "Main", "Inactive": "tNO"} | overrides


def an_item(**overrides):
    """Return a bearing, 112 of them in the main warehouse."""
    defaults = {
        "ItemCode": "1000-B6204",
        "ItemName": "Deep groove bearing 6204",
        "InventoryUOM": "pcs",
        "UoMGroupEntry": -1,
        "Valid": "tYES",
        "Frozen": "tNO",
        "QuantityOnStock": Decimal(112),
        "AvgStdPrice": Decimal("30.10"),
        "UpdateDate": date(2026, 2, 1),
        "ItemWarehouseInfoCollection": [
            {"WarehouseCode": "MAIN", "InStock": Decimal(112), "Ordered": Decimal(0)},
            {"WarehouseCode": "YARD", "InStock": Decimal(0), "Ordered": Decimal(0)},
        ],
    }
    return defaults | overrides


class ServiceLayer:
    """One company, its users and its documents."""

    def __init__(self, *, now):
        self.now = now
        self.faults = Faults()
        self.users = {"reader": "read-only", "writer": "drafts-only"}
        self.sets = {name: {} for name in KEYS}
        self.local_currency = "EUR"
        self.log = []
        self.sessions = {}
        self.log_ins = 0
        self.hide_inventory_quantity = False
        self.before_change = lambda: None
        self._versions = {}
        self._server = None
        self.base_url = ""

    async def start(self):
        app = web.Application(middlewares=[self._troubled])
        app.router.add_post("/b1s/v2/Login", self._log_in)
        app.router.add_post("/b1s/v2/CompanyService_GetAdminInfo", self._admin_info)
        app.router.add_get("/b1s/v2/{set:[A-Za-z]+}", self._collection)
        app.router.add_post("/b1s/v2/{set:[A-Za-z]+}", self._create)
        app.router.add_route("*", r"/b1s/v2/{set:[A-Za-z]+}({key})", self._entity)
        # No test server: that one gives up a request whose sender no longer waits.
        self._server = web.AppRunner(app, access_log=None)
        await self._server.setup()
        await web.TCPSite(self._server, "127.0.0.1", 0).start()
        host, port = self._server.addresses[0]
        self.base_url = f"http://{host}:{port}"

    async def stop(self):
        await self._server.cleanup()

    def put(self, set_name, row):
        """Store a row, and count its version up."""
        key = str(row[KEYS[set_name]])
        self.sets[set_name][key] = row
        self._versions[set_name, key] = self._versions.get((set_name, key), 0) + 1

    def end_sessions(self):
        """Let every session end."""
        self.sessions.clear()

    def etag(self, set_name, key):
        """Return the ETag: the hash of a counter, as it has been seen to be (of SHA-1 there)."""
        return _etag(self._versions[set_name, str(key)])

    def edit_draft(self, key, **fields):
        """Let a person change the first line of a draft."""
        draft = self.sets["Drafts"][key]
        draft["DocumentLines"][0].update(fields)
        self._priced(draft)
        self.put("Drafts", draft)

    def add_as_order(self, key):
        """Let a person add a draft as an order; that closes the draft."""
        draft = self.sets["Drafts"][key]
        self.put("Drafts", draft | {"DocumentStatus": "bost_Close"})
        number = len(self.sets["PurchaseOrders"]) + 1
        self.put("PurchaseOrders", draft | {"DocEntry": number, "DocNum": 700 + number})

    @web.middleware
    async def _troubled(self, request, handler):
        if self.faults.down:
            return _cut(request)
        fault = self.faults.take(request.method, request.path)
        if fault in EARLY:
            return EARLY[fault](request)
        if fault is Fault.SLOW:
            await request.read()  # what was sent is done, whether or not anybody still waits
            await asyncio.sleep(LATE)
        answer = await self._let_in(request, handler)
        return LATER[fault](request) if fault in LATER else answer

    async def _let_in(self, request, handler):
        if not request.path.endswith("/Login"):
            session = self.sessions.get(request.cookies.get("B1SESSION"))
            if session is None or self.now() - session["used"] >= timedelta(minutes=30):
                return _ended()
            session["used"] = self.now()
            self.log.append(
                {
                    "method": request.method,
                    "path": request.path_qs,
                    "user": session["user"],
                    "route": request.cookies.get("ROUTEID"),
                }
            )
        try:
            return await handler(request)
        except NotUnderstoodError as wrong:
            return _error(400, "201", f"Property '{wrong}' of 'Document' is invalid")

    async def _log_in(self, request):
        asked = await request.json()
        right = self.users.get(asked["UserName"])
        if asked["CompanyDB"] != COMPANY_DB or right is None or asked["Password"] != right:
            return _error(401, "100000027", "Login failed")
        self.log_ins += 1
        name = str(uuid4())
        self.sessions[name] = {"user": asked["UserName"], "used": self.now()}
        answer = web.json_response({"SessionId": name, "Version": "1000230", "SessionTimeout": 30})
        answer.headers.add("Set-Cookie", f"B1SESSION={name};HttpOnly;")
        answer.headers.add("Set-Cookie", "ROUTEID=.node1; path=/b1s")
        return answer

    async def _admin_info(self, _):
        return _json({"CompanyName": "Demo", "LocalCurrency": self.local_currency})

    async def _collection(self, request):
        set_name = request.match_info["set"]
        rows = list(self._rows(set_name))
        options = request.query
        if "$filter" in options:
            rows = [row for row in rows if holds(options["$filter"], row)]
        if "$orderby" in options:
            rows.sort(key=lambda row: row[options["$orderby"]])
        skip = int(options.get("$skip", 0))
        size = _page_size(request.headers.get("Prefer", ""))
        page = rows[skip : skip + size]
        answer = {"@odata.context": f"{self.base_url}/b1s/v2/$metadata#{set_name}"}
        answer["value"] = [
            {"@odata.etag": _etag(1)} | selected(options["$select"], row)
            if "$select" in options
            else row
            for row in page
        ]
        if skip + size < len(rows):
            # Relative to the service root, as in the manual's examples.
            again = request.rel_url.update_query({"$skip": str(skip + size)})
            answer["@odata.nextLink"] = f"{set_name}?{again.raw_query_string}"
        return _json(answer)

    def _rows(self, set_name):
        for row in self.sets[set_name].values():
            if self.hide_inventory_quantity and "DocumentLines" in row:
                lines = [
                    {name: value for name, value in line.items() if name != "InventoryQuantity"}
                    for line in row["DocumentLines"]
                ]
                yield row | {"DocumentLines": lines}
            else:
                yield row

    async def _entity(self, request):
        set_name, key = request.match_info["set"], request.match_info["key"].strip("'")
        row = self.sets[set_name].get(key)
        if row is None:
            return _error(404, "-2028", "No matching records found (ODBC -2028)")
        etag = self.etag(set_name, key)
        if request.method == "GET":
            if "$select" in request.query:  # without the header, and with an ETag of no use
                body = {"@odata.etag": _etag(1)} | selected(request.query["$select"], row)
                return _json(body)
            return _json({"@odata.etag": etag} | row, headers={"ETag": etag})
        self.before_change()
        if request.headers.get("If-Match", etag) != self.etag(set_name, key):
            return _error(
                412,
                "-2039",
                "Another user or another operation modified data; to continue, open the window "
                "again (ODBC -2039)",
            )
        if request.method == "DELETE":
            del self.sets[set_name][key]
            return web.Response(status=204)
        self._change(row, _loaded(await request.text()))
        self.put(set_name, row)
        return web.Response(status=204)

    def _change(self, row, asked):
        """Change what is named; a line with a number is changed, one without is added."""
        for line in asked.pop("DocumentLines", []):
            known = {one["LineNum"]: one for one in row["DocumentLines"]}
            if line.get("LineNum") in known:
                known[line["LineNum"]].update(line)
            else:
                row["DocumentLines"].append(self._line(len(known), line))
        row.update(asked)
        self._priced(row)

    async def _create(self, request):
        asked = _loaded(await request.text())
        partner = self.sets["BusinessPartners"].get(asked["CardCode"])
        if partner is None:
            return _error(400, "-10", "10000008 - No matching business partner found")
        if partner["Frozen"] == "tYES":
            return _error(400, "-10", f"10001071 - Vendor {asked['CardCode']} is inactive")
        entry = max((int(key) for key in self.sets["Drafts"]), default=0) + 1
        draft = {
            "DocEntry": entry,
            "DocNum": 1200,  # the number that the order would get now; every draft has the same
            "CardName": partner["CardName"],
            "Comments": None,
            "DocumentStatus": "bost_Open",
            "AuthorizationStatus": "dasWithout",
            "VatPercent": Decimal(19),
            **asked,
        }
        draft["DocumentLines"] = [
            self._line(number, line) for number, line in enumerate(asked["DocumentLines"])
        ]
        self._priced(draft)
        self.put(request.match_info["set"], draft)
        etag = self.etag("Drafts", entry)
        return _json({"@odata.etag": etag} | draft, status=201, headers={"ETag": etag})

    def _line(self, number, asked):
        item = self.sets["Items"][asked["ItemCode"]]
        return {
            "LineNum": number,
            "ItemDescription": item["ItemName"],
            "MeasureUnit": item["InventoryUOM"],
            "WarehouseCode": "MAIN",
            "ShipDate": None,
            "LineStatus": "bost_Open",
            **asked,
        }

    def _priced(self, document):
        foreign = document["DocCurrency"] != self.local_currency
        total = Decimal(0)
        for line in document["DocumentLines"]:
            amount = _rounded(line["Quantity"] * line["UnitPrice"])
            total += amount
            line["InventoryQuantity"] = line["Quantity"]
            line["RemainingOpenQuantity"] = line["Quantity"]
            line["LineTotal"] = _rounded(amount * 2) if foreign else amount  # at a rate of two
            line["RowTotalFC"] = amount if foreign else Decimal(0)
        vat = _rounded(total * Decimal("0.19"))
        rate = Decimal(2) if foreign else Decimal(1)
        document["DocTotal"], document["VatSum"] = (total + vat) * rate, vat * rate
        document["DocTotalFc"] = total + vat if foreign else Decimal(0)
        document["VatSumFc"] = vat if foreign else Decimal(0)


def _rounded(amount):
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _page_size(prefer):
    name, _, number = prefer.partition("=")
    return int(number) if name == "odata.maxpagesize" else PAGE_SIZE


def _etag(version):
    return f'W/"{hashlib.sha256(str(version).encode()).hexdigest().upper()}"'


def _loaded(text):
    """Read a body; line numbers are whole, every other number is a decimal."""
    body = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    for line in body.get("DocumentLines", []):
        if "LineNum" in line:
            line["LineNum"] = int(line["LineNum"])
    return body


def _json(body, *, status=200, headers=None):
    text = _ENCODER.encode(body).decode()
    return web.Response(
        status=status, text=text, content_type="application/json", headers=headers or {}
    )


def _error(status, code, message):
    return _json({"error": {"code": code, "message": message}}, status=status)


def _ended():
    return _error(401, "301", "Invalid session or session already timeout.")


def _cut(request):
    request.transport.abort()
    return web.Response()


EARLY = {
    Fault.RESET_BEFORE_COMMIT: _cut,
    Fault.UNAVAILABLE: lambda _: web.Response(status=503, headers={"Retry-After": "1"}),
    Fault.TOO_MANY_REQUESTS: lambda _: web.Response(status=429, headers={"Retry-After": "7"}),
    Fault.TOKEN_EXPIRED: lambda _: _ended(),
}
LATER = {
    Fault.ANSWER_LOST_AFTER_COMMIT: _cut,
    Fault.GATEWAY_TIMEOUT_AFTER_COMMIT: lambda _: web.Response(status=504, text="timeout"),
    Fault.HTML_AFTER_COMMIT: lambda _: web.Response(status=502, text="<html>Bad Gateway</html>"),
}
