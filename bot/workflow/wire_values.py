"""The values on the wire: text, exact numbers, moments and days, each refused in plain words."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Final

from babel.numbers import list_currencies
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from decisions.canonical import decimal_text

WHOLE_DIGITS: Final = 15
"""Digits before the point; what is larger is a mistake, and JSON numbers end near here."""

DECIMALS: Final = 10

_FINEST: Final = Decimal(1).scaleb(-DECIMALS)
_LARGEST_LINE: Final = 2**31 - 1
_YEARS: Final = range(1970, 2200)
_NO_CURRENCIES: Final = frozenset({"XTS", "XXX"})
"""ISO 4217 reserves these for tests and for "no currency"."""

_NUMBER: Final = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?"
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?"
    r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

# Control characters, and those that make the rest of a line read in another order than it is.
_UNREADABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_UNREADABLE_IN_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

PROBLEM: Final = "problem"
"""The type of the errors that are worded here."""


def problem(what: str) -> PydanticCustomError:
    """Return an error whose message is a sentence for the sender."""
    return PydanticCustomError(PROBLEM, "{what}", {"what": what})


def _refuse_unreadable(value: str, unreadable: re.Pattern[str]) -> str:
    found = unreadable.search(value)
    if found:
        code = f"U+{ord(found.group()):04X}"
        raise problem(f"holds the control character {code}; only readable text is kept.")
    return value


def _one_line(value: str) -> str:
    return _refuse_unreadable(value, _UNREADABLE)


def _some_lines(value: str) -> str:
    return _refuse_unreadable(value.replace("\r\n", "\n"), _UNREADABLE_IN_TEXT)


def is_clean_line(value: object, longest: int) -> bool:
    """Tell whether a value is text that could be kept as it is on one line."""
    return (
        isinstance(value, str)
        and 0 < len(value.strip()) <= longest
        and not _UNREADABLE.search(value)
        and not any("\ud800" <= letter <= "\udfff" for letter in value)
    )


def exact(value: object) -> Decimal:
    """Return a number exactly as it was written, as text or as a JSON number.

    Raises:
        PydanticCustomError: it is no number, or longer than what is kept.
    """
    number = _number(value)
    if number is None or not number.is_finite():
        raise problem('is not a number that can be kept; write it as 12.5 or as "12.5".')
    if number.adjusted() >= WHOLE_DIGITS:
        raise problem(f"is too large; at most {WHOLE_DIGITS} digits stand before the point.")
    kept = number.quantize(_FINEST)
    if kept != number:
        raise problem(f"is too fine; at most {DECIMALS} digits stand behind the point.")
    # Unary plus takes the sign off a negative zero.
    return +(number if -int(number.as_tuple().exponent) <= DECIMALS else kept)


def _number(value: object) -> Decimal | None:
    match value:
        case bool():
            return None
        case int():
            return Decimal(value)
        case Decimal():
            return value
        case str() if re.fullmatch(_NUMBER, value.strip()):
            return Decimal(value.strip())
        case _:
            return None


def _not_negative(value: object) -> Decimal:
    number = exact(value)
    if number < 0:
        raise problem("is below zero.")
    return number


def _positive(value: object) -> Decimal:
    number = exact(value)
    if number <= 0:
        raise problem("is not above zero.")
    return number


def _probability(value: object) -> Decimal:
    number = exact(value)
    if not 0 <= number <= 1:
        raise problem("is not between 0 and 1.")
    return number


def _line_number(value: object) -> int:
    number = exact(value)
    if number != number.to_integral_value() or not 0 <= number <= _LARGEST_LINE:
        raise problem("is not a line number such as 10000.")
    return int(number)


def _fact_value(value: object) -> object:
    return decimal_text(exact(value)) if isinstance(value, int | Decimal) else value


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies()) - _NO_CURRENCIES


def _currency(value: str) -> str:
    if value in _currencies():
        return value
    if value.upper() in _currencies():
        raise problem(f"is not in capitals; write {value.upper()}.")
    raise problem("is not an ISO 4217 currency code such as EUR.")


def _moment(value: object) -> datetime:
    text = value.strip().upper() if isinstance(value, str) else ""
    shape = _MOMENT.fullmatch(text)
    if shape is None:
        raise problem("is not a time such as 2026-03-02T10:00:00+01:00.")
    if not shape["offset"]:
        raise problem("has no UTC offset; end it with Z or with one such as +01:00.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise problem("is not a time that exists.") from None
    if moment.year not in _YEARS:
        raise problem(f"is not between {_YEARS.start} and {_YEARS.stop - 1}.")
    return moment.astimezone(UTC)


def _day(value: object) -> date:
    text = value.strip() if isinstance(value, str) else ""
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        raise problem("is not a day that exists.") from None
    raise problem("is not a day such as 2026-03-09.")


def _number_schema(**bounds: int) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^{_NUMBER}$"},
                {"type": "number", **bounds},
            ]
        }
    )


_TRIMMED: Final = StringConstraints(strict=True, strip_whitespace=True, min_length=1)

Code = Annotated[str, _TRIMMED, Field(max_length=50), AfterValidator(_one_line)]
"""A number or word of the ERP: an item, a vendor, a document, a location."""

UnitCode = Annotated[str, _TRIMMED, Field(max_length=20), AfterValidator(_one_line)]
Word = Annotated[str, _TRIMMED, Field(max_length=100), AfterValidator(_one_line)]
Line = Annotated[str, _TRIMMED, Field(max_length=200), AfterValidator(_one_line)]
Sentences = Annotated[str, _TRIMMED, Field(max_length=1000), AfterValidator(_some_lines)]
Pages = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, max_length=10_000),
    AfterValidator(_some_lines),
]
CurrencyCode = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True),
    AfterValidator(_currency),
    Field(
        description="An ISO 4217 code in capitals.", json_schema_extra={"pattern": "^[A-Z]{3}$"}
    ),
]
FactValue = Annotated[
    str,
    _TRIMMED,
    Field(max_length=200),
    AfterValidator(_one_line),
    BeforeValidator(_fact_value),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": 200}, {"type": "number"}]}),
]
Amount = Annotated[Decimal, PlainValidator(_not_negative), _number_schema(minimum=0)]
Positive = Annotated[Decimal, PlainValidator(_positive), _number_schema(exclusiveMinimum=0)]
Probability = Annotated[
    Decimal, PlainValidator(_probability), _number_schema(minimum=0, maximum=1)
]
LineNumber = Annotated[
    int, PlainValidator(_line_number), WithJsonSchema({"type": "integer", "minimum": 0})
]
Moment = Annotated[
    datetime, PlainValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Day = Annotated[date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
