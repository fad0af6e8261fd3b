"""Dotted paths into JSON: `orders[*].lines[*]`, and `^.number` for what stands above a row."""

import re
from itertools import islice
from typing import Final, TypeAlias, cast

Above: TypeAlias = tuple[object, ...]
"""A row, the rows that it stands in from the inside out, and last the answer itself."""

EVERY: Final = "[*]"
UP: Final = "^."
_PATH: Final = re.compile(r"(?:\^\.)*[^.\[\]^]+(?:\[\*\])?(?:\.[^.\[\]^]+(?:\[\*\])?)*")


def path_problem(path: str, *, many: bool) -> str | None:
    """Say what is wrong with a path; `many` for one that gives rows, and so needs a `[*]`."""
    if many and path != EVERY and not _PATH.fullmatch(path.removeprefix(f"{EVERY}.")):
        return f"{path!r} is no path. It looks like data[*] or data.orders[*].lines[*]."
    if many and not path.endswith(EVERY):
        return f"{path!r} names no list. Put [*] behind the list whose parts are the rows."
    if not many and (EVERY in path or not _PATH.fullmatch(path)):
        return f"{path!r} is no path to one value. It looks like part.number."
    return None


def rows_at(document: object, path: str, most: int) -> list[Above]:
    """Find every row, with the rows that it stands in and, last, the answer itself.

    Raises:
        LookupError: the outermost list is not there, something else stands in its place, or a
            list holds more than `most`.
    """
    found: list[tuple[object, Above]] = [(document, (document,))]
    for step in path.split("."):
        name = step.removesuffix(EVERY)
        if name:
            found = [(_child(now, name), above) for now, above in found]
        if step.endswith(EVERY):
            parts = ((one, above) for now, above in found for one in _parts(now, above, path))
            found = [(one, (one, *above)) for one, above in islice(parts, most + 1)]
            if len(found) > most:
                raise LookupError(f"more than {most} rows at {path}")
    return [above for _, above in found]


def value_at(above: Above, path: str) -> object:
    """Return one value of a row; None where it is not there."""
    while path.startswith(UP):
        path, above = path.removeprefix(UP), above[1:]
    value: object = above[0] if above else None
    for name in path.split("."):
        value = _child(value, name)
    return value


def _child(value: object, name: str) -> object:
    return cast("dict[str, object]", value).get(name) if isinstance(value, dict) else None


def _parts(value: object, above: Above, path: str) -> list[object]:
    if isinstance(value, list):
        return cast("list[object]", value)
    # An order without lines often leaves them out; an answer without orders is another answer.
    if value is None and len(above) > 1:
        return []
    raise LookupError(f"there is no list at {path}")
