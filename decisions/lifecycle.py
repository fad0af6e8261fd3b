"""The states of a recommendation and the only moves between them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from decisions.errors import CountersignError


class State(StrEnum):
    """Where a recommendation stands."""

    PROPOSED = "proposed"
    AWAITING = "awaiting"
    APPROVED = "approved"
    WRITING = "writing"
    WRITTEN = "written"
    REFUSED = "refused"
    CONFLICT = "conflict"
    UNKNOWN = "unknown"
    NOT_WRITTEN = "not_written"
    ACKNOWLEDGED = "acknowledged"
    OVERRIDDEN = "overridden"
    SHELVED = "shelved"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What may happen to a recommendation."""

    POSTED = "posted"
    APPROVED = "approved"
    ACKNOWLEDGED = "acknowledged"
    OVERRIDDEN = "overridden"
    SHELVED = "shelved"
    RETURNED = "returned"
    ESCALATED = "escalated"
    ASKED_AGAIN = "asked_again"
    WRITE_STARTED = "write_started"
    WRITTEN = "written"
    REFUSED = "refused"
    MOVED = "moved"
    LOST = "lost"
    NOT_SENT = "not_sent"
    NOT_FOUND = "not_found"
    CANNOT_TELL = "cannot_tell"
    RETRIED = "retried"
    PULLED_BACK = "pulled_back"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class MoveRefusedError(CountersignError):
    """An event cannot happen in a state."""

    def __init__(self, state: State, event: Event) -> None:
        """Name both."""
        self.state = state
        self.event = event
        super().__init__(f"What is {state.value} cannot be {event.value.replace('_', ' ')}.")


MOVES: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        (State.PROPOSED, Event.POSTED): State.AWAITING,
        (State.PROPOSED, Event.EXPIRED): State.EXPIRED,
        (State.PROPOSED, Event.SUPERSEDED): State.SUPERSEDED,
        (State.PROPOSED, Event.WITHDRAWN): State.WITHDRAWN,
        (State.AWAITING, Event.APPROVED): State.APPROVED,
        (State.AWAITING, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
        (State.AWAITING, Event.OVERRIDDEN): State.OVERRIDDEN,
        (State.AWAITING, Event.SHELVED): State.SHELVED,
        (State.AWAITING, Event.ESCALATED): State.AWAITING,
        (State.AWAITING, Event.ASKED_AGAIN): State.AWAITING,
        (State.AWAITING, Event.EXPIRED): State.EXPIRED,
        (State.AWAITING, Event.SUPERSEDED): State.SUPERSEDED,
        (State.AWAITING, Event.WITHDRAWN): State.WITHDRAWN,
        (State.SHELVED, Event.RETURNED): State.AWAITING,
        (State.SHELVED, Event.EXPIRED): State.EXPIRED,
        (State.SHELVED, Event.SUPERSEDED): State.SUPERSEDED,
        (State.SHELVED, Event.WITHDRAWN): State.WITHDRAWN,
        (State.APPROVED, Event.WRITE_STARTED): State.WRITING,
        (State.APPROVED, Event.WRITTEN): State.WRITTEN,
        (State.APPROVED, Event.REFUSED): State.REFUSED,
        (State.APPROVED, Event.MOVED): State.CONFLICT,
        (State.APPROVED, Event.PULLED_BACK): State.AWAITING,
        (State.APPROVED, Event.EXPIRED): State.EXPIRED,
        (State.WRITING, Event.WRITTEN): State.WRITTEN,
        (State.WRITING, Event.REFUSED): State.REFUSED,
        (State.WRITING, Event.MOVED): State.CONFLICT,
        (State.WRITING, Event.NOT_SENT): State.APPROVED,
        (State.WRITING, Event.LOST): State.UNKNOWN,
        (State.UNKNOWN, Event.WRITTEN): State.WRITTEN,
        (State.UNKNOWN, Event.NOT_FOUND): State.NOT_WRITTEN,
        (State.UNKNOWN, Event.CANNOT_TELL): State.UNKNOWN,
        (State.CONFLICT, Event.ASKED_AGAIN): State.AWAITING,
        (State.CONFLICT, Event.EXPIRED): State.EXPIRED,
        (State.REFUSED, Event.RETRIED): State.AWAITING,
        (State.NOT_WRITTEN, Event.RETRIED): State.AWAITING,
    }
)

OPEN: Final = frozenset({State.PROPOSED, State.AWAITING, State.SHELVED, State.CONFLICT})
"""Still wants something from a person, now or later."""


def advance(state: State, event: Event) -> State:
    """Return the state after the event, or refuse.

    Raises:
        MoveRefusedError: the event cannot happen in this state.
    """
    try:
        return MOVES[state, event]
    except KeyError:
        raise MoveRefusedError(state, event) from None
