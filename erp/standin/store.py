"""What the stand-in keeps: sets of entities in one SQLite file, so that a demo goes on."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

Entity: TypeAlias = dict[str, Any]
"""An entity as JSON, exact numbers as Decimal; `_version` counts its changes."""

_encoder: Final = msgspec.json.Encoder(decimal_format="number")
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


class Store:
    """Entities by set and id, in memory, each change written through."""

    def __init__(self, path: Path | None) -> None:
        """Open the file; None keeps nothing."""
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS entities"
            " (kind TEXT, id TEXT, body BLOB, PRIMARY KEY (kind, id))"
        )
        self._sets: dict[str, dict[str, Entity]] = {}
        for kind, name, body in self._db.execute("SELECT kind, id, body FROM entities"):
            self._sets.setdefault(kind, {})[name] = _decoder.decode(body)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def empty(self) -> bool:
        """Tell whether nothing was ever kept."""
        return not self._sets

    def all(self, kind: str) -> Iterator[Entity]:
        """Return every entity of a set, in the order they came."""
        return iter(tuple(self._sets.get(kind, {}).values()))

    def get(self, kind: str, name: str) -> Entity | None:
        """Return one entity."""
        return self._sets.get(kind, {}).get(name.lower())

    def by(self, kind: str, field: str, value: object) -> Entity | None:
        """Return the first entity with a value in a field."""
        return next((one for one in self.all(kind) if one.get(field) == value), None)

    def put(self, kind: str, entity: Entity) -> None:
        """Keep an entity; its version moves."""
        entity["_version"] = int(entity.get("_version", 0)) + 1
        self._sets.setdefault(kind, {})[entity["id"]] = entity
        self._db.execute(
            "INSERT OR REPLACE INTO entities VALUES (?, ?, ?)",
            (kind, entity["id"], _encoder.encode(entity)),
        )

    def put_all(self, kind: str, entities: list[Entity]) -> None:
        """Keep many at once."""
        self._db.execute("BEGIN")
        for entity in entities:
            self.put(kind, entity)
        self._db.execute("COMMIT")

    def drop(self, kind: str, name: str) -> None:
        """Delete an entity."""
        self._sets.get(kind, {}).pop(name, None)
        self._db.execute("DELETE FROM entities WHERE kind = ? AND id = ?", (kind, name))


def json_bytes(body: object) -> bytes:
    """Write an answer, Decimals as JSON numbers."""
    return _encoder.encode(body)


def read_json(body: bytes) -> object:
    """Read a request, fractions as Decimal.

    Raises:
        msgspec.DecodeError: it is not JSON.
    """
    return _decoder.decode(body)
