"""The audit chain: every entry carries the hash of the one before it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from decisions.canonical import Plain, digest
from decisions.people import PersonId

GENESIS: Final = "0" * 64
"""What the first entry names as the one before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Something that happened and must be provable; `body` is plain JSON."""

    kind: str
    at: datetime
    recommendation: str | None
    actor: PersonId | None
    body: Mapping[str, Plain]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event with its place in the chain."""

    seq: int
    event: AuditEvent
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A place where the chain does not hold, and in which way."""

    seq: int
    what: str


def hash_of(seq: int, event: AuditEvent, previous: str) -> str:
    """Return the SHA-256 over the canonical JSON of place, event and predecessor."""
    return digest({"seq": seq, "event": event, "previous": previous})


def next_entry(event: AuditEvent, *, last_seq: int, last_hash: str) -> Entry:
    """Put an event at the end of the chain."""
    seq = last_seq + 1
    return Entry(seq=seq, event=event, previous=last_hash, hash=hash_of(seq, event, last_hash))


def verify(entries: Iterable[Entry], *, last_seq: int, last_hash: str) -> Iterator[Broken]:
    """Walk the chain and name each entry that was changed, removed, moved or slipped in.

    `last_seq` and `last_hash` are what the chain's head claims, so that entries cut off at the
    end are missed too.
    """
    seq, previous = 0, GENESIS
    for entry in entries:
        if entry.seq > seq + 1:
            missing = f"{seq + 1}" if entry.seq == seq + 2 else f"{seq + 1} to {entry.seq - 1}"
            yield Broken(seq=seq + 1, what=f"removed: {missing}")
        elif entry.seq <= seq:
            yield Broken(seq=entry.seq, what="inserted or out of order")
        if entry.previous != previous:
            yield Broken(seq=entry.seq, what="does not follow the entry before it")
        if entry.hash != hash_of(entry.seq, entry.event, entry.previous):
            yield Broken(seq=entry.seq, what="changed")
        seq, previous = entry.seq, entry.hash
    if seq != last_seq:
        lost = seq < last_seq
        yield Broken(
            seq=min(seq, last_seq) + 1,
            what=f"removed: {seq + 1} to {last_seq}" if lost else "added behind the head",
        )
    elif previous != last_hash:
        yield Broken(seq=seq, what="is not the entry that the head names")
