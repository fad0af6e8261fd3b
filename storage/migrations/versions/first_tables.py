"""The first tables, and the triggers that make the audit chain append-only."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "first_tables"
down_revision: Final = None

_MOMENT: Final = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
_COUNTER: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LANE: Final = sa.column("lane", sa.String())
_UNDONE: Final = ~sa.column("done", sa.Boolean())
_RUNNING: Final = ~sa.column("waiting", sa.Boolean())
_GENESIS: Final = "0" * 64

_SQLITE_TRIGGERS: Final = (
    """
    CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit is append-only: entries are never changed'); END
    """,
    """
    CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit is append-only: entries are never removed'); END
    """,
    # INSERT OR REPLACE removes a row without asking the trigger above.
    """
    CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'audit is append-only: entries are never replaced'); END
    """,
)

_POSTGRES_TRIGGERS: Final = (
    """
    CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'audit is append-only: % is refused', TG_OP; END $$
    """,
    """
    CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()
    """,
)


def upgrade() -> None:
    """Make the tables."""
    _recommendations()
    _audit()
    _jobs()
    _teams()
    _intake()


def _recommendations() -> None:
    op.create_table(
        "recommendations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column(
            "source_id",
            sa.String(),
            nullable=False,
            comment="the source's own id, unique per source",
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column(
            "owner", sa.String(), nullable=False, comment="Entra object id of whose turn it is now"
        ),
        sa.Column("valid_until", _MOMENT, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column(
            "delay_cost",
            sa.BigInteger(),
            nullable=False,
            comment="millionths of the base currency; only to sort by",
        ),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="storage.codec, Recommendation"),
        sa.PrimaryKeyConstraint("id", name="recommendations_pk"),
        sa.UniqueConstraint("source", "source_id", name="recommendations_source_source_id_uq"),
    )
    op.create_index(
        "recommendations_awaiting",
        "recommendations",
        ["delay_cost"],
        sqlite_where=sa.text("state = 'awaiting'"),
        postgresql_where=sa.text("state = 'awaiting'"),
    )
    op.create_index(
        "recommendations_awaiting_in_channel",
        "recommendations",
        ["channel", "delay_cost"],
        sqlite_where=sa.text("state = 'awaiting'"),
        postgresql_where=sa.text("state = 'awaiting'"),
    )
    op.create_table(
        "raw_recommendations",
        sa.Column("recommendation_id", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="word for word, as UTF-8"),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendations.id"],
            name="raw_recommendations_recommendation_id_fk",
        ),
        sa.PrimaryKeyConstraint("recommendation_id", name="raw_recommendations_pk"),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("recommendation_id", sa.String(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False, comment="Entra object id"),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("document", sa.Text(), nullable=False, comment="storage.codec, Decision"),
        sa.ForeignKeyConstraint(
            ["recommendation_id"], ["recommendations.id"], name="decisions_recommendation_id_fk"
        ),
        sa.PrimaryKeyConstraint("id", name="decisions_pk"),
        sa.UniqueConstraint("id", "recommendation_id", name="decisions_id_recommendation_id_uq"),
        sa.UniqueConstraint(
            "recommendation_id", "round", name="decisions_recommendation_id_round_uq"
        ),
    )
    op.create_table(
        "orders",
        sa.Column("recommendation_id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.String(), nullable=False),
        sa.Column("plan_hash", sa.String(), nullable=False, comment="what the decision approved"),
        sa.Column(
            "state",
            sa.String(),
            nullable=False,
            comment="sending, not_sent, written, refused, not_written or unknown",
        ),
        sa.Column(
            "attempt", sa.Integer(), nullable=False, comment="which claim of the job sends it"
        ),
        sa.Column(
            "sent_at", _MOMENT, nullable=False, comment="when the claim was kept, before sending"
        ),
        sa.Column(
            "document", sa.String(), nullable=True, comment="the number of the document in the ERP"
        ),
        sa.ForeignKeyConstraint(
            ["decision_id", "recommendation_id"],
            ["decisions.id", "decisions.recommendation_id"],
            name="orders_decision_id_fk",
        ),
        sa.ForeignKeyConstraint(
            ["recommendation_id"], ["recommendations.id"], name="orders_recommendation_id_fk"
        ),
        sa.PrimaryKeyConstraint("recommendation_id", name="orders_pk"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "seq",
            _COUNTER,
            autoincrement=False,
            nullable=False,
            comment="counted by the chain, no gaps",
        ),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column(
            "at", sa.String(), nullable=False, comment="ISO 8601 in UTC, spelled as it was hashed"
        ),
        sa.Column("recommendation", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=True, comment="Entra object id"),
        sa.Column("body", sa.Text(), nullable=False, comment="plain JSON"),
        sa.Column(
            "previous", sa.String(), nullable=False, comment="hash of the entry before, in hex"
        ),
        sa.Column(
            "hash", sa.String(), nullable=False, comment="SHA-256 over RFC 8785 JSON, in hex"
        ),
        sa.PrimaryKeyConstraint("seq", name="audit_pk"),
    )
    op.create_index("audit_recommendation", "audit", ["recommendation"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False, comment="always 1"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_head_pk"),
    )
    op.execute(f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{_GENESIS}')")  # noqa: S608  the text is ours
    sqlite = op.get_bind().dialect.name == "sqlite"
    for trigger in _SQLITE_TRIGGERS if sqlite else _POSTGRES_TRIGGERS:
        op.execute(trigger)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False, comment="makes it once per occurrence"),
        sa.Column("lane", sa.String(), nullable=True, comment="one at a time in each lane"),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column(
            "due_at",
            _MOMENT,
            nullable=False,
            comment="start and retry; while it runs, the end of the lease",
        ),
        sa.Column(
            "attempts",
            sa.Integer(),
            nullable=False,
            comment="how often it was claimed; the fencing token",
        ),
        sa.Column(
            "waiting",
            sa.Boolean(),
            nullable=False,
            comment="false while somebody holds a lease on it",
        ),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False, comment="what the last attempt said"),
        sa.PrimaryKeyConstraint("id", name="jobs_pk"),
        sa.UniqueConstraint("key", name="jobs_key_uq"),
    )
    op.create_index(
        "jobs_free",
        "jobs",
        ["due_at", "id"],
        sqlite_where=_UNDONE & _LANE.is_(None),
        postgresql_where=_UNDONE & _LANE.is_(None),
    )
    op.create_index(
        "jobs_in_lane",
        "jobs",
        ["lane", "waiting", "due_at", "id"],
        sqlite_where=_UNDONE & _LANE.is_not(None),
        postgresql_where=_UNDONE & _LANE.is_not(None),
    )
    op.create_index(
        "jobs_one_running_in_lane",
        "jobs",
        ["lane"],
        unique=True,
        sqlite_where=_RUNNING,
        postgresql_where=_RUNNING,
    )
    op.create_table(
        "lane_uses",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="lane_uses_pk"),
    )
    op.create_index("lane_uses_lane_at", "lane_uses", ["lane", "at"])


def _teams() -> None:
    op.create_table(
        "channels",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("service_url", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("bot_id", sa.String(), nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.Column("removed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="channels_pk"),
    )
    op.create_table(
        "cards",
        sa.Column("sha", sa.String(), nullable=False, comment="SHA-256 of the JSON, in hex"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the JSON, zlib"),
        sa.PrimaryKeyConstraint("sha", name="cards_pk"),
    )
    op.create_table(
        "postings",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("recommendation_id", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("service_url", sa.String(), nullable=False),
        sa.Column("conversation_id", sa.String(), nullable=False),
        sa.Column("activity_id", sa.String(), nullable=False),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=False,
            comment="of the recommendation, as last painted",
        ),
        sa.Column(
            "card_sha", sa.String(), nullable=True, comment="null: shown, but we do not know what"
        ),
        sa.Column("gone_at", _MOMENT, nullable=True, comment="when it was found deleted"),
        sa.ForeignKeyConstraint(["card_sha"], ["cards.sha"], name="postings_card_sha_fk"),
        sa.ForeignKeyConstraint(
            ["recommendation_id"], ["recommendations.id"], name="postings_recommendation_id_fk"
        ),
        sa.PrimaryKeyConstraint("id", name="postings_pk"),
        sa.UniqueConstraint(
            "conversation_id", "activity_id", name="postings_conversation_id_activity_id_uq"
        ),
    )
    op.create_index("postings_recommendation_id", "postings", ["recommendation_id"])


def _intake() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key_hash", sa.String(), nullable=False, comment="SHA-256 in hex"),
        sa.Column("plants", sa.Text(), nullable=False, comment="may send for these"),
        sa.Column("webhook_url", sa.String(), nullable=True),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="api_keys_pk"),
        sa.UniqueConstraint("key_hash", name="api_keys_key_hash_uq"),
    )
    op.create_index("api_keys_source", "api_keys", ["source"])
    op.create_table(
        "quarantine",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_id", sa.String(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="word for word, as UTF-8"),
        sa.Column("body_sha", sa.String(), nullable=False),
        sa.Column("problems", sa.Text(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("state", sa.String(), nullable=False, comment="held, released or dropped"),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="quarantine_pk"),
    )
    op.create_index(
        "quarantine_held_once",
        "quarantine",
        ["source", "body_sha"],
        unique=True,
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )
