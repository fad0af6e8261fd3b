"""What stands in a cell, turned into a value of one kind, or a sentence that says why not."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from decisions.errors import CountersignError

LONGEST_CODE: Final = 50
LONGEST_TEXT: Final = 250
LARGEST: Final = Decimal(10) ** 15
"""Beyond this no plant counts, weighs or pays; such a number is a mistake of its source."""

MOST_DIGITS: Final = 38
FIRST_YEAR, LAST_YEAR = 1990, 2200
"""Systems write 1753, 1900 or 9999 where they mean that there is no date."""

EPOCHS: Final[Mapping[str, int]] = {"epoch": 1, "epoch_ms": 1000}
YES: Final = frozenset({"true", "yes", "1"})
NO: Final = frozenset({"false", "no", "0"})


class UnfitError(CountersignError):
    """A value is not what the mapping says that it is."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A cell that is known to hold no value, and why: a formula, an error of the spreadsheet."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Formats:
    """How a source writes; times without an offset need `timezone`, everything else has a default.

    `date` and `moment` are formats of `strptime`, None for ISO 8601; `moment` may also be `epoch`
    or `epoch_ms`. `units` are the source's own words for the unit codes of the ERP.
    """

    timezone: ZoneInfo | None = None
    date: str | None = None
    moment: str | None = None
    decimal: str = "."
    thousands: str = ""
    empty: frozenset[str] = frozenset({""})
    units: Mapping[str, str] = field(default_factory=dict[str, str])


def cleaned(value: object, formats: Formats) -> object:
    """Return the value without the space around it; None for what means that nothing is there.

    Raises:
        UnfitError: the cell is known to hold no value.
    """
    if isinstance(value, Unreadable):
        raise UnfitError(value.why)
    if isinstance(value, str):
        value = value.strip()
        return None if value in formats.empty else value
    return value


def as_text(value: object) -> str:
    """Read what people wrote; any space inside is one space.

    Raises:
        UnfitError: it is too long, or holds characters that do not print.
    """
    return _printable(" ".join(_written(value).split()), LONGEST_TEXT)


def as_code(value: object) -> str:
    """Read what something is called in a system; nothing in it is changed.

    Raises:
        UnfitError: it is too long, or holds characters that do not print.
    """
    return _printable(_written(value), LONGEST_CODE)


def as_number(value: object, formats: Formats) -> Decimal:
    """Read an exact number; texts as the source writes them.

    Raises:
        UnfitError: no number, an infinite one, or one that no plant has.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise UnfitError(f"{shown(value)} is no number.")
    if isinstance(value, str):
        value = _plain(value, formats)
    try:
        # A float says by its shortest text which number was meant.
        number = Decimal(str(value) if isinstance(value, float) else value)
    except (InvalidOperation, ValueError):
        raise UnfitError(f"{shown(value)} is no number.") from None
    if not number.is_finite():
        raise UnfitError(f"{number} is no finite number.")
    if number.copy_abs() >= LARGEST:
        raise UnfitError(f"{number:.3e} is larger than any number that a plant has.")
    if len(number.as_tuple().digits) > MOST_DIGITS or number.adjusted() < -MOST_DIGITS:
        raise UnfitError(f"it has more than {MOST_DIGITS} digits.")
    return number


def as_whole(value: object, formats: Formats) -> int:
    """Read a whole number.

    Raises:
        UnfitError: no number, or one with decimals.
    """
    number = as_number(value, formats)
    if number != number.to_integral_value():
        raise UnfitError(f"{number} is no whole number.")
    return int(number)


def as_flag(value: object) -> bool:
    """Read a yes or a no.

    Raises:
        UnfitError: neither.
    """
    word = str(value).casefold() if isinstance(value, bool | str | int | Decimal) else ""
    if word in YES or word in NO:
        return word in YES
    raise UnfitError(f"{shown(value)} is neither yes nor no; list it under `words`.")


def as_date(value: object, formats: Formats) -> date:
    """Read a day; of a moment, the day it is in the time zone of the source.

    Raises:
        UnfitError: no date, or one that means something else.
    """
    if isinstance(value, datetime):
        return _sane(_local(value, formats).date())
    if isinstance(value, date):
        return _sane(value)
    if not isinstance(value, str):
        raise UnfitError(f"{shown(value)} is no date.")
    try:
        if formats.date is not None:
            return _sane(_parsed(value, formats.date).date())
        if "T" in value or " " in value:
            return _sane(_local(datetime.fromisoformat(value), formats).date())
        return _sane(date.fromisoformat(value))
    except (ValueError, OverflowError):
        wanted = formats.date or "ISO 8601, such as 2026-03-31"
        raise UnfitError(f"{shown(value)} is no date; expected is {wanted}.") from None


def as_moment(value: object, formats: Formats) -> datetime:
    """Read a moment, in UTC.

    Raises:
        UnfitError: no time, one out of range, or one whose offset nobody named.
    """
    try:
        found = _moment(value, formats)
    except (ValueError, OverflowError, InvalidOperation):
        wanted = formats.moment or "ISO 8601, such as 2026-03-31T08:15:00+02:00"
        raise UnfitError(f"{shown(value)} is no time; expected is {wanted}.") from None
    _sane(found.date())
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    if formats.timezone is None:
        raise UnfitError(f"{shown(value)} has no offset, and the file names no `timezone`.")
    placed = found.replace(tzinfo=formats.timezone)
    moment = placed.astimezone(UTC)
    if moment.astimezone(formats.timezone).replace(tzinfo=None) != found:
        raise UnfitError(
            f"{shown(value)} does not exist in {formats.timezone}: the clocks were put forward."
        )
    return moment


def written_moment(moment: datetime, formats: Formats) -> str:
    """Write a moment as the source writes its own; in ISO 8601, in UTC, where it has no format."""
    if formats.moment is None:
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if formats.moment in EPOCHS:
        # Exact, where a float would lose the last digits of a millisecond.
        step = timedelta(seconds=1) / EPOCHS[formats.moment]
        return str((moment - datetime(1970, 1, 1, tzinfo=UTC)) // step)
    return moment.astimezone(formats.timezone or UTC).strftime(formats.moment)


def shown(value: object) -> str:
    """Quote a value, short enough for a sentence."""
    # Python does not write integers of thousands of digits; as decimals it does.
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        text = str(Decimal(value))
    else:
        text = repr(value)
    return text if len(text) <= LONGEST_CODE else f"{text[:LONGEST_CODE]}…"


def _moment(value: object, formats: Formats) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    if formats.moment is not None and formats.moment in EPOCHS:
        seconds = as_number(value, formats) / EPOCHS[formats.moment]
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 10**6))
    if not isinstance(value, str):
        raise UnfitError(f"{shown(value)} is no time.")
    if formats.moment is None:
        return datetime.fromisoformat(value)
    return _parsed(value, formats.moment)


def _parsed(value: str, layout: str) -> datetime:
    return datetime.strptime(value, layout)  # noqa: DTZ007  the zone of the source comes later


def _local(moment: datetime, formats: Formats) -> datetime:
    if moment.tzinfo is None:
        return moment
    if formats.timezone is None:
        raise UnfitError(
            f"{moment.isoformat()} is a time; which day it is depends on a `timezone`, and the "
            "file names none."
        )
    return moment.astimezone(formats.timezone)


def _sane(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise UnfitError(
            f"{day.isoformat()} is out of range; if it means that there is no date, list it "
            "under `empty`."
        )
    return day


def _written(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise UnfitError(f"{shown(value)} is no text.")
    number = as_number(value, Formats())
    if number != number.to_integral_value():
        raise UnfitError(f"{number} is a number with decimals where a text is expected.")
    return f"{number.to_integral_value():f}"


def _plain(text: str, formats: Formats) -> str:
    """Return a number as Python writes it; digits are grouped as declared, or not at all."""
    point, group = re.escape(formats.decimal), re.escape(formats.thousands)
    digits = rf"\d+|\d{{1,3}}(?:{group}\d{{3}})+" if group else r"\d+"
    found = re.fullmatch(rf"([+-]?)({digits})?(?:{point}(\d*))?((?:[eE][+-]?\d+)?)", text)
    if found is None:
        if text.casefold().lstrip("+-") in {"nan", "inf", "infinity"}:
            return text
        raise UnfitError(f"{shown(text)} is no number with the decimal sign {formats.decimal!r}.")
    sign, whole, decimals, exponent = found.groups(default="")
    whole = whole.replace(formats.thousands, "") if group else whole
    return f"{sign}{whole}.{decimals}{exponent}"


def _printable(text: str, longest: int) -> str:
    if len(text) > longest:
        raise UnfitError(f"it is longer than {longest} characters.")
    odd = next((one for one in text if _does_not_print(one)), None)
    if odd is not None:
        raise UnfitError(f"it holds the character U+{ord(odd):04X}, which does not print.")
    return text


def _does_not_print(one: str) -> bool:
    """Tell control characters, halves of surrogates, and signs that turn the reading around."""
    return unicodedata.category(one) in {"Cc", "Cs"} or unicodedata.bidirectional(one) in {
        *("LRE", "RLE", "LRO", "RLO", "PDF"),
        *("LRI", "RLI", "FSI", "PDI"),
    }
