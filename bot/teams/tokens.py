"""Who may speak to us: the Bot Framework, with a token that it signed for us.

The rules, in order. A request passes all of them or is refused with 401, and nothing is done:
1. a bearer token, signed with RS256 by a key that the Bot Framework publishes,
2. issued by the Bot Framework, for our application, and valid now,
3. the key is endorsed for the channel of the activity, and that channel is Teams,
4. the token names the activity's service URL, and that is a Bot Connector we trust,
5. the activity belongs to a tenant of ours.
Microsoft, "Authentication with the Bot Connector API", "Authenticate requests from the Bot
Connector service to your bot"; the fifth: "Agent tenancy", 2026-09-21.
"""

import ipaddress
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import aiohttp
import jwt
from aiohttp import web

from bot.ports import Clock
from bot.teams.keys import BOT_FRAMEWORK_METADATA, PublishedKeys
from bot.teams.service_urls import ServiceUrls
from bot.teams.wire import at, text_at
from decisions.errors import CountersignError
from decisions.people import TenantId

BOT_FRAMEWORK_ISSUER: Final = "https://api.botframework.com"
TEAMS: Final = "msteams"
LEEWAY: Final = timedelta(minutes=5)
"""The clock skew that Microsoft names as the industry's standard."""

_BEARER: Final = re.compile(
    r"Bearer +([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)", re.IGNORECASE
)
_END_OF_TIME: Final = 1e11
_JWS: Final = jwt.PyJWS(algorithms=["RS256"])


class TokenRefusedError(CountersignError):
    """A request does not prove that it comes from the Bot Framework and is for us."""

    def __init__(self, why: str) -> None:
        """Say which rule it breaks; for the log, never for the caller."""
        self.why = why
        super().__init__(f"The request was refused: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where activities may come from: our tenants, through trusted Bot Connectors."""

    tenants: frozenset[TenantId]
    service_urls: ServiceUrls

    @classmethod
    def of(cls, tenants: Collection[str], service_urls: ServiceUrls) -> Self:
        """Allow these tenants, and no others."""
        allowed = frozenset(TenantId(tenant.lower()) for tenant in tenants)
        return cls(tenants=allowed, service_urls=service_urls)

    def check(self, activity: Mapping[str, object]) -> None:
        """Refuse an activity of another channel, tenant or connector.

        Raises:
            TokenRefusedError: says which.
        """
        if activity.get("channelId") != TEAMS:
            raise TokenRefusedError("the channel is not Teams")
        named = [
            tenant
            for tenant in (
                at(activity, "conversation", "tenantId"),
                at(activity, "channelData", "tenant", "id"),
            )
            if tenant is not None
        ]
        if not named:
            raise TokenRefusedError("the activity names no tenant")
        if not all(isinstance(tenant, str) and tenant.lower() in self.tenants for tenant in named):
            raise TokenRefusedError("the tenant is not ours")
        if len({str(tenant).lower() for tenant in named}) > 1:
            raise TokenRefusedError("the activity names two tenants")
        url = activity.get("serviceUrl")
        if not isinstance(url, str) or not self.service_urls.trust(url):
            raise TokenRefusedError("the service URL is not a Bot Connector that we trust")


class TokenVerifier:
    """Admits what the Bot Framework signed for our application, from our tenants."""

    def __init__(
        self,
        *,
        app_id: str,
        tenants: Collection[str],
        service_urls: ServiceUrls,
        session: aiohttp.ClientSession,
        now: Clock,
        issuer: str = BOT_FRAMEWORK_ISSUER,
        metadata_url: str = BOT_FRAMEWORK_METADATA,
    ) -> None:
        """Refuse to exist without an application id, which botbuilder takes for "no checks"."""
        if not app_id:
            raise ValueError("A token can only be verified for an application id.")
        self._app_id = app_id
        self._issuer = issuer
        self._place = Place.of(tenants, service_urls)
        self._now = now
        self._keys = PublishedKeys(session, metadata_url, now)

    async def admit(self, request: web.BaseRequest, activity: Mapping[str, object]) -> None:
        """Let a request of the Bot Framework in, or refuse it.

        Raises:
            TokenRefusedError: it breaks a rule.
            KeysUnreachableError: it cannot be judged now.
        """
        await self.verify(request.headers.get("Authorization"), activity)

    async def verify(
        self, authorization: str | None, activity: Mapping[str, object]
    ) -> Mapping[str, object]:
        """Return the claims of a token that stands for this activity.

        Raises:
            TokenRefusedError: a rule is broken; says which.
            KeysUnreachableError: the keys cannot be read, so nothing can be said.
        """
        token = _bearer(authorization)
        signing_key = await self._keys.find(_key_id(token))
        if signing_key is None:
            raise TokenRefusedError("the key is not published")
        try:
            payload = _JWS.decode(token, signing_key.key, algorithms=["RS256"])
        except jwt.PyJWTError as error:
            raise TokenRefusedError(
                f"the signature is not good ({type(error).__name__})"
            ) from None
        claims = _claims(payload)
        self._check(claims)
        if text_at(activity, "channelId") not in signing_key.endorsements:
            raise TokenRefusedError("the key is not endorsed for the channel")
        service_url = activity.get("serviceUrl")
        if not isinstance(service_url, str) or claims.get("serviceurl") != service_url:
            raise TokenRefusedError("the token is for another service URL, or for none")
        self._place.check(activity)
        return claims

    async def close(self) -> None:
        """Give up what is under way."""
        await self._keys.close()

    def _check(self, claims: Mapping[str, object]) -> None:
        if claims.get("iss") != self._issuer:
            raise TokenRefusedError("the issuer is not the Bot Framework")
        if claims.get("aud") != self._app_id:
            raise TokenRefusedError("the audience is not our application")
        now, leeway = self._now().timestamp(), LEEWAY.total_seconds()
        expires = _moment(claims, "exp")
        if expires is None or now >= expires + leeway:
            raise TokenRefusedError("the token has expired, or never does")
        starts = _moment(claims, "nbf")
        if starts is not None and now < starts - leeway:
            raise TokenRefusedError("the token is not valid yet")


class NotOnLoopbackError(CountersignError):
    """Somebody tried to run without tokens where others can reach the bot."""

    def __init__(self, host: str) -> None:
        """Say what to do."""
        super().__init__(
            f"Without tokens the bot may listen on 127.0.0.1 only, not on {host!r}. "
            "Use `countersign serve` to be reached by others."
        )


class LoopbackOnly:
    """Admits unsigned requests of this machine to itself: the demo and the Playground.

    It wants the address that the server listens on, and refuses to exist for another one.
    """

    def __init__(
        self, *, listening_on: str, tenants: Collection[str], service_urls: ServiceUrls
    ) -> None:
        """Check that nobody else can reach the server.

        Raises:
            NotOnLoopbackError: others could.
        """
        if not _is_loopback(listening_on):
            raise NotOnLoopbackError(listening_on)
        self._place = Place.of(tenants, service_urls)

    async def admit(self, request: web.BaseRequest, activity: Mapping[str, object]) -> None:
        """Let a request of this machine in, or refuse it.

        A forwarded request came from elsewhere, and a foreign host name means that a web page
        was led here.

        Raises:
            TokenRefusedError: it came from elsewhere, or names a foreign place.
        """
        if not _is_loopback(request.remote or ""):
            raise TokenRefusedError("the request did not come from this machine")
        if any(name in request.headers for name in ("Forwarded", "X-Forwarded-For", "Via")):
            raise TokenRefusedError("the request was forwarded")
        host = request.host.rsplit(":", 1)[0]
        if host != "localhost" and not _is_loopback(host):
            raise TokenRefusedError("the request was meant for another host")
        self._place.check(activity)


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise TokenRefusedError("it carries no token")
    found = _BEARER.fullmatch(authorization)
    if found is None:
        raise TokenRefusedError("it carries no bearer token")
    return found[1]


def _key_id(token: str) -> str:
    try:
        header: Mapping[str, object] = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise TokenRefusedError("the token is garbage") from None
    if header.get("alg") != "RS256":
        raise TokenRefusedError("the algorithm is not RS256")
    kid = text_at(header, "kid")
    if kid is None:
        raise TokenRefusedError("the token names no key")
    return kid


def _claims(payload: object) -> Mapping[str, object]:
    try:
        claims: object = json.loads(payload) if isinstance(payload, bytes) else None
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise TokenRefusedError("the claims are garbage")
    return claims


def _moment(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, int | float) and 0 < value < _END_OF_TIME:
        return float(value)
    raise TokenRefusedError(f"the claim {name} is no time")
