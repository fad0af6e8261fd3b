"""Rows become facts; a row that cannot be read is kept with everything that is wrong with it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from decisions.money import Currency, Money
from decisions.quantity import Quantity, Unit
from erp.snapshot import (
    Budget,
    Consumption,
    Item,
    Location,
    Machine,
    Need,
    Origin,
    ProductionOrder,
    PurchaseLine,
    Scope,
    Stock,
    Vendor,
)
from erp.sources.mapping import (
    Field,
    FieldKind,
    Given,
    Quarantined,
    Row,
    Rows,
    ScopeMapping,
)
from erp.sources.values import (
    Formats,
    UnfitError,
    as_code,
    as_date,
    as_flag,
    as_moment,
    as_number,
    as_text,
    as_whole,
    cleaned,
    shown,
)

LONGEST_UNIT: Final = 10
UNKNOWN: Final = "unknown"

_RECORDS: Final[Mapping[Scope, Callable[..., object]]] = {
    "items": Item,
    "vendors": Vendor,
    "locations": Location,
    "stock": Stock,
    "purchase_lines": PurchaseLine,
    "production": ProductionOrder,
    "needs": Need,
    "budgets": Budget,
    "consumption": Consumption,
    "machines": Machine,
}

_LEFT_OUT: Final[Mapping[FieldKind, object]] = {"text": "", "flag": False}
"""What an optional field is where the source says nothing; otherwise None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The facts of one scope, and the rows that could not be read."""

    facts: tuple[object, ...]
    quarantined: tuple[Quarantined, ...]


def read_rows(rows: Rows, mapping: ScopeMapping, formats: Formats, *, read_at: datetime) -> Read:
    """Turn the rows of one scope into records of the snapshot."""
    facts: list[object] = []
    quarantined: list[Quarantined] = []
    for row in rows.rows:
        values, problems = _values(row, mapping, formats)
        ref = values.pop("ref", None) or row.place
        if problems:
            quarantined.append(
                Quarantined(source=rows.source, ref=str(ref), problems=tuple(problems))
            )
            continue
        entered_at = values.pop("entered_at", None) or rows.entered_at or read_at
        origin = Origin(
            source=rows.source,
            ref=str(ref),
            happened_at=_moment_or_none(values.pop("happened_at", None)),
            entered_at=_moment_or_none(entered_at) or read_at,
        )
        facts.append(_RECORDS[mapping.scope](**values, origin=origin))
    return Read(facts=tuple(facts), quarantined=tuple(quarantined))


def read_field(one: Field, values: Mapping[str, object], formats: Formats) -> object:
    """Read one field of a row; None, or what stands for nothing, where it may be left out.

    Raises:
        UnfitError: it is missing, or not what it should be.
    """
    found = _given(one.given, values, formats)
    if found is None:
        if one.wanted.required:
            raise UnfitError("is empty, and it is needed.")
        return _LEFT_OUT.get(one.wanted.kind)
    if one.words is not None:
        return _translated(one, found)
    if one.measure is None:
        return _READERS[one.wanted.kind](found, formats)
    amount = as_number(found, formats)
    measure = _given(one.measure, values, formats)
    if one.wanted.kind == "quantity":
        if measure is None:
            raise UnfitError("has no unit.")
        return Quantity(amount, _unit(measure, formats))
    if measure is None:
        raise UnfitError("has no currency.")
    return Money(amount, _currency(measure, formats))


def _values(row: Row, mapping: ScopeMapping, formats: Formats) -> tuple[dict[str, Any], list[str]]:
    if row.broken is not None:
        return {}, [row.broken]
    values: dict[str, Any] = {}
    problems: list[str] = []
    for one in mapping.fields:
        try:
            values[one.name] = read_field(one, row.values, formats)
        except UnfitError as unfit:
            problems.append(f"{_named(one)}: {unfit}")
    return values, problems


def _named(one: Field) -> str:
    column = one.given.column
    return one.name if column is None else f"{one.name} (from {column!r})"


def _given(given: Given, values: Mapping[str, object], formats: Formats) -> object:
    found = given.value if given.column is None else values.get(given.column)
    return cleaned(found, formats)


def _translated(one: Field, found: object) -> object:
    words = one.words or {}
    key = as_text(found).casefold() if not isinstance(found, bool) else str(found).casefold()
    if key in words:
        return words[key]
    if one.wanted.unknown:
        return UNKNOWN
    raise UnfitError(f"{shown(found)} is not listed under `words`.")


def _word(found: object, one: Formats) -> str:
    del one
    return as_text(found)


def _unit(found: object, formats: Formats) -> Unit:
    code = as_code(found)
    code = formats.units.get(code, code.upper())
    if len(code) > LONGEST_UNIT or not code or " " in code:
        raise UnfitError(f"{shown(code)} is no unit code; list it under [units].")
    return Unit(code)


def _currency(found: object, formats: Formats) -> Currency:
    del formats
    code = as_code(found).upper()
    if not re.fullmatch(r"[A-Z]{3}", code):
        raise UnfitError(f"{shown(found)} is no currency; expected is an ISO 4217 code.")
    return Currency(code)


def _moment_or_none(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


_READERS: Final[Mapping[FieldKind, Callable[[object, Formats], object]]] = {
    "code": lambda value, _: as_code(value),
    "text": lambda value, _: as_text(value),
    "unit": _unit,
    "number": as_number,
    "whole": as_whole,
    "flag": lambda value, _: as_flag(value),
    "date": as_date,
    "moment": as_moment,
    "currency": _currency,
    "word": _word,
}
