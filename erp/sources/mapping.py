"""What a mapping file says, once it was checked: where rows are, and what their fields mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias

from yarl import URL

from erp.snapshot import Scope
from erp.sources.values import Formats

FieldKind: TypeAlias = Literal[
    "code",
    "text",
    "unit",
    "quantity",
    "money",
    "number",
    "whole",
    "flag",
    "date",
    "moment",
    "currency",
    "word",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A field of a record of the snapshot.

    `words` are the ones that a `word` may be; without them any may stand there, once `words` of
    the mapping translate none. `unknown` tells whether a word that nobody listed is `unknown`;
    where it is not, the row cannot be read.
    """

    kind: FieldKind
    required: bool = True
    words: frozenset[str] = frozenset()
    unknown: bool = False


_CODE: Final = Wanted(kind="code")
_MAYBE_CODE: Final = Wanted(kind="code", required=False)
_TEXT: Final = Wanted(kind="text")
_MAYBE_TEXT: Final = Wanted(kind="text", required=False)
_QUANTITY: Final = Wanted(kind="quantity")
_MAYBE_MONEY: Final = Wanted(kind="money", required=False)
_DATE: Final = Wanted(kind="date")
_MAYBE_DATE: Final = Wanted(kind="date", required=False)
_MAYBE_FLAG: Final = Wanted(kind="flag", required=False)
_MAYBE_MOMENT: Final = Wanted(kind="moment", required=False)

ORIGIN: Final[Mapping[str, Wanted]] = {
    "ref": _MAYBE_TEXT,
    "happened_at": _MAYBE_MOMENT,
    "entered_at": _MAYBE_MOMENT,
}
"""Fields that every scope has: they become the `Origin` of the fact."""

WANTED: Final[Mapping[Scope, Mapping[str, Wanted]]] = {
    "items": {
        "number": _CODE,
        "name": _TEXT,
        "unit": Wanted(kind="unit"),
        "unit_cost": _MAYBE_MONEY,
        "blocked": _MAYBE_FLAG,
    },
    "vendors": {
        "number": _CODE,
        "name": _TEXT,
        "email": _MAYBE_TEXT,
        "currency": Wanted(kind="currency", required=False),
        "blocked": _MAYBE_FLAG,
    },
    "locations": {"code": _CODE, "name": _TEXT},
    "stock": {"item": _CODE, "location": _MAYBE_CODE, "quantity": _QUANTITY},
    "purchase_lines": {
        "document": _CODE,
        "line": Wanted(kind="whole"),
        "vendor": _CODE,
        "item": _CODE,
        "outstanding": _QUANTITY,
        "unit_cost": _MAYBE_MONEY,
        "expected": _MAYBE_DATE,
        "location": _MAYBE_CODE,
        "status": Wanted(
            kind="word",
            words=frozenset({"draft", "in_review", "released", "unknown"}),
            unknown=True,
        ),
    },
    "production": {
        "document": _CODE,
        "item": _CODE,
        "quantity": _QUANTITY,
        "starts": _MAYBE_DATE,
        "due": _MAYBE_DATE,
        "status": Wanted(kind="word", unknown=True),
    },
    "needs": {
        "item": _CODE,
        "quantity": _QUANTITY,
        "due": _DATE,
        "location": _MAYBE_CODE,
        "wanted_by": Wanted(kind="word", words=frozenset({"sales", "production", "transfer"})),
        "document": _CODE,
    },
    "budgets": {
        "account": _CODE,
        "name": _TEXT,
        "starts": _DATE,
        "ends": _DATE,
        "given": Wanted(kind="money"),
        "spent": _MAYBE_MONEY,
    },
    "consumption": {
        "item": _CODE,
        "quantity": _QUANTITY,
        "document": _CODE,
        "location": _MAYBE_CODE,
    },
    "machines": {
        "name": _TEXT,
        "state": Wanted(
            kind="word",
            words=frozenset({"running", "idle", "down", "maintenance", "unknown"}),
            unknown=True,
        ),
        "until": _MAYBE_MOMENT,
        "reading": Wanted(kind="number", required=False),
        "reading_unit": _MAYBE_TEXT,
    },
}
"""The fields of each scope's records, as `erp.snapshot` has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Where a value comes from: a column (or JSON path), or always the same."""

    column: str | None = None
    value: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How one field of a record is read; `measure` is the unit of a quantity, or the currency.

    `words` say what the words of the source mean, by the words in small letters.
    """

    name: str
    wanted: Wanted
    given: Given
    measure: Given | None = None
    words: Mapping[str, str | bool] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestPlace:
    """Where a scope's rows are behind a REST API; `path` is below the URL of the access."""

    path: str
    rows: str
    query: Mapping[str, str]
    next_link: str | None
    page: str | None
    first_page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlPlace:
    """The one SELECT that gives a scope's rows."""

    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """Which file of the folder holds a scope's rows, and where in it they begin."""

    pattern: str
    sheet: str | None
    header_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAccess:
    """How to reach the API; the secrets are named here, and read from the environment."""

    url: URL
    headers: Mapping[str, str]
    secret_headers: Mapping[str, str]
    token_from: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlAccess:
    """Which environment variable holds the address of the database."""

    dsn_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccess:
    """Which folder files are dropped in, and how their text is written."""

    folder: Path
    encoding: str
    delimiter: str
    settle: float


Place: TypeAlias = RestPlace | SqlPlace | FilePlace
Access: TypeAlias = RestAccess | SqlAccess | FileAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeMapping:
    """Where one scope's rows are, and how each field is read."""

    scope: Scope
    place: Place
    fields: tuple[Field, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return every column that is read, once."""
        givens = (given for one in self.fields for given in (one.given, one.measure))
        return tuple(dict.fromkeys(one.column for one in givens if one and one.column))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a reading may take at most; whoever sends more is not read at all."""

    seconds: float = 60.0
    rows: int = 100_000
    megabytes: int = 20

    @property
    def bytes(self) -> int:
        """Return the size in bytes."""
        return self.megabytes * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceMapping:
    """Everything that one mapping file says."""

    name: str
    owner: str
    access: Access
    formats: Formats
    limits: Limits
    scopes: Mapping[Scope, ScopeMapping]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a source: its values by column, or the reason why it has none."""

    place: str
    values: Mapping[str, object]
    broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of one scope, and whose they are.

    `entered_at` is when they were entered, where only the source as a whole says so. `whole`
    tells that all rows are here, whatever was asked for.
    """

    source: str
    rows: tuple[Row, ...]
    entered_at: datetime | None
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A row that could not be read, with everything that is wrong with it."""

    source: str
    ref: str
    problems: tuple[str, ...]
