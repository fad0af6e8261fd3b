"""Recommendations: the record as a document, with columns for what is searched."""

import re
from collections.abc import Collection, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, Select, bindparam, desc, func, select, update

from decisions.errors import CountersignError
from decisions.people import ChannelId
from decisions.ranking import Standing
from decisions.recommendation import RawRecommendation, Recommendation, RecommendationId
from storage.codec import Codec
from storage.inserts import RacedError, insert_those_not_there
from storage.tables import IS_AWAITING, raw_recommendations, recommendations

_CODEC: Final = Codec(Recommendation)
_STANDING: Final = Codec(Standing)
_LAST_IN_ALPHABET: Final = "Z" * 10
"""Sorts behind every id that begins alike; ids are capitals and digits."""

_NAMED: Final = 3
"""How many an error names."""

_BY_ID: Final = select(recommendations.c.document).where(
    recommendations.c.id == bindparam("wanted")
)
_BY_SOURCE: Final = select(recommendations.c.document).where(
    recommendations.c.source == bindparam("source"),
    recommendations.c.source_id == bindparam("source_id"),
)
_BY_SOURCE_IDS: Final = select(recommendations.c.document).where(
    recommendations.c.source == bindparam("source"),
    recommendations.c.source_id.in_(bindparam("source_ids", expanding=True)),
)
_RAW: Final = (
    select(
        recommendations.c.source,
        recommendations.c.source_id,
        recommendations.c.received_at,
        raw_recommendations.c.body,
    )
    .join(raw_recommendations, raw_recommendations.c.recommendation_id == recommendations.c.id)
    .where(recommendations.c.id == bindparam("wanted"))
)
_KEEP: Final = update(recommendations).where(
    recommendations.c.id == bindparam("wanted"),
    recommendations.c.revision <= bindparam("newest"),
)


class NoSuchRecommendationError(CountersignError):
    """Nothing is kept under an id."""

    def __init__(self, wanted: RecommendationId) -> None:
        """Name the id."""
        self.id = wanted
        super().__init__(f"CS-{wanted} is not known here. It may be of another installation.")


class KnownRecommendationError(RacedError):
    """A source sent one of these before, or a new id is taken."""

    def __init__(self, new: Sequence[Recommendation]) -> None:
        """Name the sources and their ids."""
        named = ", ".join(f"{one.source_id} of {one.source}" for one in new[:_NAMED])
        super().__init__(f"{named}: kept before. Read what is there with by_sources.")


class OutdatedRecordError(CountersignError):
    """A record would overwrite a newer one; it was not loaded with lock()."""

    def __init__(self, recommendation: Recommendation) -> None:
        """Name the record."""
        self.id = recommendation.id
        super().__init__(
            f"{recommendation.marker} has moved on beyond revision {recommendation.revision}. "
            "Load it with lock() in the turn that changes it."
        )


@lru_cache(maxsize=512)
def _decode(document: str) -> Recommendation:
    # Records are frozen, so equal documents may share one; a click loads the same one twice.
    return _CODEC.decode(document)


def _columns(one: Recommendation) -> dict[str, object]:
    return {
        "kind": one.proposal.kind,
        "plant": one.proposal.plant,
        "state": one.state.value,
        "channel": one.route.channel,
        "owner": one.route.now_with(one.escalated).id,
        "valid_until": one.proposal.valid_until,
        "revision": one.revision,
        "round": one.round,
        "document": _CODEC.encode(one),
    }


def row_of(one: Recommendation) -> dict[str, object]:
    """Return the row of a new recommendation; it ranks last until its place is known."""
    return {
        "id": one.id,
        "source": one.source,
        "source_id": one.source_id,
        "delay_cost": Decimal(0),
        "received_at": one.received_at,
    } | _columns(one)


class Recommendations:
    """The recommendations of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def add(self, one: Recommendation, raw: RawRecommendation) -> None:
        """Keep a new one with what its source sent.

        Raises:
            KnownRecommendationError: the source sent it before.
        """
        self.add_all([(one, raw)])

    def add_all(self, new: Sequence[tuple[Recommendation, RawRecommendation]]) -> None:
        """Keep new ones with what their sources sent, however many, in two statements.

        Raises:
            KnownRecommendationError: a source sent one of them before.
        """
        if not new:
            return
        rows = [row_of(one) for one, _ in new]
        if insert_those_not_there(self._connection, recommendations, rows) < len(rows):
            raise KnownRecommendationError([one for one, _ in new])
        bodies = [{"recommendation_id": one.id, "body": raw.body} for one, raw in new]
        insert_those_not_there(self._connection, raw_recommendations, bodies)

    def get(self, wanted: RecommendationId) -> Recommendation | None:
        """Return the one with this id."""
        return self._one(_BY_ID, wanted=wanted)

    def get_locked(self, wanted: RecommendationId) -> Recommendation | None:
        """Return the one with this id; nobody else changes it before the turn ends."""
        return self._one(_BY_ID.with_for_update(), wanted=wanted)

    def lock(self, wanted: RecommendationId) -> Recommendation:
        """Return the one with this id; nobody else changes it before the turn ends.

        Raises:
            NoSuchRecommendationError: there is none.
        """
        found = self.get_locked(wanted)
        if found is None:
            raise NoSuchRecommendationError(wanted)
        return found

    def by_source(self, source: str, source_id: str) -> Recommendation | None:
        """Return the one that a source sent under its own id."""
        return self._one(_BY_SOURCE, source=source, source_id=source_id)

    def by_sources(self, source: str, source_ids: Collection[str]) -> dict[str, Recommendation]:
        """Return those that a source sent under these ids of its own, by them."""
        found = self._connection.execute(
            _BY_SOURCE_IDS, {"source": source, "source_ids": sorted(source_ids)}
        )
        return {one.source_id: one for one in map(_decode, found.scalars())}

    def keep(self, one: Recommendation, *, delay_cost: Decimal | None = None) -> None:
        """Keep a changed record; `delay_cost`, in the base currency, stays where it is None.

        Raises:
            NoSuchRecommendationError: it was never added.
            OutdatedRecordError: a newer revision stands.
        """
        row = _columns(one) | {"wanted": one.id, "newest": one.revision}
        if delay_cost is not None:
            row["delay_cost"] = delay_cost
        if self._connection.execute(_KEEP, row).rowcount == 0:
            if self.get(one.id) is None:
                raise NoSuchRecommendationError(one.id)
            raise OutdatedRecordError(one)

    def raw(self, wanted: RecommendationId) -> RawRecommendation:
        """Return what the source sent.

        Raises:
            NoSuchRecommendationError: there is no such recommendation.
        """
        row = self._connection.execute(_RAW, {"wanted": wanted}).first()
        if row is None:
            raise NoSuchRecommendationError(wanted)
        return RawRecommendation(
            source=row.source,
            source_id=row.source_id,
            body=row.body,
            received_at=row.received_at,
        )

    def standing_in(self, channel: ChannelId, *, limit: int) -> tuple[Standing, ...]:
        """Return what ranks those that await an answer in a channel, the dearest delay first."""
        statement = _dearest_first(limit).where(recommendations.c.channel == channel)
        return tuple(_STANDING.decode(row[0]) for row in self._connection.execute(statement))

    def open_all(self, limit: int) -> tuple[Recommendation, ...]:
        """Return what awaits an answer anywhere, the dearest delay first."""
        return self._all(_dearest_first(limit))

    def count_open_in(self, channel: ChannelId, cap: int) -> int:
        """Count what awaits an answer in a channel, up to `cap`."""
        some = (
            select(recommendations.c.delay_cost)  # stands in the index; a row is never read
            .where(IS_AWAITING, recommendations.c.channel == channel)
            .limit(cap)
            .subquery()
        )
        return self._connection.execute(select(func.count()).select_from(some)).scalar_one()

    def find(self, typed: str, *, limit: int = 5) -> tuple[Recommendation, ...]:
        """Return those whose id a person may mean: the exact one, or all that begin so."""
        begin = typed.strip().upper().removeprefix("CS-")
        if not re.fullmatch("[0-9A-Z]+", begin):
            return ()
        exact = self.get(RecommendationId(begin))
        if exact is not None:
            return (exact,)
        return self._all(
            select(recommendations.c.document)
            .where(recommendations.c.id.between(begin, begin + _LAST_IN_ALPHABET))
            .order_by(recommendations.c.id)
            .limit(limit)
        )

    def _one(self, statement: Select[tuple[str]], **wanted: str) -> Recommendation | None:
        document = self._connection.execute(statement, wanted).scalar()
        return None if document is None else _decode(document)

    def _all(self, statement: Select[str]) -> tuple[Recommendation, ...]:
        return tuple(map(_decode, self._connection.execute(statement).scalars()))


def _dearest_first(limit: int) -> Select[str]:
    return (
        select(recommendations.c.document)
        .where(IS_AWAITING)
        .order_by(
            desc(recommendations.c.delay_cost),
            recommendations.c.received_at,
            recommendations.c.id,
        )
        .limit(limit)
    )
