"""Notices that something changed: asked for where Business Central can send them, and renewed.

A notice carries no data and proves nothing but our own secret, which Business Central gives back;
so it is a reason to look again and never more (dynamics-subscriptions.md).
"""

import asyncio
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from erp.business_central.client import BusinessCentralClient
from erp.business_central.entities import Page
from erp.business_central.tokens import SYSTEM
from erp.ports import ErpUnreachableError

WANTED: Final = ("items", "vendors", "purchaseOrders")
"""What plans rely on; each is asked for where the list of supported resources has it."""

RENEW: Final = timedelta(days=2)
"""What is left of three days when a subscription is renewed: it may fail for a day."""

_RUNTIME: Final = "api/microsoft/runtime/beta"
_SUBSCRIPTIONS: Final = "subscriptions"
_TIME: Final = 60.0
"""Seconds; meanwhile Business Central asks us whether the address is ours."""


class _Supported(msgspec.Struct, frozen=True):
    resource: str


class _Subscription(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    subscription_id: str
    etag: str = msgspec.field(default="", name="@odata.etag")
    notification_url: str
    resource: str
    expiration_date_time: datetime


class _Wish(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    notification_url: str
    resource: str
    client_state: str


class _Notice(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    client_state: str = ""


class _Notices(msgspec.Struct, frozen=True):
    value: tuple[_Notice, ...]


class NotSubscribedError(ErpUnreachableError):
    """Business Central does not want to send notices of something."""

    def __init__(self, resource: str, why: str) -> None:
        """Name both."""
        super().__init__(SYSTEM, f"no notices of {resource}: {why}")


class Subscriptions:
    """Keeps notices of one company coming to one address; what stands is asked, never stored."""

    def __init__(
        self,
        client: BusinessCentralClient,
        *,
        now: Callable[[], datetime],
        address: str,
        secret: str,
    ) -> None:
        """Keep where notices go, and the secret that comes back with each."""
        self._client = client
        self._now = now
        self._address = address
        self._secret = secret

    async def keep(self) -> None:
        """Ask for notices, and for those that are about to run out once more.

        Raises:
            ErpUnreachableError: no usable answer, or a refusal.
        """
        company, until = self._client.company, asyncio.get_running_loop().time() + _TIME
        listed = company.url("webhookSupportedResources", api=_RUNTIME)
        offered = {
            one.resource.lower()
            for one in await self._client.read_all(listed, Page[_Supported], until=until)
        }
        standing = await self._client.read_all(
            company.beside(_SUBSCRIPTIONS), Page[_Subscription], until=until
        )
        for name in WANTED:
            if f"v2.0/{name}".lower() in offered:
                await self._keep(name, standing)

    async def _keep(self, name: str, standing: tuple[_Subscription, ...]) -> None:
        path = f"companies({self._client.company.company_id})/{name}"
        ours = next(
            (
                one
                for one in standing
                if one.notification_url == self._address
                and one.resource.lower().endswith(path.lower())
            ),
            None,
        )
        if ours is None:
            await self._ask(name, path, None)
        elif ours.expiration_date_time - self._now() < RENEW:
            await self._ask(name, path, ours)

    async def _ask(self, name: str, path: str, ours: _Subscription | None) -> None:
        wish = _Wish(
            notification_url=self._address,
            resource=f"/api/v2.0/{path}",
            client_state=self._secret,
        )
        where = f"{_SUBSCRIPTIONS}('{ours.subscription_id}')" if ours else _SUBSCRIPTIONS
        answer = await self._client.subscribe(
            "PATCH" if ours else "POST",
            self._client.company.beside(where),
            msgspec.json.encode(wish).decode(),
            within=_TIME,
            tag=ours.etag if ours else "",
        )
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise NotSubscribedError(name, answer.text or f"status {answer.status}")

    def heard(self, body: bytes) -> bool:
        """Tell whether a notice is one that we asked for: it brings our secret back."""
        try:
            notices = msgspec.json.decode(body, type=_Notices).value
        except msgspec.DecodeError:
            return False
        secret = self._secret.encode()
        # All of them are compared, so that the time tells nothing about which one was right.
        genuine = [hmac.compare_digest(one.client_state.encode(), secret) for one in notices]
        return any(genuine)
