"""The quarantine: what could not be understood, kept until a person looks at it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from decisions.errors import CountersignError
from decisions.normalise import Problem
from storage.tables import IS_HELD, quarantine

QuarantineState = Literal["held", "released", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """What a source sent, word for word, with every problem that was found."""

    id: int
    source: str
    source_id: str | None
    body: str
    problems: tuple[Problem, ...]
    received_at: datetime
    state: QuarantineState


class NotHeldError(CountersignError):
    """Something is not in quarantine, or no longer."""

    def __init__(self, wanted: int) -> None:
        """Name its number."""
        self.id = wanted
        super().__init__(
            f"Nothing is held under {wanted}. `countersign quarantine list` shows what is."
        )


@cache
def _hold_once(dialect: str) -> ReturningInsert[int]:
    # The pointless change makes the row that stands there come back, and keeps it from being
    # closed in between.
    made = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return (
        made(quarantine)
        .on_conflict_do_update(
            index_elements=[quarantine.c.source, quarantine.c.body_sha],
            index_where=IS_HELD,
            set_={"body_sha": quarantine.c.body_sha},
        )
        .returning(quarantine.c.id)
    )


class Quarantine:
    """The quarantine of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def add(
        self,
        *,
        source: str,
        source_id: str | None,
        body: str,
        problems: tuple[Problem, ...],
        received_at: datetime,
    ) -> int:
        """Hold something back, and return its number; the same again has the same number."""
        sha = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
        row = {
            "source": source,
            "source_id": source_id,
            "body": body,
            "body_sha": sha,
            "problems": problems,
            "received_at": received_at,
            "state": "held",
        }
        held = _hold_once(self._connection.dialect.name)
        return self._connection.execute(held, row).scalar_one()

    def get(self, wanted: int) -> Quarantined | None:
        """Return what is or was held under a number."""
        row = self._connection.execute(select(quarantine).where(quarantine.c.id == wanted)).first()
        return None if row is None else _quarantined(row)

    def held(self, limit: int) -> tuple[Quarantined, ...]:
        """Return what is held, oldest first."""
        rows = self._connection.execute(
            select(quarantine).where(IS_HELD).order_by(quarantine.c.id).limit(limit)
        )
        return tuple(map(_quarantined, rows))

    def close(self, wanted: int, state: Literal["released", "dropped"], now: datetime) -> None:
        """Let something go, one way or the other.

        Raises:
            NotHeldError: nothing is held under this number.
        """
        closed = self._connection.execute(
            update(quarantine)
            .where(IS_HELD, quarantine.c.id == wanted)
            .values(state=state, closed_at=now)
        )
        if closed.rowcount == 0:
            raise NotHeldError(wanted)


def _quarantined(row: Row[tuple[object, ...]]) -> Quarantined:
    return Quarantined(
        id=row.id,
        source=row.source,
        source_id=row.source_id,
        body=row.body,
        problems=tuple(Problem(**problem) for problem in row.problems),
        received_at=row.received_at,
        state=row.state,
    )
