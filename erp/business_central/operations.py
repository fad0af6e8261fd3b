"""What a plan's one request does; whatever is not on this list is not sent."""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

import msgspec

from decisions.plan import WritePlan
from erp.business_central.actions import (
    ACTIONS,
    NewAction,
    action_id,
    hash_of,
    read_payload,
)
from erp.business_central.documents import LINES
from erp.business_central.entities import AddedLine, LineChange, NewOrder, read_body
from erp.business_central.mapping import CONNECTOR, ORDERS, comment_of
from erp.ports import NotPlannableError

_ID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ORDER: Final = rf"{ORDERS}\((?P<order>{_ID})\)"
_SHAPES: Final = {
    "create": ("POST", re.compile(ORDERS)),
    "add": ("POST", re.compile(rf"{_ORDER}/{LINES}")),
    "change": ("PATCH", re.compile(rf"{_ORDER}/{LINES}\((?P<line>{_ID})\)")),
    "delete": ("DELETE", re.compile(_ORDER)),
    "act": ("POST", re.compile(ACTIONS)),
}


class NotOurPlanError(NotPlannableError):
    """A plan that this writer would not have built; it is not sent."""

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"This plan is not for Business Central as we write it: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """A new draft."""

    sent: NewOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One more line on an order."""

    order: UUID
    sent: AddedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class LineEdit:
    """Another quantity, or another receipt date, on a line."""

    order: UUID
    line: UUID
    sent: LineChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A draft less."""

    order: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that the Countersign extension carries out."""

    sent: NewAction


Edit: TypeAlias = Addition | LineEdit | Deletion
Operation: TypeAlias = Creation | Edit | Action


def operation_in(plan: WritePlan, *, company: str) -> Operation:
    """Return what a plan does, if it is something that may be done.

    Raises:
        NotOurPlanError: for another ERP or company, more than one request, or a field that is
            not on the list of those we send.
    """
    if plan.connector != CONNECTOR:
        raise NotOurPlanError(f"it is for {plan.connector}")
    if plan.company != company:
        raise NotOurPlanError(f"it is for company {plan.company}")
    try:
        return _operation(plan)
    except msgspec.DecodeError as wrong:
        raise NotOurPlanError(f"a field is not on the list of those we send, {wrong}") from wrong


def _operation(plan: WritePlan) -> Operation:
    if len(plan.requests) != 1:
        raise NotOurPlanError("it is not one request")
    (request,) = plan.requests
    for what, (method, shape) in _SHAPES.items():
        found = shape.fullmatch(request.path)
        if request.method != method or found is None:
            continue
        match what:
            case "create":
                return _creation(plan, request.body)
            case "act":
                return _action(plan, request.body)
            case "add":
                return _addition(plan, UUID(found["order"]), request.body)
            case "change":
                change = read_body(request.body, LineChange)
                if (change.quantity is None) == (change.expected_receipt_date is None):
                    raise NotOurPlanError("it does not change exactly one thing")
                return LineEdit(order=UUID(found["order"]), line=UUID(found["line"]), sent=change)
            case _:
                if request.body:
                    raise NotOurPlanError("a deletion says nothing")
                return Deletion(order=UUID(found["order"]))
    raise NotOurPlanError("it is no change that we make")


def _creation(plan: WritePlan, body: str) -> Creation:
    order = read_body(body, NewOrder)
    if not order.item_lines or order.texts != (comment_of(plan.marker),):
        raise NotOurPlanError("it does not carry its marker")
    return Creation(sent=order)


def _addition(plan: WritePlan, order: UUID, body: str) -> Addition:
    line = read_body(body, AddedLine)
    if line.description2 != comment_of(plan.marker):
        raise NotOurPlanError("it does not carry its marker")
    return Addition(order=order, sent=line)


def _action(plan: WritePlan, body: str) -> Action:
    action = msgspec.json.decode(body, type=NewAction)
    if action.action_id != action_id(plan.marker, company=plan.company):
        raise NotOurPlanError("its key is not the one of its marker")
    if action.payload_sha256 != hash_of(action.payload):
        raise NotOurPlanError("its payload has another hash")
    if read_payload(action).marker != plan.marker:
        raise NotOurPlanError("it does not carry its marker")
    return Action(sent=action)
