"""The closed list of changes that may be drafted; none can post, pay, receive or invoice."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from decisions.money import Currency, Money, total
from decisions.quantity import Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One line of a purchase order; the unit cost is for one unit of the quantity."""

    item: str
    quantity: Quantity
    unit_cost: Money
    location: str | None
    expected_receipt_date: date | None

    @property
    def cost(self) -> Money:
        """Return quantity times unit cost."""
        return self.unit_cost * self.quantity.value


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePurchaseOrder:
    """A new draft purchase order with one vendor."""

    kind: Literal["create_purchase_order"] = "create_purchase_order"
    vendor: str
    currency: Currency
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPurchaseOrderLine:
    """One more line on a draft purchase order."""

    kind: Literal["add_po_line"] = "add_po_line"
    document: str
    line: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPurchaseOrderQuantity:
    """Another quantity on a line of a draft purchase order."""

    kind: Literal["set_po_quantity"] = "set_po_quantity"
    document: str
    line: int
    quantity: Quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReceiptDate:
    """Another expected receipt date on a purchase order line."""

    kind: Literal["set_receipt_date"] = "set_receipt_date"
    document: str
    line: int
    expected_receipt_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelDraftPurchaseOrder:
    """A draft purchase order to be deleted before anybody released it."""

    kind: Literal["cancel_draft_po"] = "cancel_draft_po"
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTransferOrder:
    """Stock to be moved from one location to another."""

    kind: Literal["create_transfer_order"] = "create_transfer_order"
    item: str
    quantity: Quantity
    from_location: str
    to_location: str
    receipt_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RescheduleProductionOrder:
    """Another due date for a production order."""

    kind: Literal["reschedule_production_order"] = "reschedule_production_order"
    document: str
    due_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSupplierChaser:
    """A message that asks a vendor about an order."""

    kind: Literal["send_supplier_chaser"] = "send_supplier_chaser"
    vendor: str
    document: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Nothing is written; a named person has seen it and owns it."""

    kind: Literal["acknowledge"] = "acknowledge"
    note: str = ""


DraftedAction: TypeAlias = (
    CreatePurchaseOrder
    | AddPurchaseOrderLine
    | SetPurchaseOrderQuantity
    | SetReceiptDate
    | CancelDraftPurchaseOrder
    | CreateTransferOrder
    | RescheduleProductionOrder
    | SendSupplierChaser
    | Acknowledge
)

ACTION_KINDS: Final = (
    "create_purchase_order",
    "add_po_line",
    "set_po_quantity",
    "set_receipt_date",
    "cancel_draft_po",
    "create_transfer_order",
    "reschedule_production_order",
    "send_supplier_chaser",
    "acknowledge",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """A receipt date that may be changed; `on` is None where none was recommended."""

    on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Editable:
    """What an approver may type another value for; None where there is no such thing."""

    name: str
    quantity: Quantity | None
    date: Dated | None


def editables(action: DraftedAction) -> tuple[Editable, ...]:
    """Return what of an action may be approved with changes, line by line; empty where nothing."""
    match action:
        case CreatePurchaseOrder(lines=lines):
            return tuple(_editable_line(line) for line in lines)
        case AddPurchaseOrderLine(line=line):
            return (_editable_line(line),)
        case SetPurchaseOrderQuantity(document=document, quantity=quantity):
            return (Editable(name=document, quantity=quantity, date=None),)
        case SetReceiptDate(document=document, expected_receipt_date=day):
            return (Editable(name=document, quantity=None, date=Dated(on=day)),)
        case _:
            return ()


def _editable_line(line: OrderLine) -> Editable:
    return Editable(
        name=line.item, quantity=line.quantity, date=Dated(on=line.expected_receipt_date)
    )


def cost_of(action: DraftedAction) -> Money | None:
    """Return what the action commits the plant to pay; None where it commits nothing.

    The lines of one order share a currency, because an order has one.
    """
    match action:
        case CreatePurchaseOrder(lines=lines, currency=currency):
            sums = total(line.cost for line in lines)
            return sums[0] if sums else Money(Decimal(0), currency)
        case AddPurchaseOrderLine(line=line):
            return line.cost
        case _:
            return None
