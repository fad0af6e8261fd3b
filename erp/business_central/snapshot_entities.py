"""What wide reads ask of Business Central; the fields of each row are what its `$select` names.

Columns of the queries: microsoft/BCApps, Apps/W1/PowerBIReports and Apps/W1/APIReportsFinance.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from erp.business_central.entities import NO_DATE, NO_ID

NO_YEAR: Final = 1
"""The year of a moment that is blank."""


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A row of something."""


def columns(row: type[Row]) -> str:
    """Return a row's fields as `$select` names them."""
    return ",".join(field.encode_name for field in msgspec.structs.fields(row))


class ItemRow(Row, frozen=True, kw_only=True):
    """An item; `inventory` is the sum over all locations."""

    number: str
    display_name: str
    type: str = ""
    blocked: bool
    inventory: Decimal
    unit_cost: Decimal
    base_unit_of_measure_code: str
    last_modified_date_time: datetime | None = None


class VendorRow(Row, frozen=True, kw_only=True):
    """A vendor; a blank currency is the company's own."""

    number: str
    display_name: str
    email: str = ""
    currency_code: str
    blocked: str
    last_modified_date_time: datetime | None = None


class LocationRow(Row, frozen=True, kw_only=True):
    """A place where stock lies."""

    id: UUID
    code: str
    display_name: str
    last_modified_date_time: datetime | None = None


class CompanyRow(Row, frozen=True, kw_only=True):
    """The company itself."""

    currency_code: str


class OrderLineRow(Row, frozen=True, kw_only=True):
    """A line of a purchase order, in the unit that it was ordered in."""

    sequence: int
    line_type: str
    line_object_number: str
    unit_of_measure_code: str
    quantity: Decimal
    received_quantity: Decimal
    direct_unit_cost: Decimal
    expected_receipt_date: date = NO_DATE
    location_id: UUID = NO_ID


class OrderRow(Row, frozen=True, kw_only=True):
    """The header of a purchase order."""

    number: str
    vendor_number: str
    currency_code: str
    status: str
    last_modified_date_time: datetime | None = None


class OrderWithLines(OrderRow, frozen=True, kw_only=True):
    """A purchase order with its lines."""

    purchase_order_lines: tuple[OrderLineRow, ...]


class LedgerRow(Row, frozen=True, kw_only=True):
    """An item ledger entry of which something is left, in the item's base unit."""

    item_no: str
    location_code: str
    remaining_quantity: Decimal


class OutstandingRow(Row, frozen=True, kw_only=True):
    """What is still to come of an item on a purchase order, in its base unit.

    Orders and return orders; a row has no line number and may stand for several lines.
    """

    document_no: str
    document_type: str
    buy_from_vendor_no: str
    item_no: str
    outstanding_qty_base: Decimal
    expected_receipt_date: date
    location_code: str
    unit_of_measure_code: str
    qty_per_unit_of_measure: Decimal


class ProductionRow(Row, frozen=True, kw_only=True):
    """A production order; what is made is an item, or a family, or what a sales order says."""

    status: str
    no: str
    source_type: str
    source_no: str
    starting_date: date
    due_date: date
    quantity: Decimal


class SalesRow(Row, frozen=True, kw_only=True):
    """What is still to be shipped, in the item's base unit; orders and return orders."""

    document_no: str
    document_type: str
    item_no: str
    outstanding_qty_base: Decimal
    shipment_date: date
    location_code: str


class ComponentRow(Row, frozen=True, kw_only=True):
    """What a production order still wants, in the item's base unit."""

    document_no: str
    item_no: str
    location_code: str
    remaining_qty_base: Decimal
    due_date: date


class FinanceBudgetRow(Row, frozen=True, kw_only=True):
    """A budget entry as API Reports - Finance has it."""

    budget_name: str
    account_no: str
    date: date
    amount: Decimal
    last_modified_date_time: datetime | None = None


class AnalyticsBudgetRow(Row, frozen=True, kw_only=True):
    """A budget entry as the Power BI app has it, perhaps cut by its date filter."""

    budget_name: str
    gl_account_no: str
    budget_date: date
    budget_amount: Decimal
