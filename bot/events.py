"""What was put in the audit chain, told once more to those who operate the program."""

import logging
from typing import Final

from bot import measure
from bot.logs import CORRELATION
from decisions.audit import AuditEvent

_LOG: Final = logging.getLogger(__name__)

_TOLD: Final = ("state", "verb", "verdict", "why", "code", "source", "quarantine")
"""What a line says besides the kind. Names, reasons and texts stay in the chain."""


def heard(event: AuditEvent) -> None:
    """Count an event and log it, with the recommendation as its correlation."""
    measure.count_event(event)
    more: dict[str, object] = {
        name: event.body[name] for name in _TOLD if event.body.get(name) is not None
    }
    if event.recommendation is not None:
        more[CORRELATION] = f"CS-{event.recommendation}"
    if event.actor is not None:
        more["actor"] = event.actor
    _LOG.log(
        logging.CRITICAL if event.kind == "alarm" else logging.INFO, "%s", event.kind, extra=more
    )
