"""The keys that the Bot Framework signs with: fetched off the hot path, kept, followed."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from bot.ports import Clock
from bot.teams.wire import at, text_at
from decisions.errors import CountersignError

BOT_FRAMEWORK_METADATA: Final = "https://login.botframework.com/v1/.well-known/openidconfiguration"
REFRESH_AFTER: Final = timedelta(hours=12)
"""From this age on the keys are fetched again while the old ones still serve."""

KEEP_AT_MOST: Final = timedelta(hours=24)
"""Microsoft asks to refresh daily (Bot Connector authentication, "Step 2")."""

PAUSE: Final = timedelta(seconds=10)
"""The shortest time between two fetches that an unknown key may force."""

_PATIENCE: Final = aiohttp.ClientTimeout(total=5)
_SMALLEST_KEY: Final = 2048
_LOG: Final = logging.getLogger(__name__)


class KeysUnreachableError(CountersignError):
    """The signing keys cannot be fetched, so no token can be judged now."""

    def __init__(self, url: str, why: str) -> None:
        """Name the address and what happened."""
        super().__init__(f"The Bot Framework's signing keys cannot be read from {url}: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A published key, and the channels that it may speak for."""

    key: RSAPublicKey
    endorsements: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _KeySet:
    keys: Mapping[str, SigningKey]
    fetched_at: datetime


class PublishedKeys:
    """The published key set; concurrent callers share one fetch.

    A key that is not known forces one fetch at once, so that a rotation is followed with the
    first token of the new key; after that not more than one every `PAUSE`, whoever asks.
    """

    def __init__(self, session: aiohttp.ClientSession, metadata_url: str, now: Clock) -> None:
        """Start without keys; the first token fetches them."""
        self._session = session
        self._metadata_url = metadata_url
        self._now = now
        self._known: _KeySet | None = None
        self._forced_at: datetime | None = None
        self._fetching: asyncio.Task[_KeySet] | None = None

    async def find(self, kid: str) -> SigningKey | None:
        """Return the key of that id; None when it is not published.

        Raises:
            KeysUnreachableError: the keys could not be fetched.
        """
        known = self._known
        if known is None or self._now() - known.fetched_at >= KEEP_AT_MOST:
            return (await self._fetch()).keys.get(kid)
        if self._now() - known.fetched_at >= REFRESH_AFTER:
            self._start()
        if kid not in known.keys and self._may_force():
            known = await self._fetch()
        return known.keys.get(kid)

    async def close(self) -> None:
        """Give up a fetch that is under way."""
        if self._fetching and not self._fetching.done():
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _may_force(self) -> bool:
        now = self._now()
        if self._forced_at is not None and now - self._forced_at < PAUSE:
            return False
        self._forced_at = now
        return True

    async def _fetch(self) -> _KeySet:
        return await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[_KeySet]:
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._read())
            self._fetching.add_done_callback(_log_failure)
        return self._fetching

    async def _read(self) -> _KeySet:
        metadata = await self._get(self._metadata_url)
        address = text_at(metadata, "jwks_uri")
        if address is None or not self._as_safe_as_metadata(address):
            raise KeysUnreachableError(self._metadata_url, "it names no safe jwks_uri")
        published = at(await self._get(address), "keys")
        keys = _readable(published)
        if not keys:
            raise KeysUnreachableError(address, "it holds no usable key")
        self._known = _KeySet(keys=keys, fetched_at=self._now())
        return self._known

    def _as_safe_as_metadata(self, address: str) -> bool:
        return address.startswith("https://") or self._metadata_url.startswith("http://")

    async def _get(self, url: str) -> object:
        try:
            async with self._session.get(url, timeout=_PATIENCE) as response:
                if response.status != 200:  # noqa: PLR2004  the one status that carries keys
                    raise KeysUnreachableError(url, f"HTTP {response.status}")
                found: object = json.loads(await response.read())
                return found
        except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
            raise KeysUnreachableError(url, type(error).__name__) from error


def _readable(published: object) -> Mapping[str, SigningKey]:
    """Return the RSA keys of a set; others may stand in it, and are of no use to us."""
    entries = published if isinstance(published, list) else []
    keys: dict[str, SigningKey] = {}
    for entry in entries:
        kid = text_at(entry, "kid")
        if not isinstance(entry, dict) or kid is None:
            continue
        try:
            key = RSAAlgorithm.from_jwk(entry)
        except (jwt.InvalidKeyError, ValueError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_KEY:
            endorsements = entry.get("endorsements")
            named = endorsements if isinstance(endorsements, list) else []
            keys[kid] = SigningKey(
                key=key, endorsements=frozenset(name for name in named if isinstance(name, str))
            )
    return keys


def _log_failure(fetch: asyncio.Task[_KeySet]) -> None:
    """Report a failure even when nobody waited for the fetch."""
    if not fetch.cancelled() and (error := fetch.exception()):
        _LOG.warning("%s", error)
