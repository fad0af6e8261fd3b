"""Rows from spreadsheets and CSV files that people drop in a folder."""

import asyncio
import codecs
import csv
import io
import os
import stat
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Final, cast

from erp.ports import ErpUnreachableError
from erp.sources.header import positions
from erp.sources.mapping import (
    FileAccess,
    FilePlace,
    Limits,
    Row,
    Rows,
    ScopeMapping,
    SourceMapping,
)
from erp.sources.spreadsheet import BadFileError, Cells, cells_of_workbook
from erp.sources.values import Unreadable

UNFINISHED: Final = (".part", ".tmp", ".crdownload", ".filepart")
"""What programs call a file that they are still writing."""

MOST_NAMES: Final = 10_000
ERRORS: Final = frozenset({"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """A file at one look."""

    name: str
    size: int
    changed: int
    plain: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows:
    """Reads the rows of each scope from the newest file that is complete."""

    mapping: SourceMapping
    access: FileAccess
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep

    async def rows(self, scope: ScopeMapping, *, since: datetime | None, now: datetime) -> Rows:
        """Read the scope's file; it is always read whole.

        Raises:
            ErpUnreachableError: no file, only unfinished ones, or one that cannot be read.
        """
        del since, now
        place = cast("FilePlace", scope.place)  # the file gave each scope a place of its kind
        try:
            before = await asyncio.to_thread(self._look, place.pattern)
            await self.pause(self.access.settle)
            after = await asyncio.to_thread(self._look, place.pattern)
            newest = _newest(before, after, place.pattern)
            return await asyncio.to_thread(self._read, newest, scope, place)
        except BadFileError as bad:
            raise ErpUnreachableError(self.mapping.name, str(bad)) from None
        except OSError as error:
            raise ErpUnreachableError(
                self.mapping.name, f"its folder or file cannot be opened: {error.strerror}"
            ) from None

    def _look(self, pattern: str) -> dict[str, _Seen]:
        seen: dict[str, _Seen] = {}
        with os.scandir(self.access.folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_NAMES:
                    raise BadFileError(f"its folder holds more than {MOST_NAMES} files")
                if entry.name.startswith((".", "~$")) or entry.name.endswith(UNFINISHED):
                    continue
                if fnmatchcase(entry.name, pattern):
                    found = entry.stat(follow_symlinks=False)
                    seen[entry.name] = _Seen(
                        name=entry.name,
                        size=found.st_size,
                        changed=found.st_mtime_ns,
                        plain=stat.S_ISREG(found.st_mode),
                    )
        return seen

    def _read(self, newest: _Seen, scope: ScopeMapping, place: FilePlace) -> Rows:
        content = self._content(newest)
        limits = self.mapping.limits
        if newest.name.casefold().endswith(".csv"):
            cells = _cells_of_csv(content, newest.name, self.access)
        else:
            cells = cells_of_workbook(content, newest.name, place.sheet, limits)
        rows = tuple(_rows(cells, newest.name, scope, place, limits))
        return Rows(
            source=f"{self.mapping.name}: {newest.name}, kept by {self.mapping.owner}",
            rows=rows,
            entered_at=datetime.fromtimestamp(newest.changed / 10**9, UTC),
            whole=True,
        )

    def _content(self, newest: _Seen) -> bytes:
        """Read a file that is a file, and the one that was looked at."""
        if not newest.plain:
            raise BadFileError(f"{newest.name} is a link or no file; only plain files are read")
        limit = self.mapping.limits.bytes
        # Between the look and the opening, somebody could have put a link there.
        handle = os.open(self.access.folder / newest.name, os.O_RDONLY | _NO_LINKS)
        with open(handle, "rb") as file:  # noqa: PTH123  a path would be looked up again
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise BadFileError(f"{newest.name} is no plain file any more")
            content = file.read(limit + 1)
            now = os.fstat(handle)
        if len(content) > limit:
            raise BadFileError(f"{newest.name} is larger than {self.mapping.limits.megabytes} MB")
        if (now.st_size, now.st_mtime_ns) != (newest.size, newest.changed):
            raise BadFileError(f"{newest.name} changed while it was read")
        return content


_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""Windows has neither; there, links need rights that a drop folder does not give."""


def _newest(before: dict[str, _Seen], after: dict[str, _Seen], pattern: str) -> _Seen:
    complete = [one for name, one in after.items() if before.get(name) == one]
    if not complete:
        why = "is still being written" if after else "is there"
        none = "every file" if after else "no file"
        raise BadFileError(f"{none} called {pattern} {why}")
    return max(complete, key=lambda one: (one.changed, one.name))


def _cells_of_csv(content: bytes, name: str, access: FileAccess) -> Cells:
    encoding = access.encoding
    if codecs.lookup(encoding).name == "utf-8":
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeError:
        raise BadFileError(
            f"{name} is not {access.encoding}; say in the mapping file which encoding it has"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=access.delimiter, strict=True)
    return _csv_rows(reader, name)


def _csv_rows(reader: Iterator[list[str]], name: str) -> Cells:
    try:
        yield from reader
    except csv.Error as error:
        raise BadFileError(f"{name} is no CSV: {error}") from None


def _rows(
    cells: Cells, name: str, scope: ScopeMapping, place: FilePlace, limits: Limits
) -> Iterator[Row]:
    at: dict[str, int] | None = None
    width = 0
    for number, row in enumerate(cells, start=1):
        if number > limits.rows + place.header_row:
            raise BadFileError(f"{name} has more than {limits.rows} rows")
        if number < place.header_row:
            continue
        if at is None:
            header = [str(cell) if cell is not None else "" for cell in row]
            width = len(header)
            try:
                at = positions(header, scope.columns)
            except LookupError as missing:
                raise BadFileError(f"{name}: {missing.args[0]}") from None
        elif not all(_blank(cell) for cell in row):
            yield _row(row, number, at, width if name.casefold().endswith(".csv") else len(row))
    if at is None:
        raise BadFileError(f"{name} has no header in row {place.header_row}")


def _row(row: Sequence[object], number: int, at: dict[str, int], width: int) -> Row:
    place = f"row {number}"
    if len(row) != width:
        broken = f"it has {len(row)} cells, and the header {width}; is a delimiter not quoted?"
        return Row(place=place, values={}, broken=broken)
    values = {column: _cell(row[i] if i < len(row) else None) for column, i in at.items()}
    return Row(place=place, values=values)


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _cell(cell: object) -> object:
    """Return what a cell holds; a formula is never computed, and never taken for a text."""
    if isinstance(cell, str):
        if cell.lstrip().startswith("="):
            return Unreadable("holds a formula; save the file with values instead.")
        if cell.strip() in ERRORS:
            return Unreadable(f"holds {cell.strip()}, an error of the spreadsheet.")
    return cell
