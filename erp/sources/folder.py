"""A folder of mapping files, turned into sources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from erp.sources.files import FileRows
from erp.sources.mapping import FileAccess, RestAccess, SourceMapping, SqlAccess
from erp.sources.mapping_file import SourceFileError, read_mapping
from erp.sources.rest import RestRows
from erp.sources.source import RowReader, Source
from erp.sources.sql import SqlRows


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the program gives its sources: the environment, a session, and the clock."""

    environment: Mapping[str, str]
    session: aiohttp.ClientSession
    now: Callable[[], datetime]


def read_sources(folder: Path, around: Around) -> tuple[Source, ...]:
    """Read every mapping file (`*.toml`) of a folder, in the order of their names.

    Raises:
        SourceFileError: a file cannot be used, a secret is not set, or two have one name; lists
            every problem of every file.
    """
    if not folder.is_dir():
        raise SourceFileError((f"{folder} is no folder. Name the one with the mapping files.",))
    sources: list[Source] = []
    problems: list[str] = []
    named: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            mapping = read_mapping(path)
        except SourceFileError as error:
            problems += error.problems
            continue
        before = named.setdefault(mapping.name, path.name)
        if before != path.name:
            problems.append(f"{path.name}: name: is {mapping.name!r}, as in {before}. Change one.")
        secrets = _Secrets(around.environment, path.name, problems)
        sources.append(
            Source(mapping=mapping, reader=_reader(mapping, secrets, around), now=around.now)
        )
    if problems:
        raise SourceFileError(tuple(problems))
    return tuple(sources)


def _reader(mapping: SourceMapping, secrets: "_Secrets", around: Around) -> RowReader:
    match mapping.access:
        case RestAccess() as access:
            headers = {
                name: secrets.read(variable) for name, variable in access.secret_headers.items()
            }
            if access.token_from is not None:
                headers["Authorization"] = f"Bearer {secrets.read(access.token_from)}"
            return RestRows(
                mapping=mapping, access=access, secrets=headers, session=around.session
            )
        case SqlAccess() as access:
            return SqlRows(mapping, secrets.read(access.dsn_from))
        case FileAccess() as access:
            return FileRows(mapping=mapping, access=access)


@dataclass(frozen=True, slots=True)
class _Secrets:
    """The variables that one mapping file names."""

    environment: Mapping[str, str]
    file: str
    problems: list[str]

    def read(self, variable: str) -> str:
        """Return a variable, or what the file holds that the same with _FILE behind it names."""
        found = self.environment.get(variable)
        path = self.environment.get(f"{variable}_FILE")
        if found is None and path is not None:
            try:
                found = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self._wrong(variable, f"the file {path} of {variable}_FILE cannot be read.")
                return ""
        if not found:
            self._wrong(variable, f"is not set. Set it, or {variable}_FILE to a file with it.")
        elif not found.isprintable():
            self._wrong(variable, "holds a character that does not print. Look for a line break.")
        return found or ""

    def _wrong(self, variable: str, what: str) -> None:
        self.problems.append(f"{self.file}: {variable}: {what}")
