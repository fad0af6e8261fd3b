"""API keys: one per sender, shown once, kept as a hash, scoped to a source and its plants."""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.workflow.ids import new_id
from bot.workflow.targets import may_be_told
from decisions.audit import AuditEvent
from decisions.errors import CountersignError
from decisions.routing import PlantId, RoutingTable
from storage.sources import ApiKey
from storage.store import Store
from storage.unit_of_work import UnitOfWork

PREFIX: Final = "cs_live_"
"""Lets people and secret scanners tell what a leaked string is."""

_SECRET_BYTES: Final = 32
_SOURCE: Final = re.compile("[a-z0-9][a-z0-9._-]{0,49}")
_BEARER: Final = re.compile(r"bearer +([\x21-\x7e]{1,200})", re.IGNORECASE)


class UnauthorisedError(CountersignError):
    """A request came without a key that is in force."""

    def __init__(self) -> None:
        """Say how a key is sent; not whether it ever existed."""
        super().__init__(
            'Send "Authorization: Bearer <key>" with a key that is in force. '
            "An administrator makes one with `countersign keys create`."
        )


class BadSourceError(CountersignError):
    """A name that cannot be a source's."""

    def __init__(self) -> None:
        """Say which names can."""
        super().__init__(
            "A source is named with up to 50 small letters, digits, dots, hyphens and "
            "underscores, such as planner or vendor-a.forecast."
        )


class UnknownPlantsError(CountersignError):
    """A key was asked for plants that are not configured, or for none."""

    def __init__(self, plants: tuple[str, ...], table: RoutingTable) -> None:
        """Name them, and those that are configured."""
        self.plants = plants
        wrong = f"{', '.join(plants)} not in the routing file" if plants else "no plant given"
        super().__init__(f"{wrong}. Configured plants: {', '.join(sorted(table.plants))}.")


class BadWebhookError(CountersignError):
    """A webhook address that decisions cannot be sent to."""

    def __init__(self) -> None:
        """Say what an address looks like."""
        super().__init__(
            "A webhook is a public https address without user name or password, on port 443 or "
            "from 1024 up, such as https://planner.example.com/countersign; plain http is taken "
            "on loopback only."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made; `text` is shown once and kept nowhere."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOrder:
    """What a key is asked for."""

    source: str
    plants: Collection[str]
    webhook_url: str | None = None


async def create(order: KeyOrder, *, store: Store, routing: RoutingTable, now: datetime) -> NewKey:
    """Make a key.

    Raises:
        BadSourceError: the source has no name that can be kept.
        UnknownPlantsError: no plant, or one that is not configured.
        BadWebhookError: the webhook is not an https address.
    """
    _check(order, routing)
    text = PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    key = ApiKey(
        id=new_id(),
        source=order.source,
        key_hash=_hash(text),
        plants=frozenset(PlantId(plant) for plant in order.plants),
        webhook_url=order.webhook_url,
        created_at=now,
    )

    def turn(unit: UnitOfWork) -> None:
        unit.sources.add(key)
        unit.audit.append(_event("key_created", key, now))

    await store.turn(turn)
    return NewKey(key=key, text=text)


def _check(order: KeyOrder, routing: RoutingTable) -> None:
    if not _SOURCE.fullmatch(order.source):
        raise BadSourceError
    unknown = tuple(sorted(plant for plant in order.plants if plant not in routing.plants))
    if unknown or not order.plants:
        raise UnknownPlantsError(unknown, routing)
    if order.webhook_url is not None and not may_be_told(order.webhook_url):
        raise BadWebhookError


def _hash(text: str) -> str:
    # A key is 256 random bits: there is nothing to guess, so no slow hash is needed.
    return hashlib.sha256(text.encode()).hexdigest()


def _event(kind: str, key: ApiKey, now: datetime) -> AuditEvent:
    return AuditEvent(
        kind=kind,
        at=now,
        recommendation=None,
        actor=None,
        body={
            "key": key.id,
            "source": key.source,
            "plants": [*sorted(key.plants)],
            "webhook": key.webhook_url,
        },
    )


def hash_of_header(header: str | None) -> str:
    """Return the hash of the key in an Authorization header.

    Raises:
        UnauthorisedError: it carries none.
    """
    shape = _BEARER.fullmatch(header.strip()) if header else None
    if shape is None:
        raise UnauthorisedError
    return _hash(shape[1])


def in_force(found: ApiKey | None, wanted: str) -> ApiKey:
    """Return a key that was looked up by its hash.

    Raises:
        UnauthorisedError: there is none in force.
    """
    if found is None or not hmac.compare_digest(found.key_hash, wanted):
        raise UnauthorisedError
    return found


async def every(store: Store) -> tuple[ApiKey, ...]:
    """Return every key, the revoked ones too, oldest first."""
    return await store.read(lambda unit: unit.sources.all())


async def revoke(key_id: str, *, store: Store, now: datetime) -> None:
    """Take a key out of force, at once.

    Raises:
        NoSuchKeyError: there is none in force with this id.
    """

    def turn(unit: UnitOfWork) -> None:
        unit.sources.revoke(key_id, now)
        key = next(one for one in unit.sources.all() if one.id == key_id)
        unit.audit.append(_event("key_revoked", key, now))

    await store.turn(turn)


def webhook_secret(master: bytes, source: str) -> bytes:
    """Return the secret that a source's webhooks are signed with; it is kept nowhere."""
    return hmac.digest(master, b"countersign webhook\0" + source.encode(), "sha256")


def webhook_secret_text(master: bytes, source: str) -> str:
    """Return the secret as receivers configure it.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    return "whsec_" + base64.b64encode(webhook_secret(master, source)).decode()
