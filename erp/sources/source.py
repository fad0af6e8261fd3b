"""A source beside the ERP: what it reads, as a snapshot, and the rows that it could not read."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, cast

from erp.ports import ErpUnreachableError
from erp.snapshot import Scope, Snapshot, merged
from erp.sources.facts import Read, read_rows
from erp.sources.mapping import Quarantined, Rows, ScopeMapping, SourceMapping


class RowReader(Protocol):
    """Gets the rows of one scope, wherever they are."""

    async def rows(self, scope: ScopeMapping, *, since: datetime | None, now: datetime) -> Rows:
        """Return the rows.

        Raises:
            ErpUnreachableError: they cannot be had right now.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read, and what could not be: every bad row, and every scope that was away.

    `away` says so even where another source gave the same scope.
    """

    snapshot: Snapshot
    quarantined: tuple[Quarantined, ...] = ()
    away: Mapping[Scope, tuple[str, ...]] = field(default_factory=dict[Scope, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One mapping file at work; it reads like the `Reader` of an ERP, and writes nothing."""

    mapping: SourceMapping
    reader: RowReader
    now: Callable[[], datetime]

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.mapping.name

    @property
    def reads(self) -> frozenset[Scope]:
        """Return the scopes that it can give."""
        return frozenset(self.mapping.scopes)

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read the scopes; `read` tells of the bad rows too.

        Raises:
            ErpUnreachableError: none of what it should give can be had.
        """
        return (await self.read(scopes, since=since)).snapshot

    async def read(self, scopes: Collection[Scope], *, since: datetime | None = None) -> Reading:
        """Read the scopes; what cannot be had is `missing`, with the reason.

        Raises:
            ErpUnreachableError: none of what it should give can be had.
        """
        read_at = self.now()
        facts: dict[Scope, tuple[object, ...]] = {}
        quarantined: list[Quarantined] = []
        whole: set[Scope] = set()
        away: dict[Scope, ErpUnreachableError] = {}
        mine: list[Scope] = [scope for scope in self.mapping.scopes if scope in scopes]
        for scope in mine:
            try:
                rows = await self._rows(scope, since, read_at)
            except ErpUnreachableError as error:
                away[scope] = error
                continue
            read = await asyncio.to_thread(self._understood, scope, rows, read_at)
            facts[scope] = read.facts
            quarantined += read.quarantined
            if rows.whole and since is not None:
                whole.add(scope)
        if mine and not facts:
            whys = dict.fromkeys(error.why for error in away.values())
            raise ErpUnreachableError(self.name, "; ".join(whys))
        missing: dict[Scope, str] = {
            scope: self._nothing(scope) for scope in scopes if scope not in mine
        }
        missing |= {scope: str(error) for scope, error in away.items()}
        snapshot = Snapshot(
            read_at=read_at,
            since=since,
            whole=frozenset(whole),
            missing=missing,
            **cast("dict[str, Any]", facts),
        )
        return Reading(
            snapshot=snapshot,
            quarantined=tuple(quarantined),
            away={scope: (str(error),) for scope, error in away.items()},
        )

    async def _rows(self, scope: Scope, since: datetime | None, now: datetime) -> Rows:
        return await self.reader.rows(self.mapping.scopes[scope], since=since, now=now)

    def _understood(self, scope: Scope, rows: Rows, read_at: datetime) -> Read:
        return read_rows(rows, self.mapping.scopes[scope], self.mapping.formats, read_at=read_at)

    def _nothing(self, scope: Scope) -> str:
        return f"{self.name} says nothing about {scope}: its file has no table [{scope}]."


async def read_all(
    sources: Sequence[Source],
    scopes: Collection[Scope],
    *,
    since: datetime | None = None,
    now: datetime,
) -> Reading:
    """Read every source at once, and put together what they told; none stops another.

    To merge it with what the ERP told, ask both for the same scopes: what nobody was asked for is
    not missing.
    """
    readings = await asyncio.gather(*(_or_away(one, scopes, since, now) for one in sources))
    away: dict[Scope, tuple[str, ...]] = {}
    for reading in readings:
        for scope, whys in reading.away.items():
            away[scope] = (*away.get(scope, ()), *whys)
    # Without any source nothing is given, and what the ERP lacks must stay missing.
    nobody: dict[Scope, str] = {
        scope: f"No source beside the ERP says anything about {scope}." for scope in scopes
    }
    snapshots = (Snapshot(read_at=now, missing=nobody), *(one.snapshot for one in readings))
    together = merged(snapshots, read_at=now)
    # That one source never had a scope is no reason while another that has it is away.
    missing = {scope: " ".join(away.get(scope, (nobody[scope],))) for scope in together.missing}
    return Reading(
        snapshot=replace(together, since=since, missing=missing),
        quarantined=tuple(row for reading in readings for row in reading.quarantined),
        away=away,
    )


async def _or_away(
    source: Source, scopes: Collection[Scope], since: datetime | None, now: datetime
) -> Reading:
    try:
        return await source.read(scopes, since=since)
    except ErpUnreachableError as error:
        missing: dict[Scope, str] = {scope: str(error) for scope in scopes}
        return Reading(
            snapshot=Snapshot(read_at=now, since=since, missing=missing),
            away={scope: (str(error),) for scope in scopes if scope in source.reads},
        )
