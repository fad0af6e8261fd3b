"""What a source sends, kept in one turn: new, the same again, another, or held back."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
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
    """From whom and when something came."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An item as it was sent, what was understood of it, and how it came."""

    item: Incoming
    found: Reading
    arrival: Arrival

    @property
    def name(self) -> tuple[str, str]:
        """Return the source and its own id, empty where none can be read."""
        return self.arrival.source, self.found.source_id or ""


async def read_items(items: Sequence[Incoming], key: ApiKey, ctx: Context) -> tuple[Delivery, ...]:
    """Understand everything that a request holds; nothing is kept yet."""
    arrival = Arrival(source=key.source, at=ctx.now())
    deliveries: list[Delivery] = []
    for item in items:
        found = understand(item, ctx.routing, allowed=key.plants, now=arrival.at)
        deliveries.append(Delivery(item=item, found=found, arrival=arrival))
        if len(deliveries) % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return tuple(deliveries)


def take(
    unit: UnitOfWork, deliveries: Sequence[Delivery], ctx: Context
) -> tuple[ItemVerdict, ...]:
    """Keep everything that came, in one turn, and say of each item what became of it.

    Raises:
        KnownRecommendationError: another replica kept one meanwhile; the store runs it again.
    """
    known = _known(unit, deliveries)
    fresh = _added(unit, deliveries, known, ctx)
    verdicts: dict[int, ItemVerdict] = {}
    # Turns that hold the same items take them in the same order, and cannot deadlock.
    for index in sorted(range(len(deliveries)), key=lambda index: deliveries[index].name):
        delivery = deliveries[index]
        if index in fresh:
            verdicts[index] = _accepted(unit, fresh[index], delivery)
        elif isinstance(delivery.found, Misunderstood):
            verdicts[index] = _held(unit, delivery.item, delivery.found, delivery.arrival)
        else:
            verdicts[index] = _compared(unit, known[delivery.name], delivery.found)
    _supersede(unit, deliveries, verdicts)
    return tuple(verdicts[index] for index in range(len(deliveries)))


def _known(
    unit: UnitOfWork, deliveries: Iterable[Delivery]
) -> dict[tuple[str, str], Recommendation]:
    """Return what the sources sent before, looked up in one statement for each source."""
    wanted: dict[str, set[str]] = {}
    for delivery in deliveries:
        if isinstance(delivery.found, Understood):
            wanted.setdefault(delivery.arrival.source, set()).add(delivery.found.source_id)
    return {
        (source, source_id): one
        for source, source_ids in wanted.items()
        for source_id, one in unit.recommendations.by_sources(source, source_ids).items()
    }


def _added(
    unit: UnitOfWork,
    deliveries: Sequence[Delivery],
    known: dict[tuple[str, str], Recommendation],
    ctx: Context,
) -> dict[int, Recommendation]:
    """Keep what is new, and let it be known: of two with one id, the first one counts."""
    fresh: dict[int, Recommendation] = {}
    for index, delivery in enumerate(deliveries):
        if isinstance(delivery.found, Understood) and delivery.name not in known:
            known[delivery.name] = fresh[index] = _recommendation(
                delivery.found, delivery.arrival, ctx
            )
    unit.recommendations.add_all(
        [
            (fresh[index], _raw(fresh[index], deliveries[index].item))
            for index in sorted(fresh, key=lambda index: deliveries[index].name)
        ]
    )
    return fresh


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


def _recommendation(found: Understood, arrival: Arrival, ctx: Context) -> Recommendation:
    proposal = found.proposal
    return Recommendation(
        id=RecommendationId(ctx.new_id()),
        source=arrival.source,
        source_id=found.source_id,
        content_hash=found.content_hash,
        received_at=arrival.at,
        proposal=proposal,
        action=proposal.action,
        route=route(ctx.routing, kind=proposal.kind, plant=proposal.plant),
    )


def _raw(one: Recommendation, item: Incoming) -> RawRecommendation:
    return RawRecommendation(
        source=one.source, source_id=one.source_id, body=item.text, received_at=one.received_at
    )


def _accepted(unit: UnitOfWork, one: Recommendation, delivery: Delivery) -> Accepted:
    at = delivery.arrival.at
    note(
        unit,
        one,
        "received",
        at=at,
        body={
            "source": one.source,
            "source_id": one.source_id,
            "raw_sha256": _sha(delivery.item.text),
            "content_hash": one.content_hash,
        },
    )
    lineup.prepare(unit, one, due_at=at)
    lineup.expire(unit, one)
    return Accepted(id=one.id, source_id=one.source_id)


def _compared(unit: UnitOfWork, known: Recommendation, found: Understood) -> ItemVerdict:
    if known.content_hash == found.content_hash:
        return Known(id=known.id, source_id=found.source_id)
    return _conflicting(unit, known, found)


def _conflicting(unit: UnitOfWork, known: Recommendation, found: Understood) -> Conflicting:
    before = content_of(read_item(unit.recommendations.raw(known.id).body).value)
    paths = tuple(differing(before, found.content))[:MAX_PATHS]
    return Conflicting(id=known.id, source_id=found.source_id, paths=paths)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _supersede(
    unit: UnitOfWork, deliveries: Sequence[Delivery], verdicts: dict[int, ItemVerdict]
) -> None:
    replaced = [
        (delivery.arrival.source, delivery.found.supersedes, index)
        for index, delivery in enumerate(deliveries)
        if isinstance(delivery.found, Understood) and delivery.found.supersedes
    ]
    for _, earlier, index in sorted(replaced):
        verdict = verdicts[index]
        if isinstance(verdict, Accepted):
            verdicts[index] = _superseded(unit, earlier, verdict, deliveries[index].arrival)


def _superseded(unit: UnitOfWork, earlier: str, new: Accepted, arrival: Arrival) -> Accepted:
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
