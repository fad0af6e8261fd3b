"""A source beside the ERP: what it reads, as a snapshot, and the rows that it could not read."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol, cast

from erp.ports import ErpUnreachableError
from erp.snapshot import SCOPES, Scope, Snapshot, merged
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
    """What was read, and every row that could not be."""

    snapshot: Snapshot
    quarantined: tuple[Quarantined, ...] = ()


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

    async def read(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Reading:
        """Read the scopes; what cannot be had is `missing`, with the reason.

        Raises:
            ErpUnreachableError: none of what it should give can be had.
        """
        read_at = self.now()
        facts: dict[Scope, tuple[object, ...]] = {}
        quarantined: list[Quarantined] = []
        whole: set[Scope] = set()
        away: dict[Scope, str] = {}
        mine = [scope for scope in SCOPES if scope in scopes and scope in self.mapping.scopes]
        for scope in mine:
            try:
                rows, read = await self._scope(self.mapping.scopes[scope], since, read_at)
            except ErpUnreachableError as error:
                away[scope] = str(error)
                continue
            facts[scope] = read.facts
            quarantined += read.quarantined
            if rows.whole and since is not None:
                whole.add(scope)
        if mine and not facts:
            raise ErpUnreachableError(self.name, "; ".join(dict.fromkeys(away.values())))
