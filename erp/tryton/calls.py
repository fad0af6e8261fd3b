"""The calls that may be sent, and their parameters; a field that is not here never leaves.

The text of a plan's body is the list of parameters without the context, which is added when it is
sent: it holds the company, and the time stamps by which Tryton notices somebody else's edit.
"""

from decimal import Decimal
from typing import Final, TypeAlias

import msgspec

from erp.tryton.entities import Day, Exact

CREATE: Final = "model.purchase.purchase.create"
WRITE: Final = "model.purchase.purchase.write"
CANCEL: Final = "model.purchase.purchase.cancel"
MOVE: Final = "model.stock.move.write"


class Add(msgspec.Struct, frozen=True, array_like=True, tag="add", forbid_unknown_fields=True):
    """Put records that exist into a relation."""

    ids: tuple[int, ...]


class NewLine(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A new line of a purchase."""

    product: int
    product_supplier: int | None = None
    unit: int
    quantity: Decimal
    unit_price: Exact
    taxes: tuple[Add, ...] = ()
    delivery_date_edit: bool = False
    delivery_date_store: Day | None = None
    note: str | None = None
    """Where a line that was added to a purchase carries its marker."""


class AddLines(
    msgspec.Struct, frozen=True, array_like=True, tag="create", forbid_unknown_fields=True
):
    """Make lines of a purchase that is made or changed in the same call."""

    lines: tuple[NewLine, ...]


class NewPurchase(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The only fields of a purchase that are ever sent.

    The reference is the place that people see; a vendor's own reference may be typed over it, so
    the description says the same.
    """

    company: int
    party: int
    invoice_address: int | None = None
    payment_term: int | None = None
    invoice_method: str | None = None
    currency: int
    warehouse: int | None = None
    reference: str
    description: str
    lines: tuple[AddLines, ...]

    @property
    def new_lines(self) -> tuple[NewLine, ...]:
        """Return the lines."""
        return tuple(line for made in self.lines for line in made.lines)


class Create(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Make one draft purchase."""

    purchases: tuple[NewPurchase]


class LineValues(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Another quantity of a line, or another date and the switch that says somebody set it."""

    quantity: Decimal | None = None
    delivery_date_edit: bool = False
    delivery_date_store: Day | None = None


class EditLine(
    msgspec.Struct, frozen=True, array_like=True, tag="write", forbid_unknown_fields=True
):
    """Change a line of a purchase that is changed in the same call."""

    ids: tuple[int]
    values: LineValues


class EditedLines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing of the purchase itself changes."""

    lines: tuple[EditLine | AddLines]


class Write(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change or add one line, through its purchase: so Tryton checks the stamps of both."""

    ids: tuple[int]
    values: EditedLines

    @property
    def edit(self) -> EditLine | None:
        """Return the change of a line that is there."""
        (one,) = self.values.lines
        return one if isinstance(one, EditLine) else None

    @property
    def added(self) -> NewLine | None:
        """Return the line that is added."""
        (one,) = self.values.lines
        return one.lines[0] if isinstance(one, AddLines) else None


class Cancel(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Cancel one purchase."""

    ids: tuple[int]


class MovedDate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another day on which the goods are to come."""

    planned_date: Day


class Move(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Change the date of one incoming stock move."""

    ids: tuple[int]
    values: MovedDate


Call: TypeAlias = Create | Write | Cancel | Move

KINDS: Final[dict[str, type[Call]]] = {
    CREATE: Create,
    WRITE: Write,
    CANCEL: Cancel,
    MOVE: Move,
}

_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def body_of(call: Call) -> str:
    """Return the JSON text of the parameters, always in the same order."""
    return _ENCODER.encode(call).decode()


def call_in(method: str, body: str) -> Call:
    """Read back what `body_of` wrote.

    Raises:
        msgspec.DecodeError: a method or a field that is not on the list.
    """
    kind = KINDS.get(method)
    if kind is None:
        raise msgspec.DecodeError(f"{method} is not on the list")
    return msgspec.json.decode(body, type=kind)
