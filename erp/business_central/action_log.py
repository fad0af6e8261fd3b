"""What became of an action of the Countersign extension: its row, its document as it stands."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Final
from uuid import UUID

import msgspec

from decisions.plan import Value, WritePlan
from decisions.quantity import Quantity, Unit
from decisions.recommendation import FieldCheck, Receipt
from erp.business_central.actions import ACTIONS, hash_of
from erp.business_central.client import (
    EXTENSION,
    Answer,
    BusinessCentralClient,
    RefusedReadError,
)
from erp.business_central.entities import NO_DATE
from erp.business_central.operations import Action
from erp.business_central.outcomes import outcome_of
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    Outcome,
    Refused,
    Unknown,
)

_FROM_WITHIN: Final = ("Application_", "Internal_")
"""Prefixes of codes that the extension's own work can end with; others come before it."""

_NOT_GRANTED: Final = (
    "The writer's log-in may not carry out actions in Business Central. An administrator must "
    "grant it the permission set CS ACTIONS and one that may plan production."
)


class _Made(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the extension answers when an action was carried out."""

    action_id: UUID
    document_no: str


class _Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An action that was carried out, and its document's own fields as they are now."""

    action_id: UUID
    payload: str
    marker: str = ""
    document_no: str = ""
    item_no: str = ""
    quantity: Decimal = Decimal(0)
    unit_of_measure_code: str = ""
    transfer_from_code: str = ""
    transfer_to_code: str = ""
    receipt_date: date = NO_DATE
    due_date: date = NO_DATE


class ActionLog:
    """Looks actions up, with the log-in of whoever writes."""

    def __init__(
        self, client: BusinessCentralClient, *, now: Callable[[], datetime], read_time: float
    ) -> None:
        """Keep the client and the clock; seconds for each look."""
        self._client = client
        self._now = now
        self._read_time = read_time

    async def probe(self, action: Action) -> Found | NotFound | CannotTell:
        """Tell whether an action was carried out; its row stands exactly when it was."""
        try:
            row = await self._row(action.sent.action_id)
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        if row is None:
            return NotFound()
        return Found(document=row.document_no, document_id=str(row.action_id))

    async def believed(self, outcome: Outcome, action: Action) -> Outcome:
        """Return a refusal only where the action does not stand: its key may just be taken."""
        if not (isinstance(outcome, Refused) and outcome.code.startswith(_FROM_WITHIN)):
            return outcome
        match await self.probe(action):
            case NotFound():
                return outcome
            case Found():
                return Unknown(why="it was carried out before")
            case CannotTell(why=why):
                return Unknown(why=f"it said {outcome.code}, and then: {why}")

    async def verify(self, plan: WritePlan, action: Action, found: Found) -> Receipt:
        """Read the action and its document back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        row = await self._row(action.sent.action_id)
        values = {} if row is None else dict(_values(row))
        return Receipt(
            document=found.document,
            document_id=found.document_id,
            read_at=self._now(),
            fields=(
                *(
                    FieldCheck(
                        field=change.field,
                        subject=change.subject,
                        planned=change.after,
                        found=values.get(change.field),
                    )
                    for change in plan.changes
                ),
                FieldCheck(
                    field="payload",
                    subject="",
                    planned=action.sent.payload_sha256,
                    found=None if row is None else hash_of(row.payload),
                ),
            ),
        )

    async def _row(self, identity: UUID) -> _Row | None:
        url = self._client.company.url(f"{ACTIONS}({identity})", api=EXTENSION)
        until = asyncio.get_running_loop().time() + self._read_time
        try:
            return await self._client.read(url, _Row, until=until)
        except RefusedReadError as refused:
            if refused.answer.status == HTTPStatus.NOT_FOUND and refused.answer.code.startswith(
                "Internal_RecordNotFound"
            ):
                return None
            raise


def outcome_of_action(answer: Answer) -> Outcome:
    """Say what became of the one request that asks for an action."""
    match answer.status:
        case HTTPStatus.CREATED:
            try:
                made = msgspec.json.decode(answer.body, type=_Made)
            except msgspec.DecodeError:
                return Unknown(why="it said that it is done, in words we cannot read")
            return Applied(document=made.document_no, document_id=str(made.action_id))
        case HTTPStatus.FORBIDDEN:
            return Refused(code=answer.code or "403", text=_NOT_GRANTED)
        case _:
            return outcome_of(answer)


def _values(row: _Row) -> Iterator[tuple[str, Value]]:
    yield "document", row.document_no
    yield "reference", row.marker
    yield "item", row.item_no or None
    if row.unit_of_measure_code:
        yield "quantity", Quantity(row.quantity, Unit(row.unit_of_measure_code))
    yield "from_location", row.transfer_from_code or None
    yield "to_location", row.transfer_to_code or None
    yield "receipt_date", _day(row.receipt_date)
    yield "due_date", _day(row.due_date)


def _day(day: date) -> date | None:
    return None if day == NO_DATE else day
