"""Taking an approval back before it is acted on, where its rule leaves time for that."""

from datetime import datetime

from decisions.countersign import Answering, ClosedError, RefusedClickError, StaleCardError
from decisions.lifecycle import State
from decisions.people import Person
from decisions.recommendation import Recommendation


class NotYourApprovalError(RefusedClickError):
    """Somebody else gave it."""

    def __init__(self, approver: Person) -> None:
        """Say who can take it back."""
        self.approver = approver
        super().__init__(f"Only {approver.name}, who approved this, can pull it back.")


class TooLateToPullBackError(RefusedClickError):
    """The time for it is over, or the rule leaves none."""

    def __init__(self) -> None:
        """Say how things stand."""
        super().__init__("It is too late to pull this back: it is being written to the ERP.")


def check_pull_back(one: Recommendation, who: Answering, *, now: datetime) -> None:
    """Refuse a click that may not take the approval back.

    Raises:
        ClosedError: no approval waits to be written.
        NotYourApprovalError: somebody else gave it.
        StaleCardError: the card is from an earlier round.
        TooLateToPullBackError: it is being written.
    """
    decision, until = one.decision, one.writes_from
    if one.state in (State.WRITING, State.UNKNOWN, State.WRITTEN):
        raise TooLateToPullBackError
    if one.state is not State.APPROVED or decision is None or until is None:
        raise ClosedError(one.state)
    if decision.by.id != who.person.id:
        raise NotYourApprovalError(decision.by)
    if who.round != one.round:
        raise StaleCardError
    if now >= until:
        raise TooLateToPullBackError
