"""The audit chain on disk: append and read; triggers forbid the rest."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NoReturn, Protocol

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from decisions.audit import AuditEvent, Broken, Entry, hash_of, next_entry, verify
from decisions.canonical import Plain, plain, utc_text
from decisions.errors import CountersignError
from decisions.recommendation import RecommendationId
from storage.tables import IS_RESTORED, audit, audit_head

RESTORED: Final = "restored"
"""What stands in the chain when a backup took the place of the database."""

_NO_MOMENT: Final = datetime.min.replace(tzinfo=UTC)
_LARGEST_WHOLE: Final = 2**53 - 1

_HEAD: Final = select(audit_head.c.seq, audit_head.c.hash)
_MOVE_HEAD: Final = update(audit_head).values(
    seq=bindparam("last_seq"), hash=bindparam("last_hash")
)
_APPEND: Final = insert(audit)
_OF: Final = (
    select(audit).where(audit.c.recommendation == bindparam("about")).order_by(audit.c.seq)
)
_LAST_RESTORED: Final = select(audit.c.at).where(IS_RESTORED).order_by(audit.c.seq.desc()).limit(1)
_NEXT: Final = (
    select(audit)
    .where(audit.c.seq > bindparam("after"))
    .order_by(audit.c.seq)
    .limit(bindparam("chunk"))
)


class BrokenChainError(CountersignError):
    """An entry is not what it was when it was appended."""

    def __init__(self, seq: int) -> None:
        """Name the entry."""
        self.seq = seq
        super().__init__(
            f"Entry {seq} of the audit chain was changed. Nothing is written on its word; "
            "run `countersign audit verify`."
        )


class AuditTrail:
    """The audit entries of one turn; they are chained when the turn ends."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection
        self._events: list[AuditEvent] = []
        self.chained: list[AuditEvent] = []

    def append(self, event: AuditEvent) -> None:
        """Let an event be chained when the turn ends."""
        self._events.append(event)

    def chain(self) -> None:
        """Put the turn's events at the end of the chain; the store calls it before the commit.

        Everybody who appends waits for the one row of the head, so it is locked last of all.
        """
        if not self._events:
            return
        head = self._connection.execute(_HEAD.with_for_update()).one()
        seq, last = head.seq, head.hash
        rows: list[dict[str, object]] = []
        for event in self._events:
            entry = next_entry(event, last_seq=seq, last_hash=last)
            seq, last = entry.seq, entry.hash
            rows.append(row_of(entry))
        self.chained += self._events
        self._events.clear()
        self._connection.execute(_APPEND, rows)
        self._connection.execute(_MOVE_HEAD, {"last_seq": seq, "last_hash": last})

    def head(self) -> tuple[int, str]:
        """Return the number and the hash of the last entry."""
        row = self._connection.execute(_HEAD).one()
        return row.seq, row.hash

    def of(self, about: RecommendationId) -> tuple[Entry, ...]:
        """Return every entry about a recommendation, oldest first."""
        return tuple(map(_entry, self._connection.execute(_OF, {"about": about})))

    def checked(self, about: RecommendationId) -> tuple[Entry, ...]:
        """Return every entry about a recommendation, oldest first, each held against its hash.

        Raises:
            BrokenChainError: an entry's own hash does not hold.
        """
        story = self.of(about)
        for entry in story:
            if entry.hash != hash_of(entry.seq, entry.event, entry.previous):
                raise BrokenChainError(entry.seq)
        return story

    def restored_at(self) -> datetime | None:
        """Return when a backup last took the place of the database; None when never."""
        at = self._connection.execute(_LAST_RESTORED).scalar()
        return None if at is None else _moment(at)

    def walk(self, chunk: int = 1000) -> Iterator[Entry]:
        """Return every entry, oldest first, reading so many at a time."""
        seq = -1
        while True:
            rows = self._connection.execute(_NEXT, {"after": seq, "chunk": chunk}).all()
            yield from map(_entry, rows)
            if len(rows) < chunk:
                return
            seq = rows[-1].seq


class _Audited(Protocol):
    """A unit of work, seen from here."""

    audit: AuditTrail


def verify_chain(unit: _Audited) -> Iterator[Broken]:
    """Walk the whole chain and name each place where it does not hold; read it in the turn."""
    last_seq, last_hash = unit.audit.head()
    return verify(unit.audit.walk(), last_seq=last_seq, last_hash=last_hash)


def row_of(entry: Entry) -> dict[str, object]:
    """Return the row of an entry."""
    return {
        "seq": entry.seq,
        "kind": entry.event.kind,
        "at": utc_text(entry.event.at),
        "recommendation": entry.event.recommendation,
        "actor": entry.event.actor,
        "body": json.dumps(plain(entry.event.body), separators=(",", ":")),
        "previous": entry.previous,
        "hash": entry.hash,
    }


def _entry(row: Row[tuple[object, ...]]) -> Entry:
    event = AuditEvent(
        kind=row.kind,
        at=_moment(row.at),
        recommendation=row.recommendation,
        actor=row.actor,
        body=_body(row.body),
    )
    return Entry(seq=row.seq, event=event, previous=row.previous, hash=row.hash)


def _moment(text: str) -> datetime:
    # What cannot have been written here must not stop the walk: it shows as "changed".
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _NO_MOMENT
    return moment if moment.tzinfo else _NO_MOMENT


def _body(text: str) -> dict[str, Plain]:
    try:
        body = json.loads(text, parse_float=_refuse, parse_constant=_refuse, parse_int=_whole)
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate has no canonical form
    except ValueError:
        return {"unreadable": text}
    return body if isinstance(body, dict) else {"unreadable": text}


def _whole(digits: str) -> int:
    number = int(digits)
    # RFC 8785 takes no whole number that a double cannot hold.
    return number if abs(number) <= _LARGEST_WHOLE else _refuse(digits)


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"{number} is nothing that the chain holds")
