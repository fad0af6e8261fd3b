"""Keeping a changed recommendation: the record, its audit entry, its repaint, its report."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from bot.workflow import lineup
from decisions.audit import AuditEvent
from decisions.canonical import Plain
from decisions.lifecycle import OPEN, State
from decisions.people import PersonId
from decisions.recommendation import Recommendation
from storage.unit_of_work import UnitOfWork

_WORTH_TELLING = frozenset(State) - OPEN - {State.APPROVED, State.WRITING, State.UNKNOWN}


def note(
    unit: UnitOfWork,
    one: Recommendation,
    kind: str,
    *,
    at: datetime,
    actor: PersonId | None = None,
    body: Mapping[str, Plain] | None = None,
) -> None:
    """Put something that happened to a recommendation at the end of the audit chain."""
    unit.audit.append(
        AuditEvent(kind=kind, at=at, recommendation=one.id, actor=actor, body=body or {})
    )


def keep(
    unit: UnitOfWork,
    one: Recommendation,
    kind: str,
    *,
    at: datetime,
    actor: PersonId | None = None,
    body: Mapping[str, Plain] | None = None,
    delay_cost: Decimal | None = None,
) -> None:
    """Keep the record, say so in the chain, repaint its card and tell its source."""
    unit.recommendations.keep(one, delay_cost=delay_cost)
    note(
        unit,
        one,
        kind,
        at=at,
        actor=actor,
        body={"state": one.state.value, "round": one.round, "revision": one.revision}
        | dict(body or {}),
    )
    if one.posted_at is not None:
        lineup.repaint(unit, one, due_at=at)
    if one.state in _WORTH_TELLING:
        lineup.tell(unit, one, due_at=at)
