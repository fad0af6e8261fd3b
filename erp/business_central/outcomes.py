"""What an answer to a write means; anything not known to come before the commit is a doubt.

The codes are those of webservices/dynamics-error-codes.md in
MicrosoftDocs/dynamics365smb-devitpro-pb.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

import msgspec

from erp.business_central.client import Answer
from erp.ports import Applied, Moved, NotSent, Outcome, Refused, Unknown

_CLIENT_ERROR: Final = 4

_DONE: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.NO_CONTENT})

ENTITY_CHANGED: Final = "Request_EntityChanged"

_BEFORE_COMMIT: Final = ("BadRequest_", "Application_", "Authentication_")
"""Prefixes of codes that Business Central gives only when it rolls back."""

_BEFORE_COMMIT_EXACT: Final = frozenset(
    {"Internal_RecordNotFound", "Internal_EntityWithSameKeyExists"}
)

_LOG_IN: Final = (
    "Business Central did not accept the writer's log-in. If it stays so, an administrator must "
    "check the app registration"
)
_AGAIN: Final = timedelta(seconds=20)

_STATUS_WORDS: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: "The writer's log-in may not change purchase orders in "
    "Business Central. An administrator must grant it.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The order is too large for one request. Split it.",
}


class _Created(msgspec.Struct, frozen=True):
    id: UUID
    number: str


def outcome_of(answer: Answer, done: Applied | None = None) -> Outcome:
    """Say what became of the one request; `done` is what a change of an order comes to."""
    if answer.status in _DONE and done is not None:
        return done
    not_taken = _not_taken(answer)
    if not_taken is not None:
        return not_taken
    match answer.status:
        case HTTPStatus.CREATED:
            return _created(answer)
        case _ if _is_stale(answer):
            return Moved(text=answer.text)
        case status if status // 100 == _CLIENT_ERROR:
            return _refused(answer)
        case status:
            return Unknown(why=f"it answered with status {status}{_tracked(answer)}")


def _not_taken(answer: Answer) -> NotSent | None:
    """Tell whether the request was turned away at the door, to be sent again later."""
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            # The client forgot the token: one that only ran out is replaced, and it goes on.
            return NotSent(why=_LOG_IN, retry_after=_AGAIN)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return NotSent(
                why="it is busy and did not take the order in", retry_after=answer.retry_after
            )
        case _:
            return None


def _is_stale(answer: Answer) -> bool:
    """Tell whether somebody was faster; not every conflict means that."""
    return answer.status == HTTPStatus.PRECONDITION_FAILED or (
        answer.status == HTTPStatus.CONFLICT and answer.code == ENTITY_CHANGED
    )


def _created(answer: Answer) -> Outcome:
    try:
        created = msgspec.json.decode(answer.body, type=_Created)
    except msgspec.DecodeError:
        return Unknown(why="it said that the order was created, in words we cannot read")
    return Applied(document=created.number, document_id=str(created.id))


def _refused(answer: Answer) -> Outcome:
    words = _STATUS_WORDS.get(answer.status)
    if words is not None:
        return Refused(code=answer.code or str(answer.status), text=words)
    if answer.code.startswith(_BEFORE_COMMIT) or answer.code in _BEFORE_COMMIT_EXACT:
        return Refused(code=answer.code, text=_words(answer))
    said = answer.code or "no code"
    return Unknown(why=f"it answered with status {answer.status} and {said}{_tracked(answer)}")


def _words(answer: Answer) -> str:
    if answer.code.startswith("Application_"):  # the text of an AL error, written for people
        return answer.text or "Business Central gave no reason."
    return f"Business Central did not take the order: {answer.text or answer.code}"


def _tracked(answer: Answer) -> str:
    return f", correlation {answer.correlation_id}" if answer.correlation_id else ""
