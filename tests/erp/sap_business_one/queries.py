"""The part of a query that the Service Layer understands, and nothing beyond it.

“Working with SAP Business One Service Layer” 1.29, pages 32-35: comparisons and startswith,
joined by `and` and `or`, no lambda, no arithmetic; $select, $orderby, $skip; a page of 20 unless
asked otherwise.
"""

import re
from datetime import date


class NotUnderstoodError(Exception):
    """A query that the Service Layer answers with status 400."""


_COMPARISON = re.compile(r"(\w+) (eq|ne|ge|gt|le|lt) (?:'((?:[^']|'')*)'|(-?\d+))")


_BEGINS = re.compile(r"startswith\((\w+),'([^']*)'\)")


def holds(condition, row):
    """Tell whether a row meets a $filter; `and` binds closer than `or`."""
    return any(
        all(_compared(part.strip(), row) for part in _split(some, " and "))
        for some in _split(condition, " or ")
    )


def _compared(text, row):
    begins = _BEGINS.fullmatch(text)
    if begins is not None:
        return (row[begins[1]] or "").startswith(begins[2])
    parts = _COMPARISON.fullmatch(text)
    if parts is None:
        raise NotUnderstoodError(text)
    name, operator, quoted, number = parts.groups()
    if name not in row or isinstance(row[name], list):
        raise NotUnderstoodError(name)
    wanted = quoted.replace("''", "'") if quoted is not None else int(number)
    found = row[name]
    if isinstance(found, str):  # SQL Server does not tell upper case from lower
        found, wanted = found.lower(), wanted.lower()
    if isinstance(found, date):
        wanted = date.fromisoformat(wanted)
    if found is None:
        return operator == "ne"
    return {
        "eq": found == wanted,
        "ne": found != wanted,
        "ge": found >= wanted,
        "gt": found > wanted,
        "le": found <= wanted,
        "lt": found < wanted,
    }[operator]


def _split(text, word):
    """Split at a word that stands in no quotes."""
    parts, quoted, start, at = [], False, 0, 0
    while at < len(text):
        if text[at] == "'":
            quoted = not quoted
        if not quoted and text.startswith(word, at):
            parts.append(text[start:at])
            start = at = at + len(word)
            continue
        at += 1
    return [*parts, text[start:]]


def selected(columns, row):
    """Return the columns of a row that $select names."""
    names = columns.split(",")
    unknown = [name for name in names if name not in row]
    if unknown:
        raise NotUnderstoodError(unknown[0])
    return {name: row[name] for name in names}
