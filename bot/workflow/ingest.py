"""What a source sends, kept in one transaction: new, the same again, another, or held back."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeAlias

from bot.workflow import lineup
from bot.workflow.context import Context
from bot.workflow.envelope import Incoming, content_of, differing, read_item
from bot.workflow.keep import keep, note
from bot.workflow.understand import Misunderstood, Understood, understand
from decisions.audit import AuditEvent
from decisions.canonical import plain
from decisions.lifecycle import MOVES, Event
from decisions.normalise import Problem
from decisions.recommendation import RawRecommendation, Recommendation, RecommendationId
from decisions.routing import route
from storage.sources import ApiKey
from storage.unit_of_work import UnitOfWork

MAX_PATHS: Final = 20
"""Differences that a conflict names."""

_AT_ONCE: Final = 16
"""Items that are read before clicks and other requests get their turn of the event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A new recommendation was kept; `superseded` says what became of the one it replaces."""

    id: RecommendationId
    source_id: str
    superseded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The source sent exactly this before."""

    id: RecommendationId
    source_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicting:
    """The source sent something else under this id before, and that stands.

    `paths` are the JSON Pointers of what differs.
    """

    id: RecommendationId
    source_id: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """It could not be understood, and waits in quarantine under this number."""

    quarantine: int
    source_id: str | None
    problems: tuple[Problem, ...]


ItemVerdict: TypeAlias = Accepted | Known | Conflicting | Held
Reading: TypeAlias = Understood | Misunderstood


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """From whom and when an item came."""

    source: str
    at: datetime


async def ingest(items: Sequence[Incoming], key: ApiKey, ctx: Context) -> tuple[ItemVerdict, ...]:
    """Keep everything that a request holds, and say of each item what became of it.

    When this returns, all of it is on disk.
    """
    arrival = Arrival(source=key.source, at=ctx.now())
    read: list[tuple[Incoming, Reading]] = []
    for item in items:
        found = understand(item, ctx.routing, allowed=key.plants, now=arrival.at)
        read.append((item, found))
        if len(read) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return await ctx.store.turn(_kept(read, arrival, ctx))


def _kept(
    read: Sequence[tuple[Incoming, Reading]], arrival: Arrival, ctx: Context
) -> Callable[[UnitOfWork], tuple[ItemVerdict, ...]]:
    def turn(unit: UnitOfWork) -> tuple[ItemVerdict, ...]:
        verdicts: dict[int, ItemVerdict] = {}
        # Two requests that hold the same ids take them in the same order, and cannot deadlock.
        for index in sorted(range(len(read)), key=lambda index: read[index][1].source_id or ""):
            item, found = read[index]
            verdicts[index] = take(unit, item, found, arrival, ctx)
        _supersede(unit, [found for _, found in read], verdicts, arrival)
        return tuple(verdicts[index] for index in range(len(read)))

    return turn


def take(
    unit: UnitOfWork, item: Incoming, found: Reading, arrival: Arrival, ctx: Context
) -> ItemVerdict:
    """Keep one item in a turn; what it supersedes is left to the caller."""
    match found:
        case Misunderstood():
            return _held(unit, item, found, arrival)
        case Understood():
            known = unit.recommendations.by_source(arrival.source, found.source_id)
            if known is None:
                return _accepted(unit, item, found, arrival, ctx)
            if known.content_hash == found.content_hash:
                return Known(id=known.id, source_id=found.source_id)
            return _conflicting(unit, known, found)


def _held(unit: UnitOfWork, item: Incoming, found: Misunderstood, arrival: Arrival) -> Held:
    number = unit.quarantine.add(
        source=arrival.source,
        source_id=found.source_id,
        body=item.text,
        problems=found.problems,
        received_at=arrival.at,
    )
    unit.audit.append(
        AuditEvent(
            kind="quarantined",
            at=arrival.at,
            recommendation=None,
            actor=None,
            body={
                "quarantine": number,
                "source": arrival.source,
                "source_id": found.source_id,
                "raw_sha256": _sha(item.text),
                "problems": plain(found.problems),
            },
        )
    )
    return Held(quarantine=number, source_id=found.source_id, problems=found.problems)


def _accepted(
    unit: UnitOfWork, item: Incoming, found: Understood, arrival: Arrival, ctx: Context
) -> Accepted:
    proposal = found.proposal
    one = Recommendation(
        id=RecommendationId(ctx.new_id()),
        source=arrival.source,
        source_id=found.source_id,
        content_hash=found.content_hash,
        received_at=arrival.at,
        proposal=proposal,
        action=proposal.action,
        route=route(ctx.routing, kind=proposal.kind, plant=proposal.plant),
    )
    raw = RawRecommendation(
        source=one.source, source_id=one.source_id, body=item.text, received_at=arrival.at
    )
    unit.recommendations.add(one, raw)
    note(
        unit,
        one,
        "received",
        at=arrival.at,
        body={
            "source": one.source,
            "source_id": one.source_id,
            "raw_sha256": _sha(item.text),
            "content_hash": one.content_hash,
        },
    )
    lineup.prepare(unit, one, due_at=arrival.at)
    lineup.expire(unit, one)
    return Accepted(id=one.id, source_id=one.source_id)


def _conflicting(unit: UnitOfWork, known: Recommendation, found: Understood) -> Conflicting:
    before = content_of(read_item(unit.recommendations.raw(known.id).body).value)
    paths = tuple(differing(before, found.content))[:MAX_PATHS]
    return Conflicting(id=known.id, source_id=found.source_id, paths=paths)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _supersede(
    unit: UnitOfWork,
    read: Iterable[Reading],
    verdicts: dict[int, ItemVerdict],
    arrival: Arrival,
) -> None:
    replaced = [
        (found.supersedes, index)
        for index, found in enumerate(read)
        if isinstance(found, Understood) and found.supersedes
    ]
    for earlier, index in sorted(replaced):
        verdict = verdicts[index]
        if isinstance(verdict, Accepted):
            verdicts[index] = supersede(unit, earlier, verdict, arrival)


def supersede(unit: UnitOfWork, earlier: str, new: Accepted, arrival: Arrival) -> Accepted:
    """Close the earlier one that a new one replaces, unless somebody already answered it."""
    found = unit.recommendations.by_source(arrival.source, earlier)
    if found is None:
        return replace(new, superseded=f"{earlier} is not known here; nothing was replaced.")
    held = unit.recommendations.lock(found.id)
    if (held.state, Event.SUPERSEDED) not in MOVES:
        stands = held.state.value.replace("_", " ")
        return replace(new, superseded=f"{earlier} is {stands} and stays so.")
    closed = replace(
        held.after(Event.SUPERSEDED, now=arrival.at), superseded_by=new.id, closed_at=arrival.at
    )
    keep(unit, closed, "superseded", at=arrival.at, body={"by": new.id})
    return replace(new, superseded=f"{earlier} was open and is now superseded.")
