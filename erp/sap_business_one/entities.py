"""What the Service Layer sends and takes, as far as we use it; other fields are left unread.

Property names and meanings are those of the SDK help of SAP Business One 10.0 (help.sap.com,
SAPbobsCOM, objects Documents, Document_Lines, Items, ItemWarehouseInfo, BusinessPartners); the
Service Layer has the same objects and properties (“Working with SAP Business One Service Layer”
1.29, page 12). Text that is empty comes as null. What is not on these pages stands with its
source at the field.
"""

from datetime import date
from decimal import Decimal
from typing import Final, Generic, TypeVar

import msgspec

T = TypeVar("T")

YES: Final = "tYES"
PURCHASE_ORDERS: Final = "oPurchaseOrders"
MANUAL_UNITS: Final = -1
"""The unit group of an item whose units are typed in as text (SDK help, UoMGroupEntry)."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a collection; the link is relative to the service root (page 35)."""

    value: tuple[T, ...]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


class BusinessPartner(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """Somebody who is bought from or sold to; the currency is `##` where any will do."""

    card_code: str
    card_name: str | None = None
    card_type: str = ""
    currency: str | None = None
    email_address: str | None = None
    valid: str = ""
    frozen: str = ""

    @property
    def stopped(self) -> bool:
        """Tell whether it is on hold or not active; the dates of a hold are not weighed."""
        return self.frozen == YES or self.valid != YES


class WarehouseInfo(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What lies in one warehouse, and what is ordered into it, in the inventory unit."""

    warehouse_code: str
    in_stock: Decimal = Decimal(0)
    ordered: Decimal = Decimal(0)


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """An item; stock and cost are for the inventory unit, the cost in the local currency."""

    item_code: str
    item_name: str | None = None
    inventory_uom: str | None = msgspec.field(default=None, name="InventoryUOM")
    uom_group_entry: int | None = msgspec.field(default=None, name="UoMGroupEntry")
    valid: str = ""
    frozen: str = ""
    quantity_on_stock: Decimal = Decimal(0)
    avg_std_price: Decimal = Decimal(0)
    warehouses: tuple[WarehouseInfo, ...] = msgspec.field(
        default=(), name="ItemWarehouseInfoCollection"
    )

    @property
    def stopped(self) -> bool:
        """Tell whether it is on hold or not active; the dates of a hold are not weighed."""
        return self.frozen == YES or self.valid != YES

    @property
    def name(self) -> str:
        """Return number and name, as people know it."""
        return f"{self.item_code} {self.item_name or ''}".strip()

    @property
    def ordered(self) -> Decimal:
        """Return what is ordered into all warehouses; drafts are not in it."""
        return sum((one.ordered for one in self.warehouses), Decimal(0))


class Warehouse(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A place where stock lies."""

    warehouse_code: str
    warehouse_name: str | None = None
    inactive: str = ""


class AdminInfo(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """The company itself, from `CompanyService_GetAdminInfo`."""

    local_currency: str


class DocumentLine(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """One line of a draft or an order as it stands.

    `quantity` is in the line's own unit, `inventory_quantity` in the item's. `line_total` is in
    the local currency and without tax; `row_total_fc` in the document's, zero where it is the
    local one.
    """

    line_num: int
    item_code: str | None = None
    item_description: str | None = None
    quantity: Decimal = Decimal(0)
    measure_unit: str | None = None
    inventory_quantity: Decimal | None = None
    remaining_open_quantity: Decimal | None = None
    unit_price: Decimal = Decimal(0)
    line_total: Decimal = Decimal(0)
    row_total_fc: Decimal = msgspec.field(default=Decimal(0), name="RowTotalFC")
    warehouse_code: str | None = None
    ship_date: str | None = None
    line_status: str = ""

    @property
    def total(self) -> Decimal:
        """Return the line's amount without tax, in the document's currency."""
        return self.row_total_fc or self.line_total


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """A draft or a purchase order as it stands."""

    doc_entry: int
    doc_num: int = 0
    doc_object_code: str = ""
    card_code: str = ""
    card_name: str | None = None
    doc_currency: str | None = None
    num_at_card: str | None = None
    document_status: str = ""
    authorization_status: str = ""
    doc_total: Decimal = Decimal(0)
    doc_total_fc: Decimal = Decimal(0)
    vat_sum: Decimal = Decimal(0)
    vat_sum_fc: Decimal = Decimal(0)
    document_lines: tuple[DocumentLine, ...] = ()

    @property
    def total(self) -> Decimal:
        """Return the document's amount without tax, in its own currency."""
        if self.doc_total_fc:
            return self.doc_total_fc - self.vat_sum_fc
        return self.doc_total - self.vat_sum


class NewLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="pascal",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A new line in the item's inventory unit; `use_base_units` says that it is."""

    item_code: str
    quantity: Decimal
    use_base_units: str
    unit_price: Decimal
    warehouse_code: str | None = None
    ship_date: date | None = None


class NewDraft(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="pascal",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """The only fields of a new draft that are ever sent."""

    doc_object_code: str
    doc_type: str
    card_code: str
    doc_currency: str
    num_at_card: str
    doc_due_date: date | None = None
    document_lines: tuple[NewLine, ...]


class ChangedLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="pascal",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A change of one line; the line number is what makes it a change and no new line.

    So says SAP's article “Service Layer Entity CRUD – Update” (community.sap.com, 13171993).
    """

    line_num: int
    quantity: Decimal | None = None
    ship_date: date | None = None


class ChangedDraft(
    msgspec.Struct, frozen=True, kw_only=True, rename="pascal", forbid_unknown_fields=True
):
    """The only fields of a draft that are ever changed."""

    document_lines: tuple[ChangedLine, ...]


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def body_of(body: NewDraft | ChangedDraft) -> str:
    """Return the JSON text of a body; exact numbers, always in the same order."""
    return _ENCODER.encode(body).decode()


def new_draft_in(body: str) -> NewDraft:
    """Read back what `body_of` wrote.

    Raises:
        msgspec.ValidationError: a field that is not on the list.
    """
    return msgspec.json.decode(body, type=NewDraft)


def changed_draft_in(body: str) -> ChangedDraft:
    """Read back what `body_of` wrote.

    Raises:
        msgspec.ValidationError: a field that is not on the list.
    """
    return msgspec.json.decode(body, type=ChangedDraft)


def day_of(text: str | None) -> date | None:
    """Read a date; the time that some releases write behind it means nothing (page 34)."""
    return date.fromisoformat(text[:10]) if text else None
