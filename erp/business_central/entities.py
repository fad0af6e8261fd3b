"""What Business Central sends and takes, as far as we use it; other fields are left unread.

Field names are those of API v2.0 (microsoft/BCApps, Apps/W1/APIV2), in snake case.
"""

from datetime import date
from decimal import Decimal
from typing import Final, Generic, TypeAlias, TypeVar
from uuid import UUID

import msgspec

T = TypeVar("T")

NO_DATE: Final = date(1, 1, 1)
"""How a blank date is written."""

NO_ID: Final = UUID(int=0)
"""How a blank reference is written."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a collection."""

    value: tuple[T, ...]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


class Vendor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A vendor; a blank currency is the company's own."""

    number: str
    display_name: str
    currency_code: str
    blocked: str


class VendorContact(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a vendor is reached."""

    number: str
    display_name: str
    email: str = ""


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item; `inventory` is the sum over all locations."""

    number: str
    display_name: str
    blocked: bool
    inventory: Decimal
    unit_cost: Decimal
    base_unit_of_measure_code: str


class Location(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A place where stock lies."""

    id: UUID
    code: str


class CompanyName(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A company as the service lists it; the name is what web addresses want."""

    id: UUID
    name: str


class CompanyInformation(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The company itself."""

    currency_code: str


class OutstandingLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is still to come on one purchase line, in the item's base unit.

    A line of a return order is what still goes back.
    """

    item_no: str
    document_type: str = "Order"
    outstanding_qty_base: Decimal


class PurchaseOrderLine(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One line of a purchase order as it stands."""

    id: UUID = NO_ID
    etag: str = msgspec.field(default="", name="@odata.etag")
    sequence: int
    line_type: str
    line_object_number: str = ""
    description: str = ""
    description2: str = ""
    unit_of_measure_code: str = ""
    quantity: Decimal = Decimal(0)
    received_quantity: Decimal = Decimal(0)
    direct_unit_cost: Decimal = Decimal(0)
    amount_excluding_tax: Decimal = Decimal(0)
    expected_receipt_date: date = NO_DATE
    location_id: UUID = NO_ID


class PurchaseOrder(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A purchase order as it stands; its lines where they were asked for."""

    id: UUID
    etag: str = msgspec.field(default="", name="@odata.etag")
    number: str
    vendor_number: str
    vendor_name: str = ""
    currency_code: str = ""
    status: str = ""
    total_amount_excluding_tax: Decimal = Decimal(0)
    purchase_order_lines: tuple[PurchaseOrderLine, ...] = ()


class ItemLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    tag_field="lineType",
    tag="Item",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A new line; the unit cost stands after what makes Business Central look one up."""

    line_object_number: str
    location_id: UUID | None = None
    unit_of_measure_code: str
    quantity: Decimal
    direct_unit_cost: Decimal
    expected_receipt_date: date | None = None


class AddedLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    tag_field="lineType",
    tag="Item",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """A line for an order that stands; its sequence is ours, and the second text its marker."""

    sequence: int
    line_object_number: str
    description2: str
    location_id: UUID | None = None
    unit_of_measure_code: str
    quantity: Decimal
    direct_unit_cost: Decimal
    expected_receipt_date: date | None = None


class LineChange(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What may be changed of a line that stands: one of the two."""

    quantity: Decimal | None = None
    expected_receipt_date: date | None = None


class CommentLine(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    tag_field="lineType",
    tag="Comment",
    forbid_unknown_fields=True,
):
    """A line of text; the only place on an order for a reference of ours."""

    description: str


NewLine: TypeAlias = ItemLine | CommentLine


class NewOrder(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """The only fields of a purchase order that are ever sent."""

    vendor_number: str
    currency_code: str | None = None
    requested_receipt_date: date | None = None
    purchase_order_lines: tuple[NewLine, ...]

    @property
    def item_lines(self) -> tuple[ItemLine, ...]:
        """Return the lines that order something."""
        return tuple(line for line in self.purchase_order_lines if isinstance(line, ItemLine))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return what the comment lines say."""
        return tuple(
            line.description for line in self.purchase_order_lines if isinstance(line, CommentLine)
        )


Sent: TypeAlias = NewOrder | AddedLine | LineChange
S = TypeVar("S", NewOrder, AddedLine, LineChange)

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def body_of(sent: Sent) -> str:
    """Return the JSON text of what is sent; exact numbers, always in the same order."""
    return _ENCODER.encode(sent).decode()


def read_body(body: str, kind: type[S]) -> S:
    """Read back what `body_of` wrote.

    Raises:
        msgspec.DecodeError: a field that is not on the list.
    """
    return msgspec.json.decode(body, type=kind)
