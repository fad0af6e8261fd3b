"""The bot's own tokens: fetched in a thread, shared, renewed before they run out."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol, cast

import requests
from jwt import PyJWTError
from msal.application import ConfidentialClientApplication
from msal.exceptions import MsalError

from bot.ports import Clock
from decisions.errors import CountersignError

ENTRA: Final = "https://login.microsoftonline.com"
BOT_CONNECTOR_SCOPE: Final = "https://api.botframework.com/.default"
RENEW_AHEAD: Final = timedelta(minutes=10)
"""From this long before its end a token is renewed while it still serves."""

_UNUSABLE: Final = timedelta(minutes=1)
"""A token with less left may run out on its way."""

_PATIENCE: Final = 10.0
_LOG: Final = logging.getLogger(__name__)


class NoTokenError(CountersignError):
    """Microsoft Entra gave no token, so nothing can be sent to Teams."""

    def __init__(self, code: str, text: str, *, refused: bool) -> None:
        """Keep Entra's code and words; `refused` tells a wrong secret from a lost connection."""
        self.code = code
        self.refused = refused
        advice = (
            "Check the application id, the tenant and the secret or certificate."
            if refused
            else "It will be tried again."
        )
        super().__init__(f"Microsoft Entra gave no token: {code}. {text} {advice}")


class Credentials(Protocol):
    """Where the token comes from that goes with each request to Teams."""

    async def token(self) -> str | None:
        """Return a token that is good for a minute at least; None where none is wanted.

        Raises:
            NoTokenError: there is none to be had.
        """
        ...

    def forget(self, token: str) -> None:
        """Do not hand out a token again that Teams has refused."""
        ...


class NoCredentials:
    """Sends no token: the Playground wants none. It reaches loopback addresses only."""

    async def token(self) -> str | None:
        """Return none."""
        return None

    def forget(self, token: str) -> None:
        """Have nothing to forget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the bot signs with instead of sending a secret; both as PEM."""

    private_key: str = field(repr=False)
    public_certificate: str


class _PatientSession(requests.Session):
    """Waits for Entra ten seconds, not for ever; ours, so that its connections can be closed."""

    def __init__(self, trusted_ca: str | None) -> None:
        super().__init__()
        self._own: dict[str, object] = {"timeout": _PATIENCE}
        if trusted_ca is not None:  # given here, because REQUESTS_CA_BUNDLE outdoes `verify`
            self._own["verify"] = trusted_ca

    def send(
        self,
        request: requests.PreparedRequest,
        **kwargs: Any,  # noqa: ANN401  as requests has it
    ) -> requests.Response:
        """Send a request with our limits."""
        return super().send(request, **kwargs | self._own)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    text: str = field(repr=False)
    good_until: datetime


class AppCredentials:
    """Tokens of a single-tenant application, by client secret or certificate.

    Stock botbuilder asks anew for each turn, on the event loop. Here concurrent callers share one
    request, which runs in a thread, and a running token is renewed before anybody has to wait.
    """

    def __init__(
        self,
        *,
        app_id: str,
        tenant_id: str,
        secret: str | Certificate,
        now: Clock,
        authority: str = ENTRA,
        trusted_ca: str | None = None,
    ) -> None:
        """Ask for nothing yet.

        `trusted_ca` names a PEM file of authorities for Entra, where a proxy breaks TLS open;
        without it the usual ones are trusted.
        """
        self._now = now
        self._session = _PatientSession(trusted_ca)
        self._open = partial(
            ConfidentialClientApplication,
            app_id,
            client_credential=_msal_credential(secret),
            authority=f"{authority.rstrip('/')}/{tenant_id}",
            instance_discovery=False,  # the authority is a setting, not something a user named
            http_client=self._session,
        )
        self._app: ConfidentialClientApplication | None = None
        self._held: _Token | None = None
        self._fetching: asyncio.Task[_Token] | None = None

    async def token(self) -> str:
        """Return a token, from memory where there is one.

        Raises:
            NoTokenError: Entra refused, or did not answer.
        """
        held = self._held
        left = held.good_until - self._now() if held else timedelta(0)
        if held is None or left <= _UNUSABLE:
            return (await asyncio.shield(self._renew())).text
        if left <= RENEW_AHEAD:
            self._renew()
        return held.text

    def forget(self, token: str) -> None:
        """Fetch a new token before the next request, if this one is still held."""
        if self._held and self._held.text == token:
            self._held = None

    async def close(self) -> None:
        """Wait for a request that is under way, and close the connections."""
        if self._fetching:
            await asyncio.gather(self._fetching, return_exceptions=True)
        self._session.close()

    def _renew(self) -> asyncio.Task[_Token]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(_log_failure)
        return self._fetching

    async def _fetch(self) -> _Token:
        asked_at = self._now()
        answer = await asyncio.to_thread(self._ask)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not isinstance(seconds, int):
            code, text = str(answer.get("error")), str(answer.get("error_description", ""))
            raise NoTokenError(code, text.split("\r\n", 1)[0], refused=True)
        self._held = _Token(text=token, good_until=asked_at + timedelta(seconds=seconds))
        return self._held

    def _ask(self) -> Mapping[str, object]:
        """Ask Entra; runs in a thread, one at a time."""
        try:
            if self._app is None:
                self._app = self._open()
            client: Any = self._app  # MSAL is not typed
            client.remove_tokens_for_client()  # or it returns the one that runs out
            return cast(
                "Mapping[str, object]", client.acquire_token_for_client([BOT_CONNECTOR_SCOPE])
            )
        except (OSError, ValueError, KeyError, RuntimeError, MsalError, PyJWTError) as error:
            raise NoTokenError(type(error).__name__, str(error), refused=False) from error


def _msal_credential(secret: str | Certificate) -> str | Mapping[str, str]:
    if isinstance(secret, Certificate):
        return {
            "private_key": secret.private_key,
            "public_certificate": secret.public_certificate,
        }
    return secret


def _log_failure(fetch: asyncio.Task[_Token]) -> None:
    """Report a failure even when nobody waited for the token."""
    if not fetch.cancelled() and (error := fetch.exception()):
        _LOG.error("%s", error)
