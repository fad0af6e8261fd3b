"""What a plan of this connector's asks for, read back and checked before it may be sent."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from decisions.plan import PlannedRequest, WritePlan
from erp.ports import NotPlannableError
from erp.sap_business_one.entities import (
    PURCHASE_ORDERS,
    ChangedLine,
    NewDraft,
    changed_draft_in,
    new_draft_in,
)
from erp.sap_business_one.mapping import CONNECTOR, DRAFTS, VERSION
from erp.sap_business_one.sessions import SYSTEM

_DRAFT_PATH: Final = re.compile(rf"{DRAFTS}\(([0-9]+)\)")


class NotOurPlanError(NotPlannableError):
    """A plan that this connector would not have built; it is not sent."""

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"This plan is not for {SYSTEM} as we write it: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftChange:
    """Another quantity or date on one line of a draft."""

    doc_entry: int
    etag: str
    line: ChangedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftRemoval:
    """A draft that is to go."""

    doc_entry: int
    etag: str


Planned: TypeAlias = NewDraft | DraftChange | DraftRemoval


def planned(plan: WritePlan, *, company: str) -> Planned:
    """Return what a plan asks for, if it is something that may be sent.

    Raises:
        NotOurPlanError: it is not.
    """
    if plan.connector != CONNECTOR:
        raise NotOurPlanError(f"it is for {plan.connector}")
    if plan.company != company:
        raise NotOurPlanError(f"it is for company {plan.company}")
    if len(plan.requests) != 1:
        raise NotOurPlanError("it is not one request")
    (request,) = plan.requests
    try:
        if (request.method, request.path) == ("POST", DRAFTS):
            return _new_draft(plan, request)
        return _of_a_draft(plan, request)
    except msgspec.DecodeError as wrong:
        raise NotOurPlanError(f"a field is not on the list of those we send, {wrong}") from wrong


def _new_draft(plan: WritePlan, request: PlannedRequest) -> NewDraft:
    draft = new_draft_in(request.body)
    if draft.doc_object_code != PURCHASE_ORDERS or not draft.document_lines:
        raise NotOurPlanError("it is no draft of a purchase order")
    if draft.num_at_card != plan.marker:
        raise NotOurPlanError("it does not carry its marker")
    return draft


def _of_a_draft(plan: WritePlan, request: PlannedRequest) -> DraftChange | DraftRemoval:
    path = _DRAFT_PATH.fullmatch(request.path)
    etag = next((one.value for one in plan.preconditions if one.name == VERSION), "")
    if path is None or request.method == "POST":
        raise NotOurPlanError("it is for no draft")
    if not etag:
        raise NotOurPlanError("it does not say which version of the draft it is for")
    if request.method == "DELETE":
        return DraftRemoval(doc_entry=int(path[1]), etag=etag)
    body = changed_draft_in(request.body)
    if len(body.document_lines) != 1:
        raise NotOurPlanError("it does not change one line")
    (line,) = body.document_lines
    if (line.quantity is None) == (line.ship_date is None):
        raise NotOurPlanError("it does not change exactly one thing")
    return DraftChange(doc_entry=int(path[1]), etag=etag, line=line)
