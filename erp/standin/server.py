"""The stand-in's HTTP face: tokens, collections, entities, and what goes wrong with them."""

import asyncio
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from aiohttp import web

from erp.standin import odata
from erp.standin.actions import EXTENSION, Actions
from erp.standin.faults import Fault, Faults, before_commit, cut, html
from erp.standin.orders import Orders, RefusedError
from erp.standin.queries import ANALYTICS, FINANCE, Queries
from erp.standin.store import Entity, Store, json_bytes, read_json
from erp.standin.webhooks import Webhooks

COMPANY_ID: Final = "8f6b2f6e-2c55-4a55-9b0a-5b8f7c1d0a01"
CURRENCY: Final = "EUR"
READ_ONLY: Final = frozenset(
    {"companyInformation", "items", "vendors", "locations", "purchaseReceipts"}
    | {"itemLedgerEntries", "unitsOfMeasure", "transferOrders"}
)
_LATE: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """An app registration."""

    client_id: str
    secret: str
    may_write: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that came in; `client` is whose token it carried."""

    method: str
    path: str
    client: str
    body: object


class StandIn:
    """A company in a Business-Central-shaped ERP, on loopback."""

    environment = "Production"
    company_id = COMPANY_ID
    reader = LogIn(
        client_id="aaaa0000-0000-4000-8000-00000000000a",
        secret="read",  # noqa: S106  good on loopback only
        may_write=False,
    )
    writer = LogIn(
        client_id="bbbb0000-0000-4000-8000-00000000000b",
        secret="write",  # noqa: S106  good on loopback only
        may_write=True,
    )

    def __init__(self, *, now: Callable[[], datetime], path: Path | None = None) -> None:
        """Keep everything in a file, or nothing where there is none."""
        self.store = Store(path)
        self.faults = Faults()
        self.log: deque[Request] = deque(maxlen=5000)
        self.posted_irreversibly: list[str] = []
        self.analytics = self.finance = True
        """Whether the Power BI app and API Reports - Finance are installed."""
        self.extension = False
        """Whether the Countersign extension is."""
        self.queries = Queries(self.store)
        self.latency = 0.0
        """Seconds before each answer."""
        self._now = now
        self._book = Orders(self.store, now, CURRENCY)
        self._actions = Actions(self.store, now)
        self.webhooks = Webhooks(now=now, may=lambda request: self._client(request) is not None)
        self._tokens: dict[str, LogIn] = {}
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen."""
        app = web.Application(middlewares=[self._misbehave])
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        self.webhooks.add_to(app)
        apis = rf"v2\.0|{ANALYTICS}|{FINANCE}|{EXTENSION}"
        root = f"/v2.0/{{environment}}/api/{{api:{apis}}}/companies"
        app.router.add_get(root, self._companies)
        app.router.add_route("*", root + r"({company:[^)]+})/{path:.+}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        self.base_url = "http://{}:{}".format(*self._runner.addresses[0][:2])

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
        self.store.close()

    def orders(self) -> list[Entity]:
        """Return every purchase order with its lines."""
        return list(self.store.all("purchaseOrders"))

    def set_item(self, number: str, **fields: object) -> None:
        """Change an item behind everybody's back."""
        self._set("items", number, fields)

    def set_vendor(self, number: str, **fields: object) -> None:
        """Change a vendor behind everybody's back."""
        self._set("vendors", number, fields)

    def edit_order(self, number: str, **line: object) -> None:
        """Change the first line of an order, as a person in the web client does."""
        order = self._one("purchaseOrders", number)
        self._book.change_line(order, order["purchaseOrderLines"][0], line)

    def release(self, number: str) -> None:
        """Release an order; the API calls that Open."""
        order = self._one("purchaseOrders", number)
        order["status"] = "Open"
        self.store.put("purchaseOrders", order)

    def _one(self, kind: str, number: str) -> Entity:
        found = self.store.by(kind, "number", number)
        if found is None:
            raise KeyError(number)
        return found

    def _set(self, kind: str, number: str, fields: Mapping[str, object]) -> None:
        changed = {"lastModifiedDateTime": self._now().isoformat().replace("+00:00", "Z")}
        self.store.put(kind, self._one(kind, number) | changed | dict(fields))

    @web.middleware
    async def _misbehave(
        self, request: web.Request, handler: Callable[[web.Request], Any]
    ) -> web.StreamResponse:
        if self.faults.down:
            return cut(request)
        await asyncio.sleep(self.latency)
        fault = self.faults.take(request.method, request.path)
        if fault is Fault.SLOW:
            await request.read()  # what was sent is done, whether or not anybody still waits
            await asyncio.sleep(_LATE)
        early = before_commit(fault, request)
        if early is not None:
            return early
        answer: web.StreamResponse = await handler(request)
        match fault:
            case Fault.ANSWER_LOST_AFTER_COMMIT:
                return cut(request)
            case Fault.GATEWAY_TIMEOUT_AFTER_COMMIT:
                return web.Response(status=504, text="upstream request timeout")
            case Fault.HTML_AFTER_COMMIT:
                return html(502)
            case _:
                return answer

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        for one in (self.reader, self.writer):
            if (form.get("client_id"), form.get("client_secret")) == (one.client_id, one.secret):
                token = secrets.token_urlsafe(24)
                self._tokens[token] = one
                return web.json_response(
                    {"token_type": "Bearer", "expires_in": 3599, "access_token": token}
                )
        return web.json_response(
            {"error": "invalid_client", "error_description": "AADSTS7000215"}, status=401
        )

    async def _companies(self, request: web.Request) -> web.Response:
        if self._client(request) is None:
            return html(401)
        company = {"id": COMPANY_ID, "name": "Nordwerk", "displayName": "Nordwerk Pumpen GmbH"}
        return _answer({"value": [company]})

    def _client(self, request: web.Request) -> LogIn | None:
        return self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        client = self._client(request)
        if client is None:
            return html(401)
        try:
            raw = await request.read()
            body: object = read_json(raw) if raw else {}
            self.log.append(
                Request(
                    method=request.method,
                    path=request.match_info["path"],
                    client=client.client_id,
                    body=body,
                )
            )
            _check_access(request, client)
            return self._dispatch(request, _fields(body))
        except RefusedError as refused:
            return _error(refused.status, refused.code, str(refused))
        except odata.BadQueryError as wrong:
            return _error(400, "BadRequest_InvalidRequestUrl", str(wrong))
        except msgspec.DecodeError:
            return _error(400, "BadRequest_InvalidJson", "The body is not JSON.")

    def _dispatch(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if request.match_info["api"] == EXTENSION:
            return self._extension(request, body)
        if request.match_info["api"] != "v2.0":
            return self._query(request)
        kind, key, rest = _parts(request.match_info["path"])
        if kind in READ_ONLY:
            return self._read(request, kind, key)
        if kind == "purchaseOrderLines":
            return self._lines(request, key, None, body)
        if kind != "purchaseOrders":
            raise RefusedError(404, "BadRequest_NotFound", f"No HTTP resource was found: {kind}")
        if not key:
            return self._all_orders(request, body)
        return self._within(request, key, rest, body)

    def _within(
        self, request: web.Request, key: str, rest: str, body: dict[str, Any]
    ) -> web.Response:
        order = self._found("purchaseOrders", key)
        if rest.startswith("purchaseOrderLines"):
            return self._lines(request, _parts(rest)[1], order, body)
        if rest == "Microsoft.NAV.receiveAndInvoice":
            self.posted_irreversibly.append(order["number"])
            return web.Response(status=204)
        return self._order(request, order, body)

    def _found(self, kind: str, key: str) -> Entity:
        found = self.store.get(kind, key)
        if found is None:
            raise RefusedError(404, "Internal_RecordNotFound", "The record does not exist.")
        return found

    def _read(self, request: web.Request, kind: str, key: str) -> web.Response:
        if request.method != "GET":
            raise RefusedError(405, "BadRequest_MethodNotAllowed", f"{kind} cannot be written.")
        if key:
            return _answer(_tagged(self._found(kind, key), request))
        return self._page(request, list(self.store.all(kind)))

    def _all_orders(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        if request.method == "POST":
            return _answer(_tagged(self._book.create(body), request), status=201)
        return self._page(request, self.orders())

    def _order(self, request: web.Request, order: Entity, body: dict[str, Any]) -> web.Response:
        match request.method:
            case "GET":
                return _answer(_tagged(order, request))
            case "PATCH":
                _check_tag(request, order, must=True)
                return _answer(_tagged(self._book.change(order, body), request))
            case "DELETE":
                _check_tag(request, order, must=False)
                self._book.delete(order)
                return web.Response(status=204)
            case _:
                raise RefusedError(405, "BadRequest_MethodNotAllowed", "Not on one order.")

    def _lines(
        self, request: web.Request, key: str, order: Entity | None, body: dict[str, Any]
    ) -> web.Response:
        if key:
            line, order = self._line(key)
            if request.method == "GET":
                return _answer(_tagged(line, request))
            _check_tag(request, line, must=True)
            return _answer(_tagged(self._book.change_line(order, line, body), request))
        if order is None:
            if request.method == "POST" and "documentId" in body:
                order = self._found("purchaseOrders", str(body["documentId"]))
            elif "documentId eq" not in request.query.get("$filter", ""):
                raise RefusedError(
                    400,
                    "Application_DialogException",
                    "You must specify an Id or a Document Id to get the lines.",
                )
        if request.method == "POST" and order is not None:
            return _answer(_tagged(self._book.add_line(order, body), request), status=201)
        orders = [order] if order is not None else self.orders()
        return self._page(request, [line for one in orders for line in one["purchaseOrderLines"]])

    def _line(self, key: str) -> tuple[Entity, Entity]:
        for order in self.orders():
            for line in order["purchaseOrderLines"]:
                if line["id"] == key.lower():
                    return line, order
        raise RefusedError(404, "Internal_RecordNotFound", "The line does not exist.")

    def _extension(self, request: web.Request, body: dict[str, Any]) -> web.Response:
        kind, key, _ = _parts(request.match_info["path"])
        if not self.extension or kind != "actions":
            raise RefusedError(404, "BadRequest_NotFound", "No HTTP resource was found.")
        match request.method, bool(key):
            case "POST", False:
                return _answer(self._actions.carry_out(body), status=201)
            case "GET", True:
                return _answer(self._actions.row(key))
            case "GET", False:
                return self._page(request, self._actions.rows())
            case _:
                raise RefusedError(405, "BadRequest_MethodNotAllowed", "Only looked up.")

    def _query(self, request: web.Request) -> web.Response:
        """Answer a query of an app that stands beside API v2.0."""
        api, name = request.match_info["api"], request.match_info["path"]
        if not (self.finance if api == FINANCE else self.analytics):
            raise RefusedError(404, "BadRequest_NotFound", "No HTTP resource was found.")
        rows = self.queries.rows(api, name, method=request.method, options=request.query)
        return self._page(request, rows)

    def _page(self, request: web.Request, entities: list[Entity]) -> web.Response:
        options = request.query
        wanted = [one for one in entities if odata.matches(one, options.get("$filter"))]
        odata.ordered(wanted, options.get("$orderby"))
        wanted = wanted[: int(options.get("$top", len(wanted)))]
        size = odata.page_size(request.headers.get("Prefer"))
        start = int(options.get("$skiptoken", "0"))
        body: dict[str, Any] = {
            "value": [_tagged(one, request) for one in wanted[start : start + size]]
        }
        if options.get("$count") == "true":
            body["@odata.count"] = len(wanted)
        if start + size < len(wanted):
            link = request.url.update_query({"$skiptoken": str(start + size)})
            body["@odata.nextLink"] = str(link)
        return _answer(body)


def _check_access(request: web.Request, client: LogIn) -> None:
    if request.method != "GET" and not client.may_write:
        raise RefusedError(403, "Authentication_InsufficientPermissions", "You may not write.")
    if request.match_info["company"].lower() != COMPANY_ID:
        raise RefusedError(404, "Internal_CompanyNotFound", "The company does not exist.")


def _fields(body: object) -> dict[str, Any]:
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def _parts(path: str) -> tuple[str, str, str]:
    """Split `kind(key)/rest`."""
    first, _, rest = path.partition("/")
    kind, _, key = first.partition("(")
    return kind, key.rstrip(")"), rest


def _tagged(entity: Entity, request: web.Request) -> dict[str, Any]:
    """Return an entity as it goes out: its tag, the chosen fields, expanded lines."""
    tag = {"@odata.etag": odata.etag(entity)} if "_version" in entity else {}
    shown = tag | odata.selected(entity, request.query.get("$select"))
    if "purchaseOrderLines" in entity:
        options = odata.nested(request.query.get("$expand", ""), "purchaseOrderLines")
        shown.pop("purchaseOrderLines", None)
        if options is not None:
            shown["purchaseOrderLines"] = [
                {"@odata.etag": odata.etag(line)} | odata.selected(line, options.get("$select"))
                for line in entity["purchaseOrderLines"]
                if odata.matches(line, options.get("$filter"))
            ]
    return shown


def _check_tag(request: web.Request, entity: Entity, *, must: bool) -> None:
    given = request.headers.get("If-Match")
    if given is None and must:
        raise RefusedError(
            400, "BadRequest_InvalidToken", "Could not validate the client concurrency token."
        )
    if given not in (None, "*", odata.etag(entity)):
        raise RefusedError(
            409,
            "Request_EntityChanged",
            "Another user has already changed the record.",
        )


def _answer(body: object, status: int = 200) -> web.Response:
    return web.Response(body=json_bytes(body), status=status, content_type="application/json")


def _error(status: int, code: str, message: str) -> web.Response:
    text = f"{message}  CorrelationId:  {uuid.uuid4()}."
    return _answer({"error": {"code": code, "message": text}}, status)
