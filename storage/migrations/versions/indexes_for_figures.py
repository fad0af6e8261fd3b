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
_INDEXES: Final = (
    (
        "recommendations_unfinished",
        "recommendations",
        "state",
        f"state IN ({_UNFINISHED})",
    ),
    ("orders_unwritten", "orders", "state", "state != 'written'"),
    ("audit_alarms", "audit", "seq", "kind = 'alarm'"),
    ("audit_restored", "audit", "seq", "kind = 'restored'"),
    ("jobs_undone", "jobs", "kind", "NOT done"),
    ("jobs_done", "jobs", "due_at", "done"),
)


def upgrade() -> None:
    """Make the indexes."""
    for name, table, column, where in _INDEXES:
        op.create_index(
            name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where)
        )
