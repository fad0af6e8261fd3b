"""A small Sage X3 over real HTTP: one folder, its schema, and what it publishes.

Types and properties are those of the reference on developer.sage.com/x3/graphql, cut down to
what is asked; `currency` of a supplier and `product` of a product at a site are names that no
page of it confirmed, so tests take them away, too.
"""

import asyncio
import re
from decimal import Decimal

import jwt
import msgspec
from aiohttp import web

from tests.erp.sage_x3.graphql import NotInSchemaError, parsed, shaped

FOLDER = "SEED"
CLIENT_ID = "c0ffee00-0000-4000-8000-00000000c0de"
USER = "countersign"
WORD = "a word that is long enough to sign with"

_ENCODER = msgspec.json.Encoder(decimal_format="number")

TYPES = {
    "Query": {
        "x3MasterData": "MasterData",
        "x3System": "System",
        "x3StockData": "StockData",
    },
    "Mutation": {"x3Purchasing": "PurchasingChanges"},
    "PurchasingChanges": {"purchaseReceipt": "PurchaseReceiptChanges"},
    "PurchaseReceiptChanges": {"create": "PurchaseReceipt"},
    "PurchaseReceipt": {"id": "String"},
    "MasterData": {"product": "Product_Ops", "supplier": "Supplier_Ops"},
    "System": {"site": "Site_Ops"},
    "StockData": {"stock": "Stock_Ops"},
    "Product": {
        "code": "String",
        "localizedDescription1": "String",
        "productStatus": "ProductStatus",
        "stockUnit": "UnitOfMeasure",
    },
    "UnitOfMeasure": {"code": "String"},
    "Supplier": {
        "code": "BusinessPartner",
        "companyName1": "String",
        "isActive": "Boolean",
        "currency": "Currency",
    },
    "BusinessPartner": {"code": "String"},
    "Currency": {"code": "String"},
    "Site": {"code": "String", "name": "String", "isStockSite": "Boolean"},
    "Stock": {"stockSite": "Site", "product": "ProductSite", "quantityInStockUnit": "Decimal"},
    "ProductSite": {"product": "Product"},
    "PageInfo": {"hasNextPage": "Boolean", "endCursor": "String"},
}
NODES = ("Product", "Supplier", "Site", "Stock")


def a_product(**overrides):
    """Return a bearing that may be used."""
    defaults = {
        "code": "1000-B6204",
        "localizedDescription1": "Deep groove bearing 6204",
        "productStatus": "active",
        "stockUnit": {"code": "UN"},
    }
    return defaults | overrides


def a_supplier(**overrides):
    """Return a supplier who may be bought from, in euros."""
    defaults = {
        "code": {"code": "FR053"},
        "companyName1": "Nordlager GmbH",
        "isActive": True,
        "currency": {"code": "EUR"},
    }
    return defaults | overrides


def a_site(**overrides):
    """Return a site with stock."""
    return {"code": "FR011", "name": "Lyon works", "isStockSite": True} | overrides


def a_lot(**overrides):
    """Return twelve and a half bearings in one place of the site."""
    defaults = {
        "stockSite": a_site(),
        "product": {"product": a_product()},
        "quantityInStockUnit": Decimal("12.5"),
    }
    return defaults | overrides


class Folder:
    """What the folder publishes, and what went wrong on purpose."""

    def __init__(self, *, now):
        self.now = now
        self.types = {name: dict(fields) for name, fields in TYPES.items()}
        self.statuses = ["active", "inDevelopment", "obsolete"]
        self.paging = ["first", "after"]
        self.lists = {
            "x3MasterData.product": [a_product()],
            "x3MasterData.supplier": [a_supplier()],
            "x3System.site": [a_site()],
            "x3StockData.stock": [a_lot()],
        }
        self.forbidden = set()
        self.asked = []
        self.answers = []
        self.silent = False
        self.url = ""
        self._server = None
        self._stopped = asyncio.Event()

    async def start(self):
        app = web.Application()
        app.router.add_post("/xtrem/api", self._answer)
        self._server = web.AppRunner(app, access_log=None)
        await self._server.setup()
        await web.TCPSite(self._server, "127.0.0.1", 0).start()
        host, port = self._server.addresses[0]
        self.url = f"http://{host}:{port}/xtrem/api"

    async def stop(self):
        self._stopped.set()
        await self._server.cleanup()

    async def _answer(self, request):
        if self.silent:
            await self._stopped.wait()
        if self.answers:
            status, text = self.answers.pop(0)
            return web.Response(status=status, text=text)
        wrong = self._stranger(request)
        if wrong:
            return web.Response(status=401, text=wrong)
        query = (await request.json())["query"]
        self.asked.append(query)
        (name, (_, inner)), *_ = parsed(query).items()
        if name == "__schema":
            return self._said({"__schema": self._schema()})
        return self._listed(name, inner)

    def _stranger(self, request):
        """Return the words for a token, or a folder, that is not ours; None for ours."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(
                token,
                WORD,
                algorithms=["HS256"],
                audience=self.url,
                options={"verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return "Error 50: Invalid token"
        if claims["iss"] != CLIENT_ID:
            return "Error 41: Invalid token"
        if claims["sub"] != USER:
            return "Error 42: Invalid token"
        if not claims["iat"] <= self.now().timestamp() < claims["exp"] <= claims["iat"] + 300:
            return "Error 50: Invalid token"
        if request.headers.get("x-xtrem-endpoint") != FOLDER:
            return "Error 60: Unknown endpoint"
        return None

    def _listed(self, package, nodes):
        (node, (_, inner)), *_ = nodes.items()
        arguments, selection = inner["query"]
        name = f"{package}.{node}"
        if name in self.forbidden:
            return self._said(None, f"{name} is not activated for {USER}")
        rows = self.lists[name]
        wanted = re.fullmatch(r"\{code: '(.*)'\}", arguments.get("filter", ""))
        if wanted:
            rows = [row for row in rows if row["code"]["code"] == wanted[1]]
        start = int(arguments.get("after", "0"))
        end = start + arguments.get("first", 20)
        page = {
            "edges": [{"node": row} for row in rows[start:end]],
            "pageInfo": {"hasNextPage": end < len(rows), "endCursor": str(end)},
        }
        try:
            return self._said({package: {node: {"query": shaped(page, selection)}}})
        except NotInSchemaError as unknown:
            return self._said(None, f"Cannot query field {unknown}")

    def _said(self, data, *errors):
        body = {"data": data}
        if errors:
            body["errors"] = [{"message": message} for message in errors]
        return web.Response(text=_ENCODER.encode(body).decode(), content_type="application/json")

    def _schema(self):
        types = [
            {"name": name, "fields": [_field(*one) for one in fields.items()], "enumValues": None}
            for name, fields in self.types.items()
        ]
        for node in NODES:
            query = _field("query", f"{node}_List")
            query["args"] = [{"name": name} for name in self.paging]
            types += [
                {"name": f"{node}_Ops", "fields": [query], "enumValues": None},
                {
                    "name": f"{node}_List",
                    "fields": [
                        _field("edges", f"{node}_Edge", listed=True),
                        _field("pageInfo", "PageInfo"),
                    ],
                    "enumValues": None,
                },
                {"name": f"{node}_Edge", "fields": [_field("node", node)], "enumValues": None},
            ]
        statuses = [{"name": name} for name in self.statuses]
        types.append({"name": "ProductStatus", "fields": None, "enumValues": statuses})
        return {
            "queryType": {"name": "Query"},
            "mutationType": {"name": "Mutation"},
            "types": types,
        }


def _field(name, of, *, listed=False):
    """Return a field; a list of what is never null is wrapped twice."""
    kind = {"name": of, "ofType": None}
    if listed:
        kind = {"name": None, "ofType": {"name": None, "ofType": kind}}
    return {"name": name, "args": [], "type": kind}
