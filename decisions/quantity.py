"""Quantities with their unit, and conversions that refuse to guess."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, NewType, Protocol, cast

import pint

from decisions.errors import CountersignError

Unit = NewType("Unit", str)
"""A unit code as the ERP writes it, in capitals: PCS, KG, M, L, BOX."""

# ERP codes differ from the names that Pint knows; what is not listed here stands only for itself.
_PINT_NAMES = {
    "G": "gram",
    "KG": "kilogram",
    "T": "metric_ton",
    "LB": "pound",
    "MM": "millimeter",
    "CM": "centimeter",
    "M": "meter",
    "KM": "kilometer",
    "ML": "milliliter",
    "L": "liter",
    "MINUTE": "minute",
    "HOUR": "hour",
    "DAY": "day",
}


class UnitMismatchError(CountersignError):
    """A quantity cannot be expressed in another unit."""

    def __init__(self, quantity: "Quantity", unit: Unit) -> None:
        """Name the quantity and the unit asked for."""
        super().__init__(
            f"{quantity} cannot be turned into {unit}. Nothing is guessed: send it in {unit}."
        )


class _Magnitude(Protocol):
    """The part of a Pint quantity that is used here; Pint's own types do not know Decimal."""

    @property
    def magnitude(self) -> Decimal: ...

    def to(self, unit: str) -> "_Magnitude": ...


@cache
def _measure() -> Callable[[Decimal, str], _Magnitude]:
    registry = cast("Any", pint.UnitRegistry)(non_int_type=Decimal)
    return cast("Callable[[Decimal, str], _Magnitude]", registry.Quantity)


@cache
def factor_between(unit: Unit, other: Unit) -> Decimal | None:
    """Return how many of `other` make one of `unit`; None when they do not measure the same."""
    if unit == other:
        return Decimal(1)
    one, two = _PINT_NAMES.get(unit), _PINT_NAMES.get(other)
    if one is None or two is None:
        return None
    try:
        return _measure()(Decimal(1), one).to(two).magnitude
    except pint.DimensionalityError:
        return None


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact number of units."""

    value: Decimal
    unit: Unit

    def __str__(self) -> str:
        """Return number and unit, for logs and errors."""
        return f"{self.value:f} {self.unit}"

    def to(self, unit: Unit) -> "Quantity":
        """Express the same quantity in another unit.

        Raises:
            UnitMismatchError: the units do not measure the same thing, or one is not known.
        """
        factor = factor_between(self.unit, unit)
        if factor is None:
            raise UnitMismatchError(self, unit)
        return Quantity(self.value * factor, unit)
