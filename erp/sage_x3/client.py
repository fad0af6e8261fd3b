"""A thin client of the GraphQL API of Sage X3, which only asks.

Facts, with where they stand (developer.sage.com/x3/graphql): every request is a POST to the full
address of the API, `http://server:8124/xtrem/api`, with a bearer token that the caller signs
itself with the secret of a connected application: issuer is its client id, subject the allowed
user, audience that same address, and the lifetime at most what the application allows
(quick-start/create-connected-app, quick-start/create-nodejs-client-app). The header
x-xtrem-endpoint names the folder. Lists come by `first` and `after`, 20 rows unless asked
otherwise (sdmo/guides/graphql, “Long Lists: Paging”, the same framework).
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import aiohttp
import jwt
import msgspec

from erp.ports import ErpUnreachableError

T = TypeVar("T")

SYSTEM: Final = "Sage X3"

LIFETIME: Final = timedelta(minutes=4)
"""How long a token is good; five minutes is what an application allows when set up as shown."""

SKEW: Final = timedelta(seconds=30)
"""How far its clock may be behind ours."""

CONNECT: Final = 10.0
PASSING: Final = frozenset({429, 502, 503, 504})
OK: Final = 200
_MOST_WORDS: Final = 200
_NOTHING: Final = msgspec.Raw(b"null")


class NoAnswerError(ErpUnreachableError):
    """No answer, or none that can be understood."""

    def __init__(self, why: str) -> None:
        """Say what was seen instead."""
        super().__init__(SYSTEM, why)


class RefusedQueryError(ErpUnreachableError):
    """It answered, and named an error: of rights, of the folder's set-up, or of the question."""

    def __init__(self, words: str) -> None:
        """Keep its words."""
        super().__init__(SYSTEM, words)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedApp:
    """Who asks, of which folder."""

    url: str
    folder: str
    client_id: str
    client_secret: str = field(repr=False)
    user: str

    def token(self, now: datetime) -> str:
        """Return a token that is good from now on."""
        claims: dict[str, Any] = {
            "iss": self.client_id,
            "sub": self.user,
            "aud": self.url,
            "iat": now - SKEW,
            "exp": now - SKEW + LIFETIME,
        }
        return jwt.encode(claims, self.client_secret, algorithm="HS256")


class X3Client:
    """One connected application's way into one folder."""

    def __init__(
        self, session: aiohttp.ClientSession, app: ConnectedApp, *, now: Callable[[], datetime]
    ) -> None:
        """Keep what every request needs."""
        self._session = session
        self._now = now
        self.app = app

    async def ask(self, query: str, kind: type[T], *, until: float) -> T:
        """Return the data that a query asks for, before the event loop's clock reads `until`.

        An answer with data and errors is an error: what a person may not see is left out of the
        data, and a list that lacks something looks like one that is whole.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            RefusedQueryError: it named an error.
        """
        attempt = 0
        try:
            async with asyncio.timeout_at(until):
                while True:
                    status, body = await self._exchange(query)
                    if status not in PASSING:
                        return _data(status, body, kind)
                    await asyncio.sleep(0.2 * 2.0**attempt)
                    attempt += 1
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None

    async def _exchange(self, query: str) -> tuple[int, bytes]:
        headers = {
            "Authorization": f"Bearer {self.app.token(self._now())}",
            "x-xtrem-endpoint": self.app.folder,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        try:
            async with self._session.post(
                self.app.url,
                data=json.dumps({"query": query}).encode(),
                headers=headers,
                allow_redirects=False,  # a redirect would carry the token away
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, OSError) as lost:
            raise NoAnswerError(f"no connection, or it was lost ({type(lost).__name__})") from lost


class _Error(msgspec.Struct, frozen=True):
    message: str = "an error without words"


class _Envelope(msgspec.Struct, frozen=True):
    data: msgspec.Raw = _NOTHING
    errors: tuple[_Error, ...] | None = None


def _data(status: int, body: bytes, kind: type[T]) -> T:
    if status != OK:
        # Plain text, such as “Error 50: Invalid token”, or a gateway's page.
        words = body[:_MOST_WORDS].decode(errors="replace").strip()
        raise NoAnswerError(f"status {status}" if words.startswith("<") else f"{status}: {words}")
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        if envelope.errors:
            raise RefusedQueryError("; ".join(one.message for one in envelope.errors))
        if bytes(envelope.data) == bytes(_NOTHING):
            raise NoAnswerError("an answer without data")
        return msgspec.json.decode(envelope.data, type=kind)
    except msgspec.DecodeError as wrong:
        raise NoAnswerError(f"an answer that cannot be understood: {wrong}") from wrong
