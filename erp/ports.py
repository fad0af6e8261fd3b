"""What Countersign needs from an ERP; reading and writing are two things, with two log-ins."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import aiohttp

from decisions.actions import DraftedAction
from decisions.errors import CountersignError
from decisions.plan import WritePlan
from decisions.recommendation import Receipt
from decisions.reconciliation import Marked
from erp.snapshot import Scope, Snapshot


class ErpUnreachableError(CountersignError):
    """The ERP gave no usable answer; what it did is not known from this."""

    def __init__(self, system: str, why: str) -> None:
        """Name the system and what was seen."""
        self.system = system
        self.why = why
        super().__init__(f"{system} cannot be read right now ({why}).")


class NotPlannableError(CountersignError):
    """The ERP was read, and the drafted action cannot be done there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a connector can write, and what the other kinds would need; both by action kind.

    Of a kind in `unsettled` it finds out when one is planned, and knows it from then on.
    `reads` are the scopes of a snapshot that it can give. `reduced` says what is read in a lesser
    way than it could be, and why; it fills as the connector meets a permission that it was not
    given.
    """

    system: str
    writes: frozenset[str]
    needs: Mapping[str, str]
    unsettled: frozenset[str] = frozenset()
    reads: frozenset[Scope] = frozenset()
    reduced: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Where a vendor is reached; `email` is empty where the ERP has none."""

    vendor: str
    name: str
    email: str


class Reader(Protocol):
    """Reads the ERP from its primary; handed to the workflow."""

    def capabilities(self) -> Capabilities:
        """Return what this connector can do."""
        ...

    async def plan(self, action: DraftedAction, *, marker: str) -> WritePlan:
        """Read everything the action touches and build the exact change.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: an unknown vendor or item, a unit that would have to be guessed,
                a kind this connector cannot write.
        """
        ...

    async def contact(self, vendor: str) -> Contact:
        """Return where a vendor is reached.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: the ERP knows no such vendor.
        """
        ...

    async def marked(self, *, since: datetime) -> tuple[Marked, ...]:
        """Return every document with a mark of ours that was changed since then.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        ...

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read widely; with `since` only what changed after it, as far as the ERP can tell.

        A scope that it cannot give is named in the snapshot's `missing`, and is no error.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The marker stands in the ERP, on this document."""

    document: str
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """The ERP was searched, and the marker does not stand there now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotTell:
    """The search got no usable answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsearchable:
    """Nobody can ever look there for what was sent: a mail server keeps no copy of ours.

    What we kept ourselves is then all there is to know, and a person is asked in doubt.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The ERP said that it is done."""

    document: str
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The ERP said no, with an answer that it only gives before it commits."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The document was changed by somebody else; nothing was written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """The ERP did not take the request in: nothing was written, and it may be sent again."""

    why: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No answer, or one that the ERP is known to send after committing too."""

    why: str


Search: TypeAlias = Found | NotFound | CannotTell | Unsearchable
Outcome: TypeAlias = Applied | Refused | Moved | NotSent | Unknown


class Writer(Protocol):
    """Writes the ERP; handed to the write gate and to nobody else."""

    async def probe(self, plan: WritePlan) -> Search:
        """Search the primary for the plan's marker."""
        ...

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Send the plan's one request, once, with no retry inside.

        From `before` on nothing is sent any more: whoever slept that long no longer holds the
        right to write, and somebody else may have it.
        """
        ...

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Read the document back, field by field.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Something that an installation decides for a connector.

    It is read from the environment variable COUNTERSIGN_<CONNECTOR>_<NAME>, or from the file that
    the variable with _FILE behind it names. A secret of the writer's is read by the process that
    writes, and by no other.
    """

    name: str
    description: str
    held_by: Literal["everybody", "writer"] = "everybody"
    secret: bool = False
    default: str | None = None
    """None where it has to be given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the program gives a connector: its settings by name, a session, and the clock."""

    settings: Mapping[str, str]
    session: aiohttp.ClientSession
    now: Callable[[], datetime]
    read_within: float
    """Seconds for everything that one plan reads."""
    trusted_ca: str | None = None
    """A PEM file of certificate authorities that a proxy needs; None for the usual ones."""


class Hints(Protocol):
    """Word from the ERP that something changed: a reason to look again, and never more."""

    async def keep(self) -> None:
        """Ask for notices, and for those that are about to run out once more.

        Raises:
            ErpUnreachableError: the ERP gave no usable answer, or does not want to.
        """
        ...

    def heard(self, body: bytes) -> bool:
        """Tell whether a notice is one that we asked for."""
        ...


class Connector(Protocol):
    """What a package offers under the entry point group `countersign.connectors`."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return what has to be decided for it."""
        ...

    def problems(self, settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]:
        """Return, in words, what is wrong with settings that are all there, or between them.

        Each begins with the name of a setting and a colon or a blank. `writes` says whether this
        process holds the writer's secrets.
        """
        ...

    def company(self, settings: Mapping[str, str]) -> str:
        """Return what its plans name as their company; approvals are signed for it."""
        ...

    def reader(self, around: Surroundings) -> Reader:
        """Return what reads; it is given no secret of the writer's."""
        ...

    def writer(self, around: Surroundings) -> Writer:
        """Return what writes, with a log-in of its own; called in the process that writes.

        The session keeps no connections: on one that the ERP closed meanwhile, a write that was
        never sent would look like one whose answer was lost.
        """
        ...


@runtime_checkable
class Hinting(Protocol):
    """A connector whose ERP can say that something changed; a connector need not be one."""

    def hints(self, around: Surroundings) -> Hints | None:
        """Return what keeps notices coming; None where nobody set it up."""
        ...
