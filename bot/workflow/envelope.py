"""What arrives: JSON text taken apart into single items, each with its exact wording.

An item may come in a CloudEvents 1.0 envelope.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn, TypeAlias, cast

from decisions.canonical import Plain, decimal_text
from decisions.errors import CountersignError
from decisions.normalise import Problem

MAX_ITEMS: Final = 1000
"""Recommendations that are taken in one request."""

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_LIST_INSIDE: Final = re.compile(r'[ \t\n\r]*\{[ \t\n\r]*"recommendations"[ \t\n\r]*:[ \t\n\r]*\[')
_LONGEST_INT: Final = 19
"""Digits up to which a whole number is read as one; what is longer is refused later anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One item as it was sent: its exact text, and the JSON in it."""

    text: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """A request that holds a single item."""

    item: Incoming


@dataclass(frozen=True, slots=True, kw_only=True)
class Several:
    """A request that holds a list of items."""

    items: tuple[Incoming, ...]


Request: TypeAlias = One | Several


class NotJsonError(CountersignError):
    """A body is not JSON, so that not even its items can be told apart."""

    def __init__(self, why: str) -> None:
        """Say where reading stopped."""
        super().__init__(f"The body is not JSON: {why}. Nothing of it was kept.")


class BadCountError(CountersignError):
    """A list with no item, or with too many."""

    def __init__(self) -> None:
        """Say how many are taken."""
        super().__init__(
            f"Send from 1 to {MAX_ITEMS:,} recommendations in one request. Nothing was kept."
        )


class MixedListError(CountersignError):
    """A list of recommendations with something else beside it."""

    def __init__(self) -> None:
        """Say what it should look like."""
        super().__init__(
            'An object with "recommendations" holds that list and nothing else. '
            "Nothing of it was kept."
        )


def _fraction(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent that no number has; the field it stands in refuses it by name.
        return Decimal("NaN")


def _whole(text: str) -> int | Decimal:
    return int(text) if len(text) <= _LONGEST_INT else Decimal(text)


def _no_constant(name: str) -> NoReturn:
    raise NotJsonError(f"{name} is not a JSON value")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object; one that names a field twice means two things to two readers."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotJsonError("an object names the same field twice")
    return found


_JSON: Final = json.JSONDecoder(
    parse_float=_fraction,
    parse_int=_whole,
    parse_constant=_no_constant,
    object_pairs_hook=_object,
)


def read_request(body: bytes) -> Request:
    """Take a body apart: one item, a list of them, or a list under "recommendations".

    Raises:
        NotJsonError: it is not JSON in UTF-8, or nested beyond all reason.
        BadCountError: the list is empty or too long.
        MixedListError: something else stands beside the list.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotJsonError(f"byte {error.start} is not UTF-8") from None
    try:
        return _request(text)
    except json.JSONDecodeError as error:
        raise NotJsonError(f"{error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise NotJsonError("it is nested too deeply") from None


def read_item(text: str) -> Incoming:
    """Read one item that was kept as it was sent.

    Raises:
        NotJsonError: it is not JSON.
    """
    match read_request(text.encode()):
        case One(item=item):
            return item
        case Several():
            raise NotJsonError("it is a list")


def _request(text: str) -> Request:
    start = _behind_blank(text, 0)
    if text.startswith("[", start):
        items, end = _items(text, start + 1)
        _nothing_more(text, end)
        return Several(items=items)
    inside = _LIST_INSIDE.match(text)
    if inside:
        items, end = _items(text, inside.end())
        end = _behind_blank(text, end)
        if not text.startswith("}", end):
            raise MixedListError
        _nothing_more(text, end + 1)
        return Several(items=items)
    value, end = _one(text, start)
    _nothing_more(text, end)
    if "recommendations" in (fields_of(value) or ()):
        raise MixedListError
    return One(item=Incoming(text=text[start:end], value=value))


def _items(text: str, at: int) -> tuple[tuple[Incoming, ...], int]:
    """Return the items of the list that begins before `at`, and where it ends."""
    items: list[Incoming] = []
    at = _behind_blank(text, at)
    if text.startswith("]", at):
        raise BadCountError
    while len(items) < MAX_ITEMS:
        value, end = _one(text, at)
        items.append(Incoming(text=text[at:end], value=value))
        at = _behind_blank(text, end)
        if text.startswith("]", at):
            return tuple(items), at + 1
        if not text.startswith(",", at):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
        at = _behind_blank(text, at + 1)
    raise BadCountError


def _one(text: str, at: int) -> tuple[object, int]:
    found: tuple[object, int] = _JSON.raw_decode(text, at)
    return found


def _behind_blank(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _nothing_more(text: str, at: int) -> None:
    end = _behind_blank(text, at)
    if end != len(text):
        raise json.JSONDecodeError("Extra data", text, end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What lay in an envelope; `prefix` is where it lay, as a JSON Pointer."""

    content: object
    prefix: str
    problems: tuple[Problem, ...]


def opened(value: object) -> Letter:
    """Take an item out of its CloudEvents envelope, if it came in one."""
    event = fields_of(value)
    if event is None or "specversion" not in event:
        return Letter(content=value, prefix="", problems=())
    content = event.get("data")
    data = fields_of(content)
    if data is not None:
        # What tells events apart tells recommendations apart too, unless they have ids of theirs.
        content = data if data.get("id") is not None else {**data, "id": event.get("id")}
    return Letter(content=content, prefix="/data", problems=tuple(_envelope_problems(event)))


def _envelope_problems(event: Mapping[str, object]) -> Iterator[Problem]:
    if event["specversion"] != "1.0":
        yield Problem(path="/specversion", what='is not "1.0", the version that is read here.')
    for name in ("id", "source", "type"):
        value = event.get(name)
        if not isinstance(value, str) or not value:
            yield Problem(path=f"/{name}", what="is missing; CloudEvents 1.0 requires it as text.")
    if "data" not in event:
        hint = " (data_base64 is not read)" if "data_base64" in event else ""
        yield Problem(path="/data", what=f"is missing; the recommendation belongs there{hint}.")


def enveloped(item: Incoming, attributes: Mapping[str, str]) -> Incoming:
    """Put an item whose event attributes came as HTTP headers into an envelope of its own.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
    """
    head = json.dumps(dict(attributes))[:-1]
    return Incoming(
        text=f'{head}, "data": {item.text}}}', value={**attributes, "data": item.value}
    )


def content_of(value: object) -> Plain:
    """Return what an item says, however its numbers and its spaces between were written."""
    return _said(opened(value).content)


def fields_of(value: object) -> Mapping[str, object] | None:
    """Return the fields of a JSON object; None when it is something else."""
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _said(value: object) -> Plain:
    fields = fields_of(value)
    if fields is not None:
        return {name: _said(one) for name, one in fields.items() if one is not None}
    match value:
        case list():
            return [_said(one) for one in cast("list[object]", value)]
        case bool():
            return value
        case int() | Decimal():
            return decimal_text(Decimal(value))
        case _:
            return str(value)


def differing(one: Plain, other: Plain, *, at: str = "") -> Iterator[str]:
    """Return the JSON Pointers of what two contents say differently."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            yield from differing(one.get(name), other.get(name), at=f"{at}/{pointer_part(name)}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, its) in enumerate(zip(one, other, strict=True)):
            yield from differing(mine, its, at=f"{at}/{index}")
    elif one != other:
        yield at


def pointer_part(name: str) -> str:
    """Return one step of a JSON Pointer, escaped as RFC 6901 wants it and fit to be read."""
    part = name.replace("~", "~0").replace("/", "~1")[:60]
    return part if part.isprintable() else ascii(part)[1:-1]
