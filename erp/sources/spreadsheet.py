"""The cells of a workbook, as they were computed last; nothing in it is computed here."""

import io
import re
import time
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias, cast

import openpyxl

from erp.sources.mapping import Limits

Cells: TypeAlias = Iterator[Sequence[object]]

MOST_PARTS: Final = 1000
MOST_COLUMNS: Final = 512
UNPACKED: Final = 10
"""How many times larger than a file may be it may get when it is unpacked."""

TAGS_PER_ROW: Final = 50
TAGS_BESIDE: Final = 200_000
"""A dozen cells to a row, and the styles: each tag takes many times its own size in memory."""

CHUNK: Final = 1 << 20
OVERLAP: Final = 16
DECLARATION: Final = 200

_DECLARES: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING: Final = re.compile(
    rb"""<\?xml[^>]*encoding\s*=\s*["'](?!utf-8["']|us-ascii["'])""", re.IGNORECASE
)
_DAMAGED: Final = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError),
    *(SyntaxError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
)
"""What zipfile, expat and openpyxl raise on files that no spreadsheet program wrote."""


class BadFileError(Exception):
    """A file cannot be read; the text is the reason, without a full stop."""


def cells_of_workbook(content: bytes, name: str, sheet: str | None, limits: Limits) -> Cells:
    """Return the rows of one sheet; the first one where none is named.

    Raises:
        BadFileError: no workbook, one that unpacks to too much, or no such sheet.
    """
    until = time.monotonic() + limits.seconds
    with _damage(name):
        _check_package(content, name, limits)
        book = openpyxl.load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        titles = [one.title for one in book.worksheets]
        if not titles or (sheet is not None and sheet not in titles):
            there = ", ".join(repr(title) for title in titles)
            raise BadFileError(f"{name} has no sheet {sheet!r}; there are: {there}")
        chosen = book[sheet or titles[0]]
        # What the file says of its own size is not believed; it would pad every row to it.
        rows = chosen.iter_rows(max_col=MOST_COLUMNS, max_row=_LAST_ROW, values_only=True)
        for row in rows:
            if time.monotonic() > until:
                raise BadFileError(f"{name} cannot be read within {limits.seconds:g} s")
            yield cast("Sequence[object]", row)


_LAST_ROW: Final = 1 << 20


@contextmanager
def _damage(name: str) -> Generator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise BadFileError(
            f"{name} is no workbook that can be read, or it has a password "
            f"({type(error).__name__})"
        ) from error


def _check_package(content: bytes, name: str, limits: Limits) -> None:
    """Unpack every part once, and refuse what is larger or stranger than a spreadsheet is."""
    left, tags = limits.bytes * UNPACKED, limits.rows * TAGS_PER_ROW + TAGS_BESIDE
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = package.infolist()
        if len(parts) > MOST_PARTS:
            raise BadFileError(f"{name} has more than {MOST_PARTS} parts")
        for part in parts:
            with package.open(part) as file:
                tail = b""
                while chunk := file.read(CHUNK):
                    left -= len(chunk)
                    if left < 0:
                        raise BadFileError(
                            f"{name} unpacks to more than {limits.megabytes * UNPACKED} MB"
                        )
                    tags -= chunk.count(b"<")
                    if tags < 0:
                        raise BadFileError(f"{name} holds more than {limits.rows} rows need")
                    first = not tail
                    seen = tail + chunk
                    if _DECLARES.search(seen) or (first and _odd(chunk)):
                        raise BadFileError(f"{name} declares entities or an odd encoding")
                    tail = seen[-OVERLAP:]


def _odd(start: bytes) -> bool:
    """Tell XML in an encoding that could hide a declaration from a search for its letters."""
    return start[:2] in {b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"} or bool(
        _ENCODING.search(start[:DECLARATION])
    )
