"""A folder that people drop files in, and what tests ask of it."""

import os

import pytest

from erp.ports import ErpUnreachableError

MONDAY, TUESDAY = 1774857600, 1774944000
OWNER = "Ana Nowak <ana@example.com>"


def mapping(pattern="stock*.csv", *, files="", place="", limits=""):
    """Return a file that reads stock from a folder."""
    return f"""
name = "Stocktake"
owner = "{OWNER}"
kind = "files"
[limits]
{limits}
[files]
folder = "drop"
settle = 0
{files}
[stock]
pattern = "{pattern}"
{place}
[stock.fields]
item = "Item"
quantity = {{from = "Quantity", unit = "PCS"}}
"""


def put(path, content, at=MONDAY):
    """Put a file there that was changed at that time."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (at, at))


def items_of(snapshot):
    """Return which items the stock is of."""
    return [one.item for one in snapshot.stock]


async def why(source):
    """Return why a source cannot be read."""
    with pytest.raises(ErpUnreachableError) as caught:
        await source.snapshot(["stock"])
    return caught.value.why
