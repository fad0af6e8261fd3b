"""A mapping file, read and checked; every problem is listed at once (docs/sources.md)."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from decisions.errors import CountersignError
from erp.snapshot import SCOPES, Scope
from erp.sources.fields import read_fields
from erp.sources.mapping import ORIGIN, WANTED, Limits, ScopeMapping, SourceMapping
from erp.sources.places import KINDS, Kind
from erp.sources.table import Table
from erp.sources.values import EPOCHS, Formats, UnfitError, as_date, as_moment, written_moment

LARGEST_FILE: Final = 1_000_000


class SourceFileError(CountersignError):
    """Mapping files cannot be used; nothing is read by a half-understood file."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """List every problem, one a line."""
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"These sources cannot be read (docs/sources.md):\n{lines}")


def read_mapping(path: Path) -> SourceMapping:
    """Read one mapping file.

    Raises:
        SourceFileError: it is missing, no TOML, or leaves something open; lists every problem.
    """
    problems: list[str] = []
    mapping = _mapping(path, problems)
    if problems or mapping is None:
        raise SourceFileError(tuple(f"{path.name}: {problem}" for problem in problems))
    return mapping


def _mapping(path: Path, problems: list[str]) -> SourceMapping | None:
    root = _root(path, problems)
    if root is None:
        return None
    name = root.text("name", 'Name the source as people do, such as name = "Floor MES".')
    owner = root.text("owner", 'Name a person, as in owner = "Marta Weber <marta@example.com>".')
    if owner is not None and "@" not in owner:
        root.wrong("owner", "has no e-mail address. Add the one that reaches the person.")
    formats = _formats(root)
    limits = _limits(root)
    kind = root.text("kind", f"Say which it is: {', '.join(map(repr, KINDS))}.")
    if kind is None or kind not in KINDS:
        if kind is not None:
            root.wrong("kind", f"is {kind!r}. It is one of {', '.join(map(repr, KINDS))}.")
        return None
    how = KINDS[kind]
    access = how.access(root.table(kind) or _absent(root, kind), path.parent)
    found = [_scope(root, scope, how, formats) for scope in SCOPES]
    scopes: dict[Scope, ScopeMapping] = {one.scope: one for one in found if one is not None}
    root.done()
    if not scopes and not any(problem.startswith("[") for problem in problems):
        problems.append(f"It says nothing about any of: {', '.join(SCOPES)}. Add such a table.")
    if problems or access is None:
        return None
    return SourceMapping(
        name=name or "",
        owner=owner or "",
        access=access,
        formats=formats,
        limits=limits,
        scopes=scopes,
    )


def _root(path: Path, problems: list[str]) -> Table | None:
    try:
        if path.stat().st_size > LARGEST_FILE:
            problems.append(f"it is larger than {LARGEST_FILE} bytes; a mapping never is.")
            return None
        text = path.read_text(encoding="utf-8-sig")
        return Table(tomllib.loads(text, parse_float=Decimal), "", problems)
    except OSError as error:
        problems.append(f"it cannot be opened: {error.strerror}.")
    except UnicodeDecodeError:
        problems.append("it is not UTF-8; save it as UTF-8.")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        problems.append(f"it is not TOML: {error}.")
    return None


def _absent(root: Table, kind: str) -> Table:
    if not root.problems or not any(one.startswith(f"{kind}:") for one in root.problems):
        root.wrong(f"[{kind}]", f"is missing. Add the table that kind = {kind!r} needs.")
    # Its keys are not complained about as well: one sentence is enough.
    return Table({}, f"[{kind}]", [])


def _formats(root: Table) -> Formats:
    zone = root.text("timezone")
    date, moment = root.text("date_format"), root.text("datetime_format")
    decimal, thousands = root.raw_text("decimal", "."), root.raw_text("thousands", "")
    if decimal not in {".", ","}:
        root.wrong("decimal", f'is {decimal!r}. Write "." or ",".')
    if thousands not in {"", ".", ",", " ", "'", "\N{NO-BREAK SPACE}"} or thousands == decimal:
        root.wrong("thousands", "is the sign between groups of three digits, not the decimal one.")
    empty = root.take("empty")
    if empty is not None and not _texts(empty):
        root.wrong("empty", 'is not a list of texts, such as empty = ["", "-", "NULL"].')
    formats = Formats(
        timezone=_zone(root, zone),
        date=date,
        moment=moment,
        decimal=decimal,
        thousands=thousands,
        empty=frozenset({"", *cast("list[str]", empty)}) if _texts(empty) else frozenset({""}),
        units=root.texts("units"),
    )
    _try_formats(root, formats)
    return formats


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, str) for one in cast("list[object]", value)
    )


def _zone(root: Table, name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        root.wrong("timezone", f"{name!r} is no IANA time zone such as Europe/Berlin.")
        return None


def _try_formats(root: Table, formats: Formats) -> None:
    """Write a moment in each format and read it back; one that comes back another is no format."""
    probe = datetime(2026, 3, 31, 14, 15, tzinfo=UTC)
    try:
        day = as_date(probe.strftime(formats.date or "%Y-%m-%d"), formats)
    except (UnfitError, ValueError):
        day = None
    if day != probe.date():
        root.wrong("date_format", "loses the day, month or year. Write it like %d.%m.%Y.")
    utc = replace(formats, timezone=ZoneInfo("UTC"))
    try:
        moment = as_moment(written_moment(probe, utc), utc)
    except (UnfitError, ValueError):
        moment = None
    if moment != probe:
        epochs = " or ".join(EPOCHS)
        root.wrong(
            "datetime_format",
            f"loses a part of the time. Write it like %d.%m.%Y %H:%M, or {epochs}.",
        )


def _limits(root: Table) -> Limits:
    table, usual = root.table("limits"), Limits()
    if table is None:
        return usual
    limits = Limits(
        seconds=table.number("seconds", usual.seconds, low=1, high=600),
        rows=int(table.number("rows", usual.rows, low=1, high=1_000_000)),
        megabytes=int(table.number("megabytes", usual.megabytes, low=1, high=200)),
    )
    table.done()
    return limits


def _scope(root: Table, scope: Scope, how: Kind, formats: Formats) -> ScopeMapping | None:
    table = root.table(scope)
    if table is None:
        return None
    place = how.place(table)
    wanted = {**WANTED[scope], **ORIGIN}
    if how.dated:
        del wanted["entered_at"]
    inner = table.table("fields")
    if inner is None:
        table.wrong("fields", f"is missing. Add [{scope}.fields] and say where each field is.")
    table.done()
    fields = () if inner is None else read_fields(inner, wanted, formats)
    return None if place is None else ScopeMapping(scope=scope, place=place, fields=fields)
