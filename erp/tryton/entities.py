"""What Tryton sends and takes, as far as we use it; other fields are left unread.

Field names are those of the models of Tryton 8.2. A name that ends with a dot is a record behind
a reference, and is asked for field by field.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final, get_args

import msgspec


class Exact(msgspec.Struct, frozen=True, tag_field="__class__", tag="Decimal"):
    """An exact number; a quantity is none, and travels as a plain number."""

    decimal: str

    @property
    def value(self) -> Decimal:
        """Return the number."""
        return Decimal(self.decimal)


class Day(msgspec.Struct, frozen=True, tag_field="__class__", tag="date"):
    """A date without a time."""

    year: int
    month: int
    day: int

    @property
    def value(self) -> date:
        """Return the date."""
        return date(self.year, self.month, self.day)

    @classmethod
    def of(cls, day: date) -> "Day":
        """Return the date as Tryton takes it."""
        return cls(day.year, day.month, day.day)


class Moment(msgspec.Struct, frozen=True, tag_field="__class__", tag="datetime"):
    """A moment, in UTC without saying so."""

    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int = 0

    @property
    def value(self) -> datetime:
        """Return the moment, with its zone."""
        return datetime(
            self.year,
            self.month,
            self.day,
            self.hour,
            self.minute,
            self.second,
            self.microsecond,
            tzinfo=UTC,
        )

    @classmethod
    def of(cls, moment: datetime) -> "Moment":
        """Return the moment as Tryton takes it."""
        utc = moment.astimezone(UTC)
        return cls(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, utc.microsecond)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that Tryton keeps; the id comes with every answer."""

    id: int


class Kept(Record, frozen=True, kw_only=True):
    """A record of which we want to know when it changed."""

    create_date: Moment
    write_date: Moment | None

    @property
    def changed(self) -> datetime:
        """Return when it was entered or changed last."""
        return (self.write_date or self.create_date).value


class Coded(Record, frozen=True, kw_only=True):
    """A record that people know by a code."""

    code: str | None


class Named(Coded, frozen=True, kw_only=True):
    """A record with a code and a name."""

    name: str | None


class Unit(Record, frozen=True, kw_only=True):
    """A unit; a quantity in it has so many decimal places."""

    symbol: str
    digits: int


class Currency(Record, frozen=True, kw_only=True):
    """A currency, and the smallest coin that amounts are rounded to."""

    code: str
    rounding: Exact


class CompanyParty(Record, frozen=True, kw_only=True):
    """What the company is called."""

    name: str | None


class Company(Record, frozen=True, kw_only=True):
    """The company that everything happens in."""

    party: CompanyParty = msgspec.field(name="party.")
    currency: Currency = msgspec.field(name="currency.")


class Party(Kept, frozen=True, kw_only=True):
    """A vendor, or somebody else; without a currency of its own it is the company's."""

    code: str
    name: str | None
    active: bool | int
    email: str | None
    supplier_currency: Currency | None = msgspec.field(name="supplier_currency.")


class Product(Kept, frozen=True, kw_only=True):
    """An item; the cost is for one of its unit, in the company's currency."""

    code: str | None
    name: str | None
    active: bool | int
    purchasable: bool | int | None
    cost_price: Exact | None
    default_uom: Unit = msgspec.field(name="default_uom.")


class Warehouse(Kept, frozen=True, kw_only=True):
    """A warehouse with its zones; stock in any of them lies there."""

    code: str | None
    name: str | None


class OnHand(Record, frozen=True, kw_only=True):
    """How much of a product lies in the places asked for."""

    quantity: Decimal


class Incoming(Record, frozen=True, kw_only=True):
    """A stock move that a line of a released purchase made."""

    state: str
    quantity: Decimal
    planned_date: Day | None
    shipment: str | None
    timestamp: str = msgspec.field(name="_timestamp")
    unit: Unit = msgspec.field(name="unit.")

    @property
    def still_to_come(self) -> bool:
        """Tell whether it is neither done nor cancelled."""
        return self.state not in {"done", "cancelled"}


class Line(Record, frozen=True, kw_only=True):
    """A line of a purchase; one of another type than `line` only says something."""

    type: str
    note: str | None
    quantity: Decimal | None
    unit_price: Exact | None
    amount: Exact | None
    delivery_date: Day | None
    timestamp: str = msgspec.field(name="_timestamp")
    product: Named | None = msgspec.field(name="product.")
    unit: Unit | None = msgspec.field(name="unit.")
    moves: tuple[Incoming, ...] = msgspec.field(name="moves.")

    @property
    def subject(self) -> str:
        """Return the item as people know it."""
        if self.product is None:
            return f"line {self.id}"
        return f"{self.product.code or ''} {self.product.name or ''}".strip()

    @property
    def incoming(self) -> tuple[Incoming, ...]:
        """Return the moves that are still to come."""
        return tuple(move for move in self.moves if move.still_to_come)


class Purchase(Record, frozen=True, kw_only=True):
    """A purchase as it stands; it has no number before it was quoted."""

    number: str | None
    reference: str | None
    description: str | None
    state: str
    untaxed_amount: Exact
    timestamp: str = msgspec.field(name="_timestamp")
    party: Named = msgspec.field(name="party.")
    currency: Currency = msgspec.field(name="currency.")
    warehouse: Coded | None = msgspec.field(name="warehouse.")
    lines: tuple[Line, ...] = msgspec.field(name="lines.")

    @property
    def document(self) -> str:
        """Return its number, or its id in brackets as Tryton itself shows it."""
        return self.number or self.first_name

    @property
    def first_name(self) -> str:
        """Return what it was called as a new draft; what carries a mark of ours keeps this name.

        Its number comes when somebody quotes it, and would look like another document.
        """
        return f"({self.id})"

    @property
    def item_lines(self) -> tuple[Line, ...]:
        """Return the lines that order something, oldest first."""
        ordering = (line for line in self.lines if line.type == "line")
        return tuple(sorted(ordering, key=lambda line: line.id))


class OpenOrder(Record, frozen=True, kw_only=True):
    """The purchase that an open line belongs to."""

    number: str | None
    state: str
    party: Coded = msgspec.field(name="party.")
    currency: Currency = msgspec.field(name="currency.")
    warehouse: Coded | None = msgspec.field(name="warehouse.")


class OpenLine(Kept, frozen=True, kw_only=True):
    """A line of a purchase of which something may still be to come."""

    quantity: Decimal | None
    unit_price: Exact | None
    delivery_date: Day | None
    product: Coded | None = msgspec.field(name="product.")
    unit: Unit | None = msgspec.field(name="unit.")
    moves: tuple[Incoming, ...] = msgspec.field(name="moves.")
    purchase: OpenOrder = msgspec.field(name="purchase.")


class Input(Record, frozen=True, kw_only=True):
    """What a production takes from stock."""

    state: str
    quantity: Decimal
    planned_date: Day | None
    product: Coded = msgspec.field(name="product.")
    unit: Unit = msgspec.field(name="unit.")


class Production(Kept, frozen=True, kw_only=True):
    """Something that is to be made, and what goes into it."""

    number: str | None
    state: str
    quantity: Decimal | None
    planned_date: Day | None
    planned_start_date: Day | None
    product: Coded | None = msgspec.field(name="product.")
    unit: Unit | None = msgspec.field(name="unit.")
    warehouse: Coded | None = msgspec.field(name="warehouse.")
    inputs: tuple[Input, ...] = msgspec.field(name="inputs.")


class HeaderDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What Tryton fills in when somebody chooses a vendor."""

    invoice_address: int | None = None
    payment_term: int | None = None
    invoice_method: str | None = None


class _Tax(msgspec.Struct, frozen=True):
    id: int


class _Taxes(msgspec.Struct, frozen=True):
    add: tuple[tuple[int, _Tax], ...] = ()


class LineDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What Tryton fills in when somebody chooses a product."""

    product_supplier: int | None = None
    taxes: _Taxes = _Taxes()

    @property
    def tax_ids(self) -> tuple[int, ...]:
        """Return the taxes, by id, always in the same order."""
        return tuple(sorted(tax.id for _, tax in self.taxes.add))


ALL: Final = ["active", "in", [True, False]]
"""Of a search: also what was put out of use, which Tryton leaves out otherwise."""


def fields_of(kind: type[msgspec.Struct]) -> list[str]:
    """Return the names to ask for, so that an answer fits the record."""
    return list(_fields(kind))


def _fields(kind: type[msgspec.Struct]) -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        name = field.encode_name
        if name.endswith("."):
            for inner in _structs(field.type):
                yield from (name + below for below in _fields(inner))
        elif name != "id":
            yield name


def _structs(kind: object) -> Iterator[type[msgspec.Struct]]:
    """Return the records inside a type such as `tuple[Line, ...]` or `Unit | None`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    else:
        for inner in get_args(kind):
            yield from _structs(inner)
