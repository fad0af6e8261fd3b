"""What an answer to a write means; anything not known to come before the commit is a doubt.

Behind the Service Layer is the same core as behind the DI API (“Working with SAP Business One
Service Layer” 1.29, page 12), which opens a transaction for each object and rolls it back where
the operation fails (blogs.sap.com/2017/02/03/using-di-api-global-transactions). It says so with
a code, and the Service Layer with status 400. Not among these refusals:

- 404 and code -2028, “no matching records”: SAP's note 3066294 has the Service Layer answer a
  POST so although a document was saved, as a draft for approval.
- 403, which has been seen where the session was lost with its node; no page of SAP's names it.

412 with code -2039 is a document that somebody changed (pages 161-166). 401 with code 301 is a
session that has ended (page 17), and is found before anything is done. 429 is on no page of
SAP's; it comes from a gateway in front, which by RFC 6585 did not let the request through.
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from erp.ports import Applied, Moved, NotSent, Outcome, Refused, Unknown
from erp.sap_business_one.client import Answer
from erp.sap_business_one.mapping import draft_name, draft_path
from erp.sap_business_one.sessions import SYSTEM

_DOUBTFUL: Final = frozenset({"", "-2028"})
_CHANGED: Final = "-2039"
_LOG_IN_AGAIN: Final = timedelta(seconds=5)

_TOO_LARGE: Final = "The order is too large for one request. Split it."


class _Created(msgspec.Struct, frozen=True, rename="pascal"):
    doc_entry: int


def outcome_of(answer: Answer, *, changed: int | None = None) -> Outcome:
    """Say what became of the one request; `changed` is the draft that it was for."""
    match answer.status:
        case HTTPStatus.CREATED:
            return _created(answer)
        case HTTPStatus.NO_CONTENT if changed is not None:
            return _applied(changed)
        case HTTPStatus.UNAUTHORIZED:
            return NotSent(why="the session had ended", retry_after=_LOG_IN_AGAIN)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return NotSent(
                why="it is busy and did not take the order in", retry_after=answer.retry_after
            )
        case _:
            return _refused(answer)


def _refused(answer: Answer) -> Outcome:
    bad = answer.status == HTTPStatus.BAD_REQUEST
    if answer.status == HTTPStatus.PRECONDITION_FAILED or (bad and answer.code == _CHANGED):
        return Moved(text=answer.text)
    if answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Refused(code=answer.code or str(answer.status), text=_TOO_LARGE)
    if bad and answer.code not in _DOUBTFUL:
        return Refused(code=answer.code, text=answer.text or f"{SYSTEM} gave no reason.")
    said = f" and code {answer.code}" if answer.code else ""
    return Unknown(why=f"it answered with status {answer.status}{said}")


def _created(answer: Answer) -> Outcome:
    try:
        created = msgspec.json.decode(answer.body, type=_Created)
    except msgspec.DecodeError:
        return Unknown(why="it said that the draft was created, in words we cannot read")
    return _applied(created.doc_entry)


def _applied(doc_entry: int) -> Applied:
    return Applied(document=draft_name(doc_entry), document_id=draft_path(doc_entry))
