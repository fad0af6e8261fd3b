"""Sources: the keys that recommendations are sent with; only their hashes are kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, Select, insert, select, update

from decisions.errors import CountersignError
from decisions.routing import PlantId
from storage.tables import api_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key: whose it is, for which plants it may send, and where its source is told.

    `key_hash` is the SHA-256 of the key in hex.
    """

    id: str
    source: str
    key_hash: str
    plants: frozenset[PlantId]
    webhook_url: str | None
    created_at: datetime
    revoked_at: datetime | None = None


class NoSuchKeyError(CountersignError):
    """A key is not known, or was revoked before."""

    def __init__(self, wanted: str) -> None:
        """Name the key's id."""
        self.id = wanted
        super().__init__(
            f"There is no key {wanted} to revoke. `countersign keys list` shows them all."
        )


class Sources:
    """The keys of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        row = {
            "id": key.id,
            "source": key.source,
            "key_hash": key.key_hash,
            "plants": sorted(key.plants),
            "webhook_url": key.webhook_url,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
        }
        self._connection.execute(insert(api_keys), row)

    def by_hashes(self, hashes: Collection[str]) -> dict[str, ApiKey]:
        """Return the keys in force that have these hashes, by them."""
        found = self._all(
            select(api_keys).where(
                api_keys.c.key_hash.in_(sorted(hashes)), api_keys.c.revoked_at.is_(None)
            )
        )
        return {key.key_hash: key for key in found}

    def of_source(self, source: str) -> tuple[ApiKey, ...]:
        """Return the keys of a source that are in force, oldest first."""
        return self._all(
            select(api_keys).where(api_keys.c.source == source, api_keys.c.revoked_at.is_(None))
        )

    def all(self) -> tuple[ApiKey, ...]:
        """Return every key, the revoked ones too, oldest first."""
        return self._all(select(api_keys))

    def revoke(self, wanted: str, now: datetime) -> None:
        """Take a key out of force.

        Raises:
            NoSuchKeyError: there is none in force with this id.
        """
        revoked = self._connection.execute(
            update(api_keys)
            .where(api_keys.c.id == wanted, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        if revoked.rowcount == 0:
            raise NoSuchKeyError(wanted)

    def _all(self, statement: Select[tuple[object, ...]]) -> tuple[ApiKey, ...]:
        ordered = statement.order_by(api_keys.c.created_at, api_keys.c.id)
        return tuple(map(_key, self._connection.execute(ordered)))


def _key(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        source=row.source,
        key_hash=row.key_hash,
        plants=frozenset(map(PlantId, row.plants)),
        webhook_url=row.webhook_url,
        created_at=row.created_at,
        revoked_at=row.revoked_at,
    )
