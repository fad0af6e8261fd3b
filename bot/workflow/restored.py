"""After a backup took the place of the database: say so, and repaint what is open.

Cards in Teams may show what was decided since. The record no longer knows of it, so each open
card is painted as the record stands, and people are asked again.
"""

from datetime import datetime

from bot.workflow import lineup
from decisions.audit import AuditEvent
from storage.audit import RESTORED
from storage.unit_of_work import UnitOfWork


def note_restored(unit: UnitOfWork, *, file: str, now: datetime) -> None:
    """Put the restore in the chain, which holds writes back for a while, and repaint."""
    entries, _ = unit.audit.head()
    unit.audit.append(
        AuditEvent(
            kind=RESTORED,
            at=now,
            recommendation=None,
            actor=None,
            body={"file": file, "entries": entries},
        )
    )
    for name in unit.postings.mistrust():
        held = unit.recommendations.lock(name)
        lineup.repaint(unit, held, due_at=now, after=f"restored {now.isoformat()}")
