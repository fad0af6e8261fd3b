"""What the plant buys and from whom, from the two CSV files beside it."""

import csv
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from erp.standin.store import Entity

LOCATIONS: Final = {
    "GDN-RAW": "Gdańsk, raw material",
    "GDN-FIN": "Gdańsk, finished goods",
    "LEJ-RAW": "Leipzig, Rohmaterial",
    "LEJ-FIN": "Leipzig, Fertigware",
}
_NAMES: Final = uuid.UUID("6f0a4a6c-7d0e-4b8a-8e1c-0d6a5b9f2c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor; the currency is empty where it is the company's own."""

    number: str
    name: str
    email: str
    currency: str
    lead_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item with the planning parameters that Business Central's API does not have."""

    number: str
    name: str
    unit: str
    unit_cost: Decimal
    category: str
    vendor: str
    reorder_point: int
    stock: dict[str, int]
    daily_use: int


def identity(*parts: str) -> str:
    """Return the same id for the same thing on every machine."""
    return str(uuid.uuid5(_NAMES, "/".join(parts)))


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files(__package__ or "").joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


@cache
def vendors() -> dict[str, Vendor]:
    """Return the vendors by number."""
    return {
        row["number"]: Vendor(
            number=row["number"],
            name=row["name"],
            email=row["email"],
            currency=row["currency"],
            lead_days=int(row["lead_days"]),
        )
        for row in _rows("vendors.csv")
    }


@cache
def items() -> dict[str, Item]:
    """Return the items by number."""
    return {
        row["number"]: Item(
            number=row["number"],
            name=row["name"],
            unit=row["unit"],
            unit_cost=Decimal(row["unit_cost"]),
            category=row["category"],
            vendor=row["vendor"],
            reorder_point=int(row["reorder_point"]),
            stock={"GDN": int(row["stock_gdn"]), "LEJ": int(row["stock_lej"])},
            daily_use=int(row["daily_use"]),
        )
        for row in _rows("items.csv")
    }


def entity(kind: str, name: str, **fields: object) -> Entity:
    """Return something of the plant with the id that it always has."""
    return {"id": identity(kind, name)} | fields
