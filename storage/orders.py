"""Orders: which approved change was sent to the ERP, once, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, Row, bindparam, select, update

from decisions.errors import CountersignError
from decisions.plan import PlanHash
from decisions.recommendation import DecisionId, RecommendationId
from storage.inserts import insert_unless_there
from storage.tables import orders

OrderState = Literal["sending", "not_sent", "written", "refused", "not_written", "unknown"]

_NEEDS_ANOTHER_DECISION: Final = frozenset[OrderState]({"refused", "not_written"})
"""It was sent, and the ERP is known to hold nothing of it; only another approval sends again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A write: for which decision, by which attempt of its job, and how it went."""

    recommendation: RecommendationId
    decision: DecisionId
    plan_hash: PlanHash
    state: OrderState
    attempt: int
    sent_at: datetime
    document: str | None


class OrderStandsError(CountersignError):
    """The recommendation has an order that may have reached the ERP."""

    def __init__(self, order: Order) -> None:
        """Name it and its state."""
        self.order = order
        super().__init__(
            f"CS-{order.recommendation} has an order that is {order.state.replace('_', ' ')}. "
            "It is not sent a second time."
        )


class NoSuchOrderError(CountersignError):
    """An order was finished that nobody claimed."""

    def __init__(self, about: RecommendationId) -> None:
        """Name the recommendation."""
        self.id = about
        super().__init__(f"CS-{about} has no order. Claim it before it is sent.")


_BY_RECOMMENDATION: Final = select(orders).where(orders.c.recommendation_id == bindparam("about"))
_CHANGE: Final = update(orders).where(orders.c.recommendation_id == bindparam("about"))


class Orders:
    """The orders of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def claim(
        self,
        about: RecommendationId,
        decision: DecisionId,
        plan_hash: PlanHash,
        *,
        attempt: int,
        now: datetime,
    ) -> None:
        """Take the one right to send an approved change.

        Raises:
            OrderStandsError: it was taken before, and what was sent may have arrived, or the
                decision is still the one that was sent.
        """
        row = {
            "decision_id": decision,
            "plan_hash": plan_hash,
            "state": "sending",
            "attempt": attempt,
            "sent_at": now,
            "document": None,
        }
        if insert_unless_there(self._connection, orders, row | {"recommendation_id": about}):
            return
        standing = self._locked(about)
        if not _may_be_sent(standing, decision):
            raise OrderStandsError(standing)
        self._connection.execute(_CHANGE, row | {"about": about})

    def finish(
        self, about: RecommendationId, state: OrderState, *, document: str | None = None
    ) -> None:
        """Keep what became of an order, and the ERP's number for it.

        Raises:
            NoSuchOrderError: nobody claimed one.
        """
        row = {"about": about, "state": state, "document": document}
        if self._connection.execute(_CHANGE, row).rowcount == 0:
            raise NoSuchOrderError(about)

    def get(self, about: RecommendationId) -> Order | None:
        """Return the order of a recommendation."""
        row = self._connection.execute(_BY_RECOMMENDATION, {"about": about}).first()
        return None if row is None else _order(row)

    def sent_since(self, moment: datetime) -> tuple[Order, ...]:
        """Return the orders that were sent since then."""
        found = select(orders).where(orders.c.sent_at >= moment).order_by(orders.c.sent_at)
        return tuple(_order(row) for row in self._connection.execute(found))

    def _locked(self, about: RecommendationId) -> Order:
        statement = _BY_RECOMMENDATION.with_for_update()
        return _order(self._connection.execute(statement, {"about": about}).one())


def _may_be_sent(standing: Order, decision: DecisionId) -> bool:
    """Tell whether an order may go out (again): never sent, or surely not there and re-decided."""
    if standing.state == "not_sent":  # the request never left, so the same approval still holds
        return True
    return standing.state in _NEEDS_ANOTHER_DECISION and standing.decision != decision


def _order(row: Row[tuple[object, ...]]) -> Order:
    return Order(
        recommendation=row.recommendation_id,
        decision=row.decision_id,
        plan_hash=row.plan_hash,
        state=row.state,
        attempt=row.attempt,
        sent_at=row.sent_at,
        document=row.document,
    )
