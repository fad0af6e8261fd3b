"""One turn: everything that is read and kept in one transaction."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from storage.audit import AuditTrail
from storage.cards import Cards
from storage.channels import Channels
from storage.decisions import Decisions
from storage.figures import Figures, read_figures
from storage.jobs import Jobs
from storage.orders import Orders
from storage.postings import Postings
from storage.quarantine import Quarantine
from storage.recommendations import Recommendations
from storage.sources import Sources

JOBS_CHANNEL = "countersign_jobs"
"""What PostgreSQL notifies when jobs were added."""


class UnitOfWork:
    """The repositories of one turn; the store opens it and commits."""

    def __init__(self, connection: Connection) -> None:
        """Work inside a transaction that the store has begun."""
        self._connection = connection
        self.recommendations = Recommendations(connection)
        self.decisions = Decisions(connection)
        self.orders = Orders(connection)
        self.audit = AuditTrail(connection)
        self.jobs = Jobs(connection)
        self.postings = Postings(connection)
        self.cards = Cards(connection)
        self.channels = Channels(connection)
        self.sources = Sources(connection)
        self.quarantine = Quarantine(connection)

    def figures(self, now: datetime) -> Figures:
        """Return how much waits, and what stands undecided or unwritten."""
        return read_figures(self._connection, now)

    def complete(self) -> None:
        """Write what waits for the end of the turn; the store calls it before the commit."""
        self.jobs.insert()
        if self.jobs.added and self._connection.dialect.name != "sqlite":
            self._connection.execute(select(func.pg_notify(JOBS_CHANNEL, "")))
        self.audit.chain()
