"""What an answer to a write means; anything not known to come before the commit is a doubt.

Tryton commits after the method returned, and answers an error of its own family (UserError and
what derives from it, UserWarning, ConcurrencyException) with status 200 after it rolled back
(trytond/protocols/dispatcher.py). Any other Python error may come from the commit itself.
"""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from erp.ports import Applied, Moved, NotSent, Outcome, Refused, Unknown
from erp.tryton.client import Answer

_LATER: Final = timedelta(minutes=1)
"""When to come back, where the answer does not say it."""

_BEFORE_CALL: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: "Tryton could not read the request.",
    HTTPStatus.FORBIDDEN: "Tryton does not offer this method to anybody.",
    HTTPStatus.NOT_FOUND: "Tryton has no such database.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The order is too large for one request. Split it.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Tryton could not make sense of the request.",
}
"""Statuses that Tryton only gives before it calls the method."""


def outcome_of(answer: Answer, *, applied: Callable[[msgspec.Raw], Outcome]) -> Outcome:
    """Say what became of the one call; `applied` reads the result where there is one."""
    if answer.result is not None:
        return applied(answer.result)
    if answer.status == HTTPStatus.OK:
        return _failed(answer)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return NotSent(why="the session was over before the call", retry_after=timedelta(0))
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotSent(
            why="it is busy and did not take the call in", retry_after=answer.retry_after or _LATER
        )
    words = _BEFORE_CALL.get(answer.status)
    if words is not None:
        return Refused(code=str(answer.status), text=words)
    return Unknown(why=f"it answered with status {answer.status}")


def created(result: msgspec.Raw) -> Outcome:
    """Return where the new purchase stands; a draft has no number, only its id."""
    try:
        (number,) = msgspec.json.decode(result, type=tuple[int])
    except msgspec.DecodeError:
        return Unknown(why="it said that the purchase was created, in words we cannot read")
    return Applied(document=f"({number})", document_id=str(number))


def _failed(answer: Answer) -> Outcome:
    match answer.code:
        case "UserError" | "UserWarning":
            text = answer.text or "Tryton gave no reason."
            return Refused(code=answer.code, text=text)
        case "ConcurrencyException":
            return Moved(text=answer.text)
        case "LoginException":
            return NotSent(why="Tryton asks for another log-in")
        case _:
            return Unknown(why=f"it failed in an unforeseen way: {answer.text or 'no reason'}")
