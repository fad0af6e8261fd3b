"""Exact amounts in one currency, and the rates that let unlike amounts be compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NewType

from decisions.errors import CountersignError

Currency = NewType("Currency", str)
"""An ISO 4217 code in capitals."""


class CurrencyMismatchError(CountersignError):
    """Two amounts of different currencies were added or compared."""

    def __init__(self, one: "Money", other: "Money") -> None:
        """Name both."""
        super().__init__(
            f"{one} and {other} are not the same currency. Convert one of them first."
        )


class NoRateError(CountersignError):
    """A currency has no configured rate."""

    def __init__(self, currency: Currency) -> None:
        """Say which and where it goes."""
        self.currency = currency
        super().__init__(
            f"There is no rate for {currency}. Add it under `rates` in the routing file."
        )


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency."""

    amount: Decimal
    currency: Currency

    def __str__(self) -> str:
        """Return the amount and the code, for logs and errors."""
        return f"{self.amount:f} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        """Add an amount in the same currency.

        Raises:
            CurrencyMismatchError: the currencies differ.
        """
        if other.currency != self.currency:
            raise CurrencyMismatchError(self, other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Take away an amount in the same currency.

        Raises:
            CurrencyMismatchError: the currencies differ.
        """
        if other.currency != self.currency:
            raise CurrencyMismatchError(self, other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: Decimal) -> "Money":
        """Multiply by a pure number."""
        return Money(self.amount * factor, self.currency)


def total(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """Add up amounts, one sum per currency, in the order of the codes."""
    sums: dict[Currency, Money] = {}
    for amount in amounts:
        known = sums.get(amount.currency)
        sums[amount.currency] = amount if known is None else known + amount
    return tuple(sums[code] for code in sorted(sums))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one unit of each currency is worth in the base currency."""

    base: Currency
    per_unit: Mapping[Currency, Decimal]

    def knows(self, currency: Currency) -> bool:
        """Tell whether amounts of this currency can be compared."""
        return currency == self.base or currency in self.per_unit

    def to_base(self, amount: Money) -> Money:
        """Convert to the base currency.

        Raises:
            NoRateError: the currency has no rate.
        """
        if amount.currency == self.base:
            return amount
        rate = self.per_unit.get(amount.currency)
        if rate is None:
            raise NoRateError(amount.currency)
        return Money(amount.amount * rate, self.base)

    def sum_in_base(self, amounts: Iterable[Money]) -> Money:
        """Convert and add up.

        Raises:
            NoRateError: a currency has no rate.
        """
        result = Money(Decimal(0), self.base)
        for amount in amounts:
            result = result + self.to_base(amount)
        return result
