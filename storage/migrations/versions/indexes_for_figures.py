"""Indexes for what is measured and swept: nothing must read a million rows that are over."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "indexes_for_figures"
down_revision: Final = "first_tables"

_UNFINISHED: Final = ", ".join(
    f"'{state}'"
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
)
_DONE: Final = sa.column("done", sa.Boolean())
_INDEXES: Final = (
    ("jobs_undone", "jobs", "kind", ~_DONE),
    ("jobs_done", "jobs", "due_at", sa.true() == _DONE),
    (
        "recommendations_unfinished",
        "recommendations",
        "state",
        sa.text(f"state IN ({_UNFINISHED})"),
    ),
    ("orders_unwritten", "orders", "state", sa.text("state != 'written'")),
    ("audit_alarms", "audit", "seq", sa.text("kind = 'alarm'")),
    ("audit_restored", "audit", "seq", sa.text("kind = 'restored'")),
)


def upgrade() -> None:
    """Make the indexes."""
    for name, table, column, where in _INDEXES:
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)
