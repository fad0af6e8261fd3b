"""What Alembic runs: the steps, inside the transaction that the store has begun."""

from alembic import context
from sqlalchemy import Connection

from storage.tables import METADATA

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
