"""What a reader found, as records; a test names only what it is about."""

from decimal import Decimal
from uuid import UUID

from erp.business_central.entities import Item, Location, Vendor
from erp.business_central.mapping import Facts

COMPANY = "c0ffee00-0000-4000-8000-00000000c0de"
MAIN = UUID("10ca0000-0000-4000-8000-000000000001")


def a_vendor(**overrides):
    """Return a vendor who may be ordered from, in euros."""
    defaults = {
        "number": "V-2040",
        "display_name": "Nordlager GmbH",
        "currency_code": "EUR",
        "blocked": "_x0020_",
    }
    return Vendor(**defaults | overrides)


def an_item(**overrides):
    """Return the bearing, twelve in stock."""
    defaults = {
        "number": "1000-B6204",
        "display_name": "Deep groove bearing 6204",
        "blocked": False,
        "inventory": Decimal(12),
        "unit_cost": Decimal("30.10"),
        "base_unit_of_measure_code": "PCS",
    }
    return Item(**defaults | overrides)


def some_facts(**overrides):
    """Return everything that an order of bearings needs."""
    defaults = {
        "vendor": a_vendor(),
        "local_currency": "",
        "items": {"1000-B6204": an_item()},
        "locations": {"MAIN": Location(id=MAIN, code="MAIN")},
        "on_order": {"1000-B6204": Decimal(5)},
    }
    return Facts(**defaults | overrides)
