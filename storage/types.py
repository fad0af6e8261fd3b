"""Column types that keep what they are given exactly, on SQLite and on PostgreSQL."""

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, TypeAlias

from sqlalchemy import BigInteger, DateTime, Dialect, LargeBinary, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from decisions.canonical import Plain, plain, utc_text

_STEPS_PER_UNIT: Final = 1_000_000
_LARGEST: Final = 2**63 - 1

# What SQLAlchemy types as the base of every column type carries no parameter that would help.
_AnyType: TypeAlias = TypeEngine[Any]


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: TIMESTAMPTZ, and on SQLite a text that sorts as the moments do."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> _AnyType:
        """Choose the column type of a database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401  text or datetime, as the driver wants it
        """Refuse a moment without a zone; write the others in UTC.

        Raises:
            ValueError: the moment has no time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone. Every moment that is kept has one.")
        return utc_text(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401  text or datetime, as the driver gives it
        """Return the moment in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromisoformat(value)
        moment: datetime = value.astimezone(UTC)
        return moment


class ExactText(TypeDecorator[str]):
    """Text as somebody sent it, kept as bytes: PostgreSQL's own text cannot hold U+0000."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Write UTF-8, lone surrogates too."""
        del dialect
        return None if value is None else value.encode("utf-8", "surrogatepass")

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ANN401  bytes or memoryview, as the driver gives it
        """Return the text."""
        del dialect
        return None if value is None else bytes(value).decode("utf-8", "surrogatepass")


class PlainJson(TypeDecorator[Plain]):
    """JSON without fractions as ASCII text, because JSONB reorders keys and refuses U+0000."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str:
        """Write JSON; None is written as null."""
        del dialect
        return json.dumps(plain(value), separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Plain:
        """Return what was written."""
        del dialect
        result: Plain = None if value is None else json.loads(value)
        return result


class SortableAmount(TypeDecorator[Decimal]):
    """An amount to sort by, as a whole number of millionths.

    SQLite has no exact number with a fraction, and amounts as text sort as text. What is shown
    and computed with stands in the document; this column only puts rows in order, so an amount
    beyond nine million million is cut to the largest one that fits.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Round to millionths."""
        del dialect
        return None if value is None else _steps_of(value)


def _steps_of(value: Decimal) -> int:
    steps = int((value * _STEPS_PER_UNIT).to_integral_value(ROUND_HALF_EVEN))
    return max(-_LARGEST, min(_LARGEST, steps))
