"""What each kind of source says in its mapping file: how to get in, and where the rows are."""

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from yarl import URL

from erp.sources.mapping import (
    Access,
    FileAccess,
    FilePlace,
    Place,
    RestAccess,
    RestPlace,
    SqlAccess,
    SqlPlace,
)
from erp.sources.paths import path_problem
from erp.sources.statement import statement_problem
from erp.sources.table import Table

PREFIX: Final = "COUNTERSIGN_SOURCE_"
"""Only such variables can be named: a mapping file must not send our own secrets anywhere."""

_SECRET: Final = re.compile(r"auth|cookie|key|token|secret|passw", re.IGNORECASE)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How the tables of one kind are read; `dated` tells that a file says when it was entered."""

    access: Callable[[Table, Path], Access | None]
    place: Callable[[Table], Place | None]
    dated: bool = False


def _rest_access(table: Table, folder: Path) -> Access | None:
    del folder
    address = table.text("url", 'Write url = "https://mes.example.com/api/".')
    headers, secret_headers = table.texts("headers"), table.texts("secret_headers")
    token = table.text("token_from")
    for name in headers:
        if _SECRET.search(name):
            table.wrong(
                f"headers.{name}",
                "looks like a secret, and no secret belongs into this file. Name an environment "
                f'variable: token_from, or secret_headers = {{{name} = "{PREFIX}…"}}.',
            )
    for name, value in {**headers, **secret_headers}.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not value.isprintable():
            table.wrong(f"headers.{name}", "is no header of HTTP: letters, digits and hyphens.")
    for key, variable in {"token_from": token, **secret_headers}.items():
        _check_variable(table, key, variable)
    secret = token is not None or bool(secret_headers)
    url = None if address is None else _url(table, address, secret=secret)
    table.done()
    if url is None:
        return None
    return RestAccess(url=url, headers=headers, secret_headers=secret_headers, token_from=token)


def _url(table: Table, address: str, *, secret: bool) -> URL | None:
    try:
        url = URL(address)
    except ValueError:
        url = URL()
    if url.scheme not in {"http", "https"} or not url.host:
        table.wrong("url", f"{address!r} is no address; it begins with https://.")
        return None
    if url.user or url.password or url.query_string or url.fragment:
        table.wrong("url", "holds a log-in, a query or a fragment. Only host and path stand here.")
        return None
    if secret and url.scheme == "http" and url.host not in _LOOPBACK:
        table.wrong("url", "is http, and a secret would travel readably. Use https://.")
        return None
    return url


def _rest_place(table: Table) -> Place | None:
    path = table.text("path", 'Write path = "consumption", below the url.')
    rows = table.text("rows", 'Write rows = "data[*]", or "[*]" where the answer is a list.')
    query = table.texts("query")
    next_link, page = table.text("next"), table.text("page")
    first_page = int(table.number("first_page", 1, low=0, high=1))
    if next_link is not None and page is not None:
        table.wrong("page", "stands beside `next`. Keep the one that the API uses.")
    if path is not None and (
        path.startswith("/") or set(path) & set(":?#%\\") or {"..", "."} & set(path.split("/"))
    ):
        table.wrong(
            "path", "leaves the url, is encoded, or holds a query. Queries go under `query`."
        )
    for key, one in {"rows": rows, "next": next_link}.items():
        problem = None if one is None else path_problem(one, many=key == "rows")
        if problem:
            table.wrong(key, problem)
    if path is None or rows is None:
        return None
    return RestPlace(
        path=path, rows=rows, query=query, next_link=next_link, page=page, first_page=first_page
    )


def _sql_access(table: Table, folder: Path) -> Access | None:
    del folder
    variable = table.text("dsn_from", f'Write dsn_from = "{PREFIX}…", and the address in there.')
    _check_variable(table, "dsn_from", variable)
    table.done()
    return None if variable is None else SqlAccess(dsn_from=variable)


def _sql_place(table: Table) -> Place | None:
    query = table.text("query", "Write the SELECT that gives the rows.")
    problem = None if query is None else statement_problem(query)
    if problem:
        table.wrong("query", problem)
    return None if query is None else SqlPlace(query=query)


def _file_access(table: Table, folder: Path) -> Access | None:
    named = table.text("folder", 'Write folder = "/srv/drop", or one beside this file.')
    encoding = table.text("encoding") or "utf-8"
    delimiter = table.raw_text("delimiter", ",")
    settle = table.number("settle", 2.0, low=0, high=60)
    try:
        known = codecs.lookup(encoding)
        "a".encode(known.name)
    except (LookupError, UnicodeError):
        table.wrong("encoding", f"{encoding!r} is none that is known, such as utf-8 or cp1252.")
    if len(delimiter) != 1 or delimiter in '\r\n"':
        table.wrong("delimiter", r'is one sign, such as ";" or "\t".')
    table.done()
    if named is None:
        return None
    return FileAccess(folder=folder / named, encoding=encoding, delimiter=delimiter, settle=settle)


def _file_place(table: Table) -> Place | None:
    pattern = table.text("pattern", 'Write pattern = "stock-*.csv".')
    sheet = table.text("sheet")
    header_row = int(table.number("header_row", 1, low=1, high=1000))
    if pattern is None:
        return None
    if PurePath(pattern).name != pattern or "\\" in pattern or pattern in {".", ".."}:
        table.wrong("pattern", "leaves the folder. It is a file name, in which * is anything.")
    if not pattern.casefold().endswith((".csv", ".xlsx")):
        table.wrong("pattern", "ends in neither .csv nor .xlsx; nothing else can be read.")
    return FilePlace(pattern=pattern, sheet=sheet, header_row=header_row)


def _check_variable(table: Table, key: str, name: str | None) -> None:
    if name is not None and not re.fullmatch(rf"{PREFIX}[A-Z0-9_]+", name):
        table.wrong(
            key,
            f"{name!r} cannot be named. It is the name of an environment variable that begins "
            f"with {PREFIX}, never the secret itself.",
        )


KINDS: Final[Mapping[str, Kind]] = {
    "rest": Kind(access=_rest_access, place=_rest_place),
    "sql": Kind(access=_sql_access, place=_sql_place),
    "files": Kind(access=_file_access, place=_file_place, dated=True),
}
