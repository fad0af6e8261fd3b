"""Actions of the Countersign extension: what is sent, what it relies on, and how it reads.

The extension carries an action out in the transaction of the row that asks for it (see
`extension/`). The row's key is worked out from the marker, so the same approval cannot be carried
out twice, whoever sends it again.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from uuid import UUID, uuid5

import msgspec

from decisions.actions import CreateTransferOrder, RescheduleProductionOrder
from decisions.canonical import canonical, decimal_text
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from decisions.quantity import Quantity, Unit, UnitMismatchError, factor_between
from erp.business_central.entities import NO_DATE, Item
from erp.business_central.mapping import CONNECTOR, MOST, PLACES, STOCK_SHARE
from erp.ports import NotPlannableError

ACTIONS: Final = "actions"
"""Where they are, inside the extension's own API."""

TRANSFER: Final = "create_transfer_order"
RESCHEDULE: Final = "reschedule_production_order"
KINDS: Final = frozenset({TRANSFER, RESCHEDULE})

MOVABLE: Final = frozenset({"Firm Planned", "Released"})
"""Production orders that somebody decided on and nobody finished."""

UNREAD: Final = "cannot be read"

_NAMES: Final = UUID("4f1c9f0e-5b0e-4d38-8d6b-0c2a9f7f6a31")


class TransferPayload(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A transfer order of one line; numbers are text, as everywhere in canonical JSON."""

    marker: str
    item: str
    quantity: str
    unit: str
    from_location: str
    to_location: str
    receipt_date: date


class ReschedulePayload(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """Another due date; the extension refuses when the present one is another by then."""

    marker: str
    document: str
    present_due_date: date
    due_date: date


Payload: TypeAlias = TransferPayload | ReschedulePayload


class NewAction(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """The only fields of an action that are ever sent."""

    action_id: UUID
    kind: Literal["create_transfer_order", "reschedule_production_order"]
    payload: str
    payload_sha256: str


class ProductionOrder(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A production order, as the query of the Power BI app shows it."""

    status: str
    no: str
    source_no: str = ""
    due_date: date = NO_DATE
    quantity: Decimal = Decimal(0)

    @property
    def state(self) -> str:
        """Return the status in the client's word; the API escapes the blank."""
        return self.status.replace("_x0020_", " ")

    @property
    def subject(self) -> str:
        """Return what is made, as it reads on the card."""
        return f"{self.source_no} × {decimal_text(self.quantity)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFacts:
    """Everything read for one transfer; `stock` at its source is None where it cannot be read."""

    item: Item | None
    locations: frozenset[str]
    stock: Decimal | None


def action_id(marker: str, *, company: str) -> UUID:
    """Return the key of an approval's action in a company, always the same one."""
    return uuid5(_NAMES, f"{marker}/{company.lower()}")


def hash_of(payload: str) -> str:
    """Return the SHA-256 that the extension works out again."""
    return hashlib.sha256(payload.encode()).hexdigest()


def read_payload(action: NewAction) -> Payload:
    """Read an action's payload back.

    Raises:
        msgspec.DecodeError: a field that is not on the list.
    """
    if action.kind == TRANSFER:
        return msgspec.json.decode(action.payload, type=TransferPayload)
    return msgspec.json.decode(action.payload, type=ReschedulePayload)


def transfer_plan(
    action: CreateTransferOrder, facts: TransferFacts, *, company: str, marker: str
) -> WritePlan:
    """Build the one request that makes a transfer order, and everything it relies on.

    Raises:
        NotPlannableError: a fact does not allow it; the text says which.
    """
    item = _usable_item(action, facts)
    quantity = _in_base_unit(action.quantity, item)
    _check_places(action, facts, quantity)
    own = f"{item.number} {item.display_name}".strip()
    payload = TransferPayload(
        marker=marker,
        item=item.number,
        quantity=decimal_text(quantity.value),
        unit=quantity.unit,
        from_location=action.from_location,
        to_location=action.to_location,
        receipt_date=action.receipt_date,
    )
    stock = Precondition(
        name="stock",
        subject=f"{item.number} in {action.from_location}",
        value=UNREAD if facts.stock is None else decimal_text(facts.stock),
        tolerance=max(Decimal(1), quantity.value * STOCK_SHARE),
    )
    return _plan(
        payload,
        company=company,
        relies_on=(
            Precondition(name="item blocked", subject=item.number, value="no"),
            Precondition(
                name="base unit", subject=item.number, value=item.base_unit_of_measure_code
            ),
            stock,
        ),
        changes=(
            Change(field="item", subject=own, before=None, after=item.number),
            Change(field="quantity", subject=own, before=None, after=quantity),
            Change(field="from_location", subject=own, before=None, after=action.from_location),
            Change(field="to_location", subject=own, before=None, after=action.to_location),
            Change(field="receipt_date", subject=own, before=None, after=action.receipt_date),
        ),
    )


def reschedule_plan(
    action: RescheduleProductionOrder, order: ProductionOrder, *, company: str, marker: str
) -> WritePlan:
    """Build the one request that moves a production order's due date.

    Raises:
        NotPlannableError: it is finished, or due on that day already.
    """
    if order.state not in MOVABLE:
        raise NotPlannableError(
            f"Production order {order.no} is “{order.state}” in Business Central; this can be "
            "done while it is firm planned or released."
        )
    if order.due_date == NO_DATE:
        raise NotPlannableError(f"Production order {order.no} has no due date to be moved.")
    if order.due_date == action.due_date:
        raise NotPlannableError(
            f"Production order {order.no} is due on {action.due_date} already."
        )
    return _plan(
        ReschedulePayload(
            marker=marker,
            document=order.no,
            present_due_date=order.due_date,
            due_date=action.due_date,
        ),
        company=company,
        relies_on=(
            Precondition(name="status", subject=order.no, value=order.state),
            Precondition(name="item", subject=order.no, value=order.source_no),
            Precondition(name="quantity", subject=order.no, value=decimal_text(order.quantity)),
            Precondition(name="due date", subject=order.no, value=order.due_date.isoformat()),
        ),
        changes=(
            Change(field="document", subject="", before=None, after=order.no),
            Change(
                field="due_date",
                subject=order.subject,
                before=order.due_date,
                after=action.due_date,
            ),
        ),
    )


def _plan(
    payload: Payload,
    *,
    company: str,
    relies_on: tuple[Precondition, ...],
    changes: tuple[Change, ...],
) -> WritePlan:
    text = canonical(msgspec.to_builtins(payload)).decode()
    sent = NewAction(
        action_id=action_id(payload.marker, company=company),
        kind=TRANSFER if isinstance(payload, TransferPayload) else RESCHEDULE,
        payload=text,
        payload_sha256=hash_of(text),
    )
    request = PlannedRequest(method="POST", path=ACTIONS, body=msgspec.json.encode(sent).decode())
    reference = Change(field="reference", subject="", before=None, after=payload.marker)
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=payload.marker,
        requests=(request,),
        preconditions=relies_on,
        changes=(*changes, reference),
        cost=None,
    )


def _usable_item(action: CreateTransferOrder, facts: TransferFacts) -> Item:
    item = facts.item
    if item is None:
        raise NotPlannableError(f"Business Central knows no item {action.item}.")
    if item.blocked:
        raise NotPlannableError(
            f"{item.number} {item.display_name} is blocked in Business Central."
        )
    return item


def _check_places(action: CreateTransferOrder, facts: TransferFacts, quantity: Quantity) -> None:
    for code in (action.from_location, action.to_location):
        if code not in facts.locations:
            raise NotPlannableError(f"Business Central knows no location {code}.")
    if action.from_location == action.to_location:
        raise NotPlannableError(f"Goods cannot be moved from {action.from_location} to itself.")
    if facts.stock is not None and facts.stock < quantity.value:
        raise NotPlannableError(
            f"{action.from_location} has {decimal_text(facts.stock)} {quantity.unit} of "
            f"{action.item}, and {quantity} are to be moved from there."
        )


def _in_base_unit(asked: Quantity, item: Item) -> Quantity:
    """Return a quantity in the unit that the item is kept in, exactly."""
    base = Unit(item.base_unit_of_measure_code)
    factor = factor_between(asked.unit, base)
    if factor is None:
        raise NotPlannableError(
            f"{item.number} {item.display_name}: {UnitMismatchError(asked, base)}"
        )
    value = asked.value * factor
    if not (value.is_finite() and 0 < value <= MOST and value == round(value, PLACES)):
        raise NotPlannableError(
            f"{item.number} {item.display_name}: {asked} cannot be moved; Business Central keeps "
            f"{PLACES} decimal places of {base}."
        )
    return Quantity(Decimal(decimal_text(value)), base)
