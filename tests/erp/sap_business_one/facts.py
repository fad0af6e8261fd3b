"""What a reader found, as records; a test names only what it is about."""

from decimal import Decimal

from erp.sap_business_one.entities import (
    BusinessPartner,
    Document,
    DocumentLine,
    Item,
    Warehouse,
    WarehouseInfo,
)
from erp.sap_business_one.mapping import Facts

COMPANY = "SBODEMODE"


def a_vendor(**overrides):
    """Return a vendor who may be ordered from, in euros."""
    defaults = {
        "card_code": "V-2040",
        "card_name": "Nordlager GmbH",
        "card_type": "cSupplier",
        "currency": "EUR",
        "valid": "tYES",
        "frozen": "tNO",
    }
    return BusinessPartner(**defaults | overrides)


def an_item(**overrides):
    """Return the bearing, twelve in stock and five ordered."""
    defaults = {
        "item_code": "1000-B6204",
        "item_name": "Deep groove bearing 6204",
        "inventory_uom": "pcs",
        "uom_group_entry": -1,
        "valid": "tYES",
        "frozen": "tNO",
        "quantity_on_stock": Decimal(12),
        "avg_std_price": Decimal("30.10"),
        "warehouses": (
            WarehouseInfo(warehouse_code="MAIN", in_stock=Decimal(12), ordered=Decimal(5)),
        ),
    }
    return Item(**defaults | overrides)


def some_facts(**overrides):
    """Return everything that an order of bearings needs."""
    defaults = {
        "vendor": a_vendor(),
        "local_currency": "EUR",
        "items": {"1000-B6204": an_item()},
        "warehouses": {"MAIN": Warehouse(warehouse_code="MAIN", inactive="tNO")},
        "on_order": {"1000-B6204": Decimal(5)},
    }
    return Facts(**defaults | overrides)


def a_draft_line(**overrides):
    """Return forty bearings at 31.25, due on the ninth."""
    defaults = {
        "line_num": 0,
        "item_code": "1000-B6204",
        "item_description": "Deep groove bearing 6204",
        "quantity": Decimal(40),
        "measure_unit": "pcs",
        "inventory_quantity": Decimal(40),
        "unit_price": Decimal("31.25"),
        "line_total": Decimal("1250.00"),
        "warehouse_code": "MAIN",
        "ship_date": "2026-03-09",
    }
    return DocumentLine(**defaults | overrides)


def a_draft(**overrides):
    """Return an open draft of an order of bearings."""
    defaults = {
        "doc_entry": 12,
        "doc_num": 1200,
        "doc_object_code": "oPurchaseOrders",
        "card_code": "V-2040",
        "card_name": "Nordlager GmbH",
        "doc_currency": "EUR",
        "document_status": "bost_Open",
        "authorization_status": "dasWithout",
        "doc_total": Decimal("1487.50"),
        "vat_sum": Decimal("237.50"),
        "document_lines": (a_draft_line(),),
    }
    return Document(**defaults | overrides)
