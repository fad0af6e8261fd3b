"""An index for comparing with the ERP: the orders of some days among all of them."""

from typing import Final

from alembic import op

revision: Final = "orders_by_time"
down_revision: Final = "indexes_for_figures"


def upgrade() -> None:
    """Add the index."""
    op.create_index("orders_sent_at", "orders", ["sent_at"])


def downgrade() -> None:
    """Take the index away."""
    op.drop_index("orders_sent_at", "orders")
