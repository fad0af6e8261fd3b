"""Decisions: what people answered, one for each round."""

from typing import Final

from sqlalchemy import Connection, bindparam, select

from decisions.errors import CountersignError
from decisions.recommendation import Decision, DecisionId, RecommendationId
from storage.codec import Codec
from storage.inserts import insert_unless_there
from storage.tables import decisions

_CODEC: Final = Codec(Decision)

_BY_ID: Final = select(decisions.c.document).where(decisions.c.id == bindparam("wanted"))
_OF: Final = (
    select(decisions.c.document)
    .where(decisions.c.recommendation_id == bindparam("about"))
    .order_by(decisions.c.round)
)


class DecisionStandsError(CountersignError):
    """This round was answered before."""

    def __init__(self, about: RecommendationId, decision: Decision) -> None:
        """Name the round."""
        self.id = about
        super().__init__(
            f"Round {decision.round} of CS-{about} has its decision already. Nothing was changed."
        )


def row_of(about: RecommendationId, decision: Decision) -> dict[str, object]:
    """Return the row of a decision."""
    return {
        "id": decision.id,
        "recommendation_id": about,
        "round": decision.round,
        "verdict": decision.verdict,
        "person": decision.by.id,
        "at": decision.at,
        "document": _CODEC.encode(decision),
    }


class Decisions:
    """The decisions of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def add(self, about: RecommendationId, decision: Decision) -> None:
        """Keep a person's answer.

        Raises:
            DecisionStandsError: the round has one.
        """
        if insert_unless_there(self._connection, decisions, row_of(about, decision)) is None:
            raise DecisionStandsError(about, decision)

    def get(self, wanted: DecisionId) -> Decision | None:
        """Return the decision with this id."""
        document = self._connection.execute(_BY_ID, {"wanted": wanted}).scalar()
        return None if document is None else _CODEC.decode(document)

    def of(self, about: RecommendationId) -> tuple[Decision, ...]:
        """Return every decision about a recommendation, in the order of the rounds."""
        found = self._connection.execute(_OF, {"about": about}).scalars()
        return tuple(map(_CODEC.decode, found))
