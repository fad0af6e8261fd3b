"""The tables; private to this package, where rows become records."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    true,
)
from sqlmodel import Field, SQLModel

from storage.types import ExactText, PlainJson, SortableAmount, UtcDateTime

# SQLite numbers its rows by itself only in a column that is exactly INTEGER.
_Counter: Final = BigInteger().with_variant(Integer(), "sqlite")


def _about(comment: str) -> dict[str, Any]:
    return {"comment": comment}


class _Row(SQLModel):
    """What all tables share: names for constraints that both databases can be told to drop."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pk",
            "fk": "%(table_name)s_%(column_0_name)s_fk",
            "uq": "%(table_name)s_%(column_0_N_name)s_uq",
            "ix": "%(table_name)s_%(column_0_N_name)s",
        }
    )


class RecommendationRow(_Row, table=True):
    """A recommendation: the whole record as a document, and beside it what is searched for."""

    __tablename__ = "recommendations"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: str = Field(primary_key=True)
    source: str
    source_id: str = Field(sa_column_kwargs=_about("the source's own id, unique per source"))
    kind: str
    plant: str
    state: str
    channel: str
    owner: str = Field(sa_column_kwargs=_about("Entra object id of whose turn it is now"))
    valid_until: datetime = Field(sa_type=UtcDateTime)
    revision: int
    round: int
    delay_cost: Decimal = Field(
        sa_type=SortableAmount,
        sa_column_kwargs=_about("millionths of the base currency; only to sort by"),
    )
    received_at: datetime = Field(sa_type=UtcDateTime)
    document: str = Field(sa_type=Text, sa_column_kwargs=_about("storage.codec, Recommendation"))


class RawRecommendationRow(_Row, table=True):
    """What the source sent, apart from the record, which is rewritten often."""

    __tablename__ = "raw_recommendations"

    recommendation_id: str = Field(primary_key=True, foreign_key="recommendations.id")
    body: str = Field(sa_type=ExactText, sa_column_kwargs=_about("word for word, as UTF-8"))


class DecisionRow(_Row, table=True):
    """A person's answer; one for each round."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("recommendation_id", "round"),
        UniqueConstraint("id", "recommendation_id"),
    )

    id: str = Field(primary_key=True)
    recommendation_id: str = Field(foreign_key="recommendations.id")
    round: int
    verdict: str
    person: str = Field(sa_column_kwargs=_about("Entra object id"))
    at: datetime = Field(sa_type=UtcDateTime)
    document: str = Field(sa_type=Text, sa_column_kwargs=_about("storage.codec, Decision"))


class OrderRow(_Row, table=True):
    """A write to the ERP; none without a decision about the same recommendation."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(
            ["decision_id", "recommendation_id"], ["decisions.id", "decisions.recommendation_id"]
        ),
    )

    recommendation_id: str = Field(primary_key=True, foreign_key="recommendations.id")
    decision_id: str
    plan_hash: str = Field(sa_column_kwargs=_about("what the decision approved"))
    state: str = Field(
        sa_column_kwargs=_about("sending, not_sent, written, refused, not_written or unknown")
    )
    attempt: int = Field(sa_column_kwargs=_about("which claim of the job sends it"))
    sent_at: datetime = Field(
        sa_type=UtcDateTime, sa_column_kwargs=_about("when the claim was kept, before sending")
    )
    document: str | None = Field(
        default=None, sa_column_kwargs=_about("the number of the document in the ERP")
    )


class AuditRow(_Row, table=True):
    """An entry of the audit chain; triggers refuse to change or remove it."""

    __tablename__ = "audit"

    seq: int = Field(
        primary_key=True,
        sa_type=_Counter,
        sa_column_kwargs={"autoincrement": False, "comment": "counted by the chain, no gaps"},
    )
    kind: str
    at: str = Field(sa_column_kwargs=_about("ISO 8601 in UTC, spelled as it was hashed"))
    recommendation: str | None = Field(index=True)
    actor: str | None = Field(sa_column_kwargs=_about("Entra object id"))
    body: str = Field(sa_type=Text, sa_column_kwargs=_about("plain JSON"))
    previous: str = Field(sa_column_kwargs=_about("hash of the entry before, in hex"))
    hash: str = Field(sa_column_kwargs=_about("SHA-256 over RFC 8785 JSON, in hex"))


class AuditHeadRow(_Row, table=True):
    """The end of the chain: one row, locked by whoever appends."""

    __tablename__ = "audit_head"

    id: int = Field(
        primary_key=True, sa_column_kwargs={"autoincrement": False, "comment": "always 1"}
    )
    seq: int = Field(sa_type=BigInteger)
    hash: str


class JobRow(_Row, table=True):
    """Something to be done later; see storage.jobs."""

    __tablename__ = "jobs"

    id: int = Field(primary_key=True, sa_type=_Counter)
    kind: str
    key: str = Field(unique=True, sa_column_kwargs=_about("makes it once per occurrence"))
    lane: str | None = Field(sa_column_kwargs=_about("one at a time in each lane"))
    payload: str = Field(sa_type=PlainJson)
    due_at: datetime = Field(
        sa_type=UtcDateTime,
        sa_column_kwargs=_about("start and retry; while it runs, the end of the lease"),
    )
    attempts: int = Field(sa_column_kwargs=_about("how often it was claimed; the fencing token"))
    waiting: bool = Field(sa_column_kwargs=_about("false while somebody holds a lease on it"))
    done: bool
    error: str = Field(sa_type=Text, sa_column_kwargs=_about("what the last attempt said"))


class LaneUseRow(_Row, table=True):
    """Something was sent in a lane; counted so that replicas share its rate."""

    __tablename__ = "lane_uses"
    __table_args__ = (Index(None, "lane", "at"),)

    id: int = Field(primary_key=True, sa_type=_Counter)
    lane: str
    at: datetime = Field(sa_type=UtcDateTime)


class CardRow(_Row, table=True):
    """The bytes of a card that somebody saw, under their hash."""

    __tablename__ = "cards"

    sha: str = Field(primary_key=True, sa_column_kwargs=_about("SHA-256 of the JSON, in hex"))
    body: bytes = Field(sa_type=LargeBinary, sa_column_kwargs=_about("the JSON, zlib"))


class PostingRow(_Row, table=True):
    """A message in Teams that shows a recommendation."""

    __tablename__ = "postings"
    __table_args__ = (UniqueConstraint("conversation_id", "activity_id"),)

    id: int = Field(primary_key=True, sa_type=_Counter)
    recommendation_id: str = Field(foreign_key="recommendations.id", index=True)
    channel: str
    service_url: str
    conversation_id: str
    activity_id: str
    revision: int = Field(sa_column_kwargs=_about("of the recommendation, as last painted"))
    card_sha: str | None = Field(
        foreign_key="cards.sha", sa_column_kwargs=_about("null: shown, but we do not know what")
    )
    gone_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, sa_column_kwargs=_about("when it was found deleted")
    )


class ChannelRow(_Row, table=True):
    """A Teams conversation that the bot was added to."""

    __tablename__ = "channels"

    id: str = Field(primary_key=True)
    tenant: str
    service_url: str
    name: str
    bot_id: str
    seen_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ApiKeyRow(_Row, table=True):
    """A key that a source sends with; only its hash is kept."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True)
    source: str = Field(index=True)
    key_hash: str = Field(unique=True, sa_column_kwargs=_about("SHA-256 in hex"))
    plants: str = Field(sa_type=PlainJson, sa_column_kwargs=_about("may send for these"))
    webhook_url: str | None
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class QuarantineRow(_Row, table=True):
    """Something that could not be understood, kept until a person looks at it."""

    __tablename__ = "quarantine"

    id: int = Field(primary_key=True, sa_type=_Counter)
    source: str
    source_id: str | None
    body: str = Field(sa_type=ExactText, sa_column_kwargs=_about("word for word, as UTF-8"))
    body_sha: str
    problems: str = Field(sa_type=PlainJson)
    received_at: datetime = Field(sa_type=UtcDateTime)
    state: str = Field(sa_column_kwargs=_about("held, released or dropped"))
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


METADATA: Final = _Row.metadata


def _table(name: str) -> Table:
    return METADATA.tables[name]


recommendations: Final = _table("recommendations")
raw_recommendations: Final = _table("raw_recommendations")
decisions: Final = _table("decisions")
orders: Final = _table("orders")
audit: Final = _table("audit")
audit_head: Final = _table("audit_head")
jobs: Final = _table("jobs")
lane_uses: Final = _table("lane_uses")
cards: Final = _table("cards")
postings: Final = _table("postings")
channels: Final = _table("channels")
api_keys: Final = _table("api_keys")
quarantine: Final = _table("quarantine")

# A partial index serves a query only if the query carries the same condition, spelled out and
# not as a parameter; so conditions and queries share these expressions.
IS_AWAITING: Final = recommendations.c.state == literal_column("'awaiting'")
IS_HELD: Final = quarantine.c.state == literal_column("'held'")
IS_DONE: Final = jobs.c.done == true()
IS_UNDONE: Final = ~jobs.c.done
HAS_LANE: Final = jobs.c.lane.is_not(None)
HAS_NO_LANE: Final = jobs.c.lane.is_(None)
IS_RUNNING: Final = ~jobs.c.waiting
IS_UNFINISHED: Final = recommendations.c.state.in_(
    [
        literal_column(f"'{state}'")
        for state in (
            "proposed",
            "awaiting",
            "approved",
            "writing",
            "refused",
            "conflict",
            "unknown",
            "not_written",
            "shelved",
        )
    ]
)
IS_UNWRITTEN: Final = orders.c.state != literal_column("'written'")
IS_ALARM: Final = audit.c.kind == literal_column("'alarm'")
IS_RESTORED: Final = audit.c.kind == literal_column("'restored'")


def _partial(name: str, *columns: Any, where: Any, unique: bool = False) -> None:  # noqa: ANN401  SQLAlchemy's own column types
    Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


_partial(
    "recommendations_awaiting_in_channel",
    recommendations.c.channel,
    recommendations.c.delay_cost,
    where=IS_AWAITING,
)
_partial("recommendations_awaiting", recommendations.c.delay_cost, where=IS_AWAITING)
_partial("recommendations_unfinished", recommendations.c.state, where=IS_UNFINISHED)
Index("orders_sent_at", orders.c.sent_at)
_partial("orders_unwritten", orders.c.state, where=IS_UNWRITTEN)
_partial("audit_alarms", audit.c.seq, where=IS_ALARM)
_partial("audit_restored", audit.c.seq, where=IS_RESTORED)
_partial("jobs_free", jobs.c.due_at, jobs.c.id, where=IS_UNDONE & HAS_NO_LANE)
_partial(
    "jobs_in_lane",
    jobs.c.lane,
    jobs.c.waiting,
    jobs.c.due_at,
    jobs.c.id,
    where=IS_UNDONE & HAS_LANE,
)
_partial("jobs_undone", jobs.c.kind, where=IS_UNDONE)
_partial("jobs_done", jobs.c.due_at, where=IS_DONE)
# Whatever the claiming gets wrong, no lane ever has two jobs that run.
_partial("jobs_one_running_in_lane", jobs.c.lane, where=IS_RUNNING, unique=True)
_partial(
    "quarantine_held_once",
    quarantine.c.source,
    quarantine.c.body_sha,
    where=IS_HELD,
    unique=True,
)
