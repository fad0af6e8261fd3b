"""Records as JSON text and back, exactly: nothing is rounded, guessed or coerced.

The steps are compiled once from the type hints of a record, so that a document holds exactly its
fields; a record that says IS_PART reads its own out of a larger document. Pydantic and msgspec
are not used here: a value that is `str | Money | Quantity | date` comes back from them as another
type when a text looks like a date, or is refused.
"""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Final, Generic, Literal, NewType, TypeVar, Union, get_args, get_origin
from typing import get_type_hints as hints_of

T = TypeVar("T")

_Step = Callable[[Any], Any]

_MICROSECOND: Final = timedelta(microseconds=1)
_dump: Final = json.JSONEncoder(separators=(",", ":")).encode


def _same(value: object) -> object:
    return value


def _moment_text(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone. Every moment that is kept has one.")
    return moment.astimezone(UTC).isoformat()


_LEAVES: Final[dict[object, tuple[_Step, _Step]]] = {
    str: (_same, _same),
    int: (_same, _same),
    bool: (_same, _same),
    NoneType: (_same, _same),
    Decimal: (str, Decimal),
    datetime: (_moment_text, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    timedelta: (lambda span: span // _MICROSECOND, lambda count: count * _MICROSECOND),
}


@cache
def _steps(kind: object) -> tuple[_Step, _Step]:
    """Return how a type is written and how it is read."""
    if isinstance(kind, NewType):
        return _steps(kind.__supertype__)
    if kind in _LEAVES:
        return _LEAVES[kind]
    if get_origin(kind) is not None:
        return _generic_steps(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        return _record_steps(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return attrgetter("value"), kind
    raise _no_form(kind)


def _generic_steps(kind: object) -> tuple[_Step, _Step]:
    origin = get_origin(kind)
    if origin is Literal:
        return _same, _same
    if origin is tuple:
        return _tuple_steps(get_args(kind))
    if origin in (Union, UnionType):
        return _union_steps(get_args(kind))
    raise _no_form(kind)


def _no_form(kind: object) -> TypeError:
    return TypeError(f"{kind} has no form on disk. Give it one in storage/codec.py.")


def _tuple_steps(items: tuple[Any, ...]) -> tuple[_Step, _Step]:
    if len(items) == 2 and items[1] is Ellipsis:  # noqa: PLR2004  tuple[X, ...] has two arguments
        write, read = _steps(items[0])
        return (
            lambda values: [write(value) for value in values],
            lambda values: tuple([read(value) for value in values]),
        )
    writes, reads = zip(*(_steps(item) for item in items), strict=True)
    return (
        lambda values: [step(value) for step, value in zip(writes, values, strict=True)],
        lambda values: tuple(step(value) for step, value in zip(reads, values, strict=True)),
    )


def _union_steps(members: tuple[Any, ...]) -> tuple[_Step, _Step]:
    some = [member for member in members if member is not NoneType]
    if len(some) == 1:
        return _optional_steps(some[0])
    if all(is_dataclass(member) and "kind" in hints_of(member) for member in some):
        return _steps_by_kind(some)
    return _tagged_steps(some)


def _optional_steps(member: object) -> tuple[_Step, _Step]:
    write, read = _steps(member)
    if write is _same and read is _same:
        return _same, _same
    return (
        lambda value: None if value is None else write(value),
        lambda value: None if value is None else read(value),
    )


def _steps_by_kind(members: list[Any]) -> tuple[_Step, _Step]:
    """Tell records apart by their own field `kind`."""
    writes = {member: _steps(member)[0] for member in members}
    reads = {get_args(hints_of(member)["kind"])[0]: _steps(member)[1] for member in members}
    return (
        lambda value: writes[type(value)](value),
        lambda value: reads[value["kind"]](value),
    )


def _tagged_steps(members: list[Any]) -> tuple[_Step, _Step]:
    """Tell values apart by the name of their type; a text and nothing stand for themselves."""
    writes = {member: _steps(member)[0] for member in members if member is not str}
    reads = {member.__name__: _steps(member)[1] for member in members if member is not str}

    def write(value: object) -> object:
        if value is None or type(value) is str:
            return value
        return {type(value).__name__: writes[type(value)](value)}

    def read(value: str | dict[str, object] | None) -> object:
        if not isinstance(value, dict):
            return value
        ((name, inner),) = value.items()
        return reads[name](inner)

    return write, read


def _record_steps(record: type[Any]) -> tuple[_Step, _Step]:
    hints = hints_of(record)
    names = tuple(field.name for field in fields(record))
    steps = {name: _steps(hints[name]) for name in names}
    writes = [(name, write) for name, (write, _) in steps.items() if write is not _same]
    reads = [(name, read) for name, (_, read) in steps.items() if read is not _same]
    values_of = attrgetter(*names)
    is_part = getattr(record, "IS_PART", False)

    def write(value: object) -> dict[str, object]:
        found = values_of(value) if len(names) > 1 else (values_of(value),)
        document = dict(zip(names, found, strict=True))
        for name, step in writes:
            document[name] = step(document[name])
        return document

    def read(document: dict[str, Any]) -> object:
        if is_part:
            document = {name: document[name] for name in names if name in document}
        # A field that a document does not have yet takes its default.
        for name, step in reads:
            if name in document:
                document[name] = step(document[name])
        return record(**document)

    return write, read


class Codec(Generic[T]):
    """Writes and reads one type of record."""

    def __init__(self, record: type[T]) -> None:
        """Compile the steps for a record.

        Raises:
            TypeError: a field has a type that has no form on disk.
        """
        self._write, self._read = _record_steps(record)

    def encode(self, record: T) -> str:
        """Return the record as JSON text; only ASCII, so that every database takes it.

        Raises:
            ValueError: a moment without a time zone.
        """
        return _dump(self._write(record))

    def decode(self, text: str) -> T:
        """Return the record that was encoded."""
        record: T = self._read(json.loads(text))
        return record
