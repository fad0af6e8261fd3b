"""Subscriptions to changes: the handshake, three days of life, and notices without data.

https://learn.microsoft.com/dynamics365/business-central/dev-itpro/api-reference/v2.0/dynamics-subscriptions
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from aiohttp import web

from erp.standin.faults import html
from erp.standin.store import json_bytes, read_json

LIFE: Final = timedelta(days=3)
_SUPPORTED: Final = ("accounts", "companyInformation", "items", "purchaseInvoices", "vendors")
"""As the documentation lists them; purchase orders are not among them."""


class Webhooks:
    """Who wants to be told, and telling them."""

    def __init__(self, *, now: Callable[[], datetime], may: Callable[[web.Request], bool]) -> None:
        """Keep nothing over a restart; `may` tells whether a request carries a token."""
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.supported = list(_SUPPORTED)
        self.renewals = 0
        self._now = now
        self._may = may

    def add_to(self, app: web.Application) -> None:
        """Listen beside the collections."""
        root = "/v2.0/{environment}/api"
        app.router.add_get(
            root + "/microsoft/runtime/beta/companies({company})/webhookSupportedResources",
            self._resources,
        )
        app.router.add_get(root + "/v2.0/subscriptions", self._listed)
        app.router.add_post(root + "/v2.0/subscriptions", self._made)
        app.router.add_patch(root + "/v2.0/subscriptions('{id}')", self._renewed)

    async def tell(self, kind: str, *, change: str = "updated", state: str | None = None) -> int:
        """Tell everybody who wants to know of a change; return the last one's answer."""
        status = 0
        for one in list(self.subscriptions.values()):
            if not one["resource"].endswith(f"/{kind}"):
                continue
            notice = {
                "subscriptionId": one["subscriptionId"],
                "clientState": one["clientState"] if state is None else state,
                "expirationDateTime": one["expirationDateTime"],
                "resource": f"{one['resource']}({uuid.uuid4()})",
                "changeType": change,
                "lastModifiedDateTime": _text(self._now()),
            }
            async with (
                aiohttp.ClientSession() as session,
                session.post(one["notificationUrl"], json={"value": [notice]}) as answer,
            ):
                status = answer.status
            if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
                del self.subscriptions[one["subscriptionId"]]
        return status

    async def _resources(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return html(401)
        return _answer({"value": [{"resource": f"v2.0/{name}"} for name in self.supported]})

    async def _listed(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return html(401)
        return _answer({"value": list(self.subscriptions.values())})

    async def _made(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return html(401)
        return await self._kept(request, uuid.uuid4().hex, HTTPStatus.CREATED)

    async def _renewed(self, request: web.Request) -> web.Response:
        if not self._may(request):
            return html(401)
        standing = self.subscriptions.get(request.match_info["id"])
        if standing is None:
            return _error(404, "Internal_RecordNotFound", "The subscription does not exist.")
        if request.headers.get("If-Match") != standing["@odata.etag"]:
            return _error(409, "Request_EntityChanged", "Another user has changed the record.")
        self.renewals += 1
        return await self._kept(request, standing["subscriptionId"], HTTPStatus.OK)

    async def _kept(self, request: web.Request, name: str, status: int) -> web.Response:
        """Ask the address whether it is theirs, and keep the subscription when it says so."""
        wish: Any = read_json(await request.read())
        if not await _shakes_hands(wish["notificationUrl"]):
            return _error(400, "BadRequest", "The subscriber did not echo the validation token.")
        kept = wish | {
            "@odata.etag": f'W/"{uuid.uuid4().hex}"',
            "subscriptionId": name,
            "expirationDateTime": _text(self._now() + LIFE),
        }
        self.subscriptions[name] = kept
        return _answer(kept, status)


async def _shakes_hands(address: str) -> bool:
    token = uuid.uuid4().hex
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(address, params={"validationToken": token}) as answer,
        ):
            return answer.status == HTTPStatus.OK and await answer.text() == token
    except aiohttp.ClientError:
        return False


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _answer(body: object, status: int = 200) -> web.Response:
    return web.Response(body=json_bytes(body), status=status, content_type="application/json")


def _error(status: int, code: str, message: str) -> web.Response:
    return _answer({"error": {"code": code, "message": message}}, status)
