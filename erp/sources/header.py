"""Columns by their names, as a header or a query has them."""

from collections.abc import Sequence


def positions(header: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    """Find where each column is; large and small letters are the same, space around is none.

    Raises:
        LookupError: one is not there, or more than once.
    """
    names = [name.strip().casefold() for name in header]
    found: dict[str, int] = {}
    for column in columns:
        name = column.strip().casefold()
        if names.count(name) != 1:
            there = ", ".join(repr(one) for one in header if one.strip())[:300]
            how = "is there more than once" if name in names else "is not there"
            raise LookupError(f"the column {column!r} {how}; there are: {there}")
        found[column] = names.index(name)
    return found
