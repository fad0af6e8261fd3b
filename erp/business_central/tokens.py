"""How the reader and the writer log in, each as itself: by tokens, or on premises by a key."""

import asyncio
import base64
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final, Protocol, cast

import aiohttp
import msal  # pyright: ignore[reportMissingTypeStubs]  it ships no types
import msgspec

from erp.ports import ErpUnreachableError

SYSTEM: Final = "Business Central"
SCOPE: Final = "https://api.businesscentral.dynamics.com/.default"
"""MicrosoftDocs/dynamics365smb-devitpro-pb, automation-apis-using-s2s-authentication.md."""

EARLY: Final = 300.0
"""Seconds before its end at which a token is no longer used; an hour is what Entra gives."""

PATIENCE: Final = 10.0


class LogInError(ErpUnreachableError):
    """No token was given, so nothing was asked of the ERP."""

    def __init__(self, why: str) -> None:
        """Say what the token service said; never what was sent to it."""
        super().__init__(SYSTEM, f"the log-in failed: {why}")


class Tokens(Protocol):
    """Hands out one identity's access token; `scheme` is the word before it in the header."""

    scheme: ClassVar[str]

    async def token(self) -> str:
        """Return a token that is valid for some minutes.

        Raises:
            LogInError: the token service gave none.
        """
        ...

    def forget(self) -> None:
        """Drop the token at hand; the ERP did not accept it."""
        ...


class _Granted(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: float


class _Keeping(ABC):
    """Keeps the token at hand, and fetches one at a time when there is none."""

    scheme: ClassVar[str] = "Bearer"

    def __init__(self) -> None:
        self._at_hand = ""
        self._until = 0.0
        self._fetching: asyncio.Task[str] | None = None

    async def token(self) -> str:
        """Return a token that is valid for some minutes.

        Raises:
            LogInError: the token service gave none.
        """
        if asyncio.get_running_loop().time() < self._until:
            return self._at_hand
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew())
        # A read that runs out of time must not take the token down with it: the next one
        # would wait as long again, and never get there.
        return await asyncio.shield(self._fetching)

    def forget(self) -> None:
        """Drop the token at hand; the ERP did not accept it."""
        self._at_hand, self._until = "", 0.0

    async def _renew(self) -> str:
        granted = await self._fetch()
        # One that lives shorter than our margin is used for half its life.
        life = max(granted.expires_in - EARLY, granted.expires_in / 2)
        self._until = asyncio.get_running_loop().time() + life
        self._at_hand = granted.access_token
        return self._at_hand

    @abstractmethod
    async def _fetch(self) -> _Granted: ...


class EntraTokens(_Keeping):
    """Tokens of Microsoft Entra through msal, which blocks and so runs off the event loop."""

    def __init__(
        self,
        *,
        authority: str,
        client_id: str,
        client_secret: str = "",
        certificate: str = "",
        scope: str = SCOPE,
        verify: bool | str = True,
    ) -> None:
        """Keep the log-in; `authority` is `https://login.microsoftonline.com/<tenant>`.

        With a `certificate`, a private key and its certificate in PEM, no secret is used.
        `verify` may name a file of certificate authorities; where the environment names one
        too (REQUESTS_CA_BUNDLE), requests takes that.
        """
        super().__init__()
        self._authority = authority
        self._client_id = client_id
        # The public part lets msal work out the thumbprint by which Entra knows the key.
        self._credential = (
            {"private_key": certificate, "public_certificate": certificate}
            if certificate
            else client_secret
        )
        self._scope = scope
        self._verify = verify

    async def _fetch(self) -> _Granted:
        try:
            answer = await asyncio.to_thread(self._acquire)
        except (OSError, ValueError) as away:  # requests' errors are OSErrors, msal's ValueErrors
            raise LogInError(f"{type(away).__name__} at {self._authority}") from away
        try:
            return msgspec.convert(answer, _Granted, strict=False)
        except msgspec.ValidationError:
            raise LogInError(_said(answer)) from None

    def _acquire(self) -> dict[str, Any]:
        # A new application each time: msal would hand out its own cached token again after
        # `forget`, and we ask once an hour.
        app = cast("Any", msal).ConfidentialClientApplication(
            self._client_id,
            client_credential=self._credential,
            authority=self._authority,
            verify=self._verify,
            timeout=PATIENCE,
            instance_discovery=False,
        )
        try:
            return cast("dict[str, Any]", app.acquire_token_for_client(scopes=[self._scope]))
        finally:
            app.http_client.close()


class BasicKey:
    """A user and a web service access key; Business Central on premises with NavUserPassword.

    MicrosoftDocs/dynamics365smb-devitpro-pb, webservices/Web-Services-Authentication.md.
    """

    scheme: ClassVar[str] = "Basic"

    def __init__(self, *, user: str, key: str) -> None:
        """Keep both as HTTP wants them."""
        self._encoded = base64.b64encode(f"{user}:{key}".encode()).decode()

    async def token(self) -> str:
        """Return what stands behind the scheme."""
        return self._encoded

    def forget(self) -> None:
        """Do nothing: there is no other key."""


class ClientCredentialTokens(_Keeping):
    """Tokens of any OAuth 2.0 token endpoint, by the plain grant of RFC 6749, section 4.4.

    msal takes no authority without TLS; a server on loopback has none.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        client_id: str,
        client_secret: str,
        scope: str = SCOPE,
    ) -> None:
        """Keep the log-in; `url` is the token endpoint itself."""
        super().__init__()
        self._session = session
        self._url = url
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            "scope": scope,
        }

    async def _fetch(self) -> _Granted:
        try:
            async with self._session.post(
                self._url,
                data=self._form,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as away:
            raise LogInError(f"{type(away).__name__} at {self._url}") from away
        try:
            return msgspec.json.decode(body, type=_Granted)
        except msgspec.DecodeError:
            raise LogInError(_said(_object(body)) or f"status {answer.status}") from None


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _said(answer: dict[str, Any]) -> str:
    return " ".join(str(answer[key]) for key in ("error", "error_description") if key in answer)
