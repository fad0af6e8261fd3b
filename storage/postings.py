"""Postings: which message in which channel shows a recommendation, and as of when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from decisions.errors import CountersignError
from decisions.people import Posting
from decisions.recommendation import RecommendationId
from storage.inserts import insert_unless_there
from storage.tables import IS_UNFINISHED, postings, recommendations


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A message, the revision it was last painted with, and the hash of what it shows."""

    posting: Posting
    revision: int
    card_sha: str | None


class NoSuchPostingError(CountersignError):
    """A message was painted that is not known."""

    def __init__(self, posting: Posting) -> None:
        """Name the message."""
        self.posting = posting
        super().__init__(
            f"Message {posting.activity_id} in {posting.conversation_id} shows no card of ours. "
            "Add the posting before it is painted."
        )


_OF: Final = (
    select(postings)
    .where(postings.c.recommendation_id == bindparam("about"), postings.c.gone_at.is_(None))
    .order_by(postings.c.id)
)
_CHANGE: Final = update(postings).where(
    postings.c.conversation_id == bindparam("conversation"),
    postings.c.activity_id == bindparam("activity"),
)


class Postings:
    """The postings of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def add(
        self, about: RecommendationId, posting: Posting, *, revision: int, card_sha: str | None
    ) -> bool:
        """Keep where a card stands; False when the message was known before."""
        row = {
            "recommendation_id": about,
            "channel": posting.channel,
            "service_url": posting.service_url,
            "conversation_id": posting.conversation_id,
            "activity_id": posting.activity_id,
            "revision": revision,
            "card_sha": card_sha,
        }
        return insert_unless_there(self._connection, postings, row) is not None

    def of(self, about: RecommendationId) -> tuple[Shown, ...]:
        """Return every message that still shows a recommendation, the first one first."""
        return tuple(
            Shown(
                posting=Posting(
                    channel=row.channel,
                    service_url=row.service_url,
                    conversation_id=row.conversation_id,
                    activity_id=row.activity_id,
                ),
                revision=row.revision,
                card_sha=row.card_sha,
            )
            for row in self._connection.execute(_OF, {"about": about})
        )

    def painted(self, posting: Posting, revision: int, card_sha: str) -> None:
        """Keep what a message shows now.

        Raises:
            NoSuchPostingError: the message is not known.
        """
        self._change(posting, revision=revision, card_sha=card_sha)

    def gone(self, posting: Posting, now: datetime) -> None:
        """Keep that somebody deleted a message.

        Raises:
            NoSuchPostingError: the message is not known.
        """
        self._change(posting, gone_at=now)

    def mistrust(self) -> tuple[RecommendationId, ...]:
        """Forget what messages show of everything that is not over; return what they are about."""
        unfinished = select(recommendations.c.id).where(IS_UNFINISHED)
        changed = self._connection.execute(
            update(postings)
            .where(postings.c.recommendation_id.in_(unfinished), postings.c.gone_at.is_(None))
            .values(revision=0, card_sha=None)
            .returning(postings.c.recommendation_id)
        )
        return tuple(sorted({RecommendationId(row[0]) for row in changed}))

    def _change(self, posting: Posting, **change: object) -> None:
        where = {"conversation": posting.conversation_id, "activity": posting.activity_id}
        if self._connection.execute(_CHANGE.values(**change), where).rowcount == 0:
            raise NoSuchPostingError(posting)
