"""`countersign sources`: what stands beside the ERP, read once and shown."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from bot.clock import utc_now
from erp.ports import ErpUnreachableError
from erp.snapshot import SCOPES
from erp.sources.folder import Around, read_sources
from erp.sources.source import Reading, Source

MOST_ROWS = 20
"""Rows in quarantine that are shown of each source."""


def show_sources(folder: Path) -> None:
    """Read every source once; exit code 1 when one is away or a row could not be read."""
    readings = asyncio.run(_read(folder))
    console = Console()
    table = Table("Source", "Kept by", "Scope", "Facts", "In quarantine", "How it stands")
    for source, outcome in readings:
        for row in _rows(source, outcome):
            table.add_row(*row)
    console.print(table)
    bad = [line for _, outcome in readings for line in _quarantined(outcome)]
    for line in bad:
        click.echo(line)
    if bad or any(not isinstance(one, Reading) or one.away for _, one in readings):
        sys.exit(1)


async def _read(folder: Path) -> list[tuple[Source, Reading | ErpUnreachableError]]:
    async with aiohttp.ClientSession() as session:
        around = Around(environment=os.environ, session=session, now=utc_now)
        return [(one, await _reading(one)) for one in read_sources(folder, around)]


async def _reading(source: Source) -> Reading | ErpUnreachableError:
    try:
        return await source.read(SCOPES)
    except ErpUnreachableError as away:
        return away


def _rows(source: Source, outcome: Reading | ErpUnreachableError) -> Iterator[tuple[str, ...]]:
    for scope in sorted(source.reads):
        head = (source.name, source.mapping.owner, scope.replace("_", " "))
        if not isinstance(outcome, Reading):
            yield (*head, "", "", outcome.why)
            continue
        facts = len(getattr(outcome.snapshot, scope))
        away = "; ".join(outcome.away.get(scope, ()))
        yield (*head, str(facts), str(len(outcome.quarantined)), away or "read")


def _quarantined(outcome: Reading | ErpUnreachableError) -> Iterator[str]:
    if not isinstance(outcome, Reading):
        return
    for one in outcome.quarantined[:MOST_ROWS]:
        yield f"{one.source}, {one.ref}: {' '.join(one.problems)}"
    if (more := len(outcome.quarantined) - MOST_ROWS) > 0:
        yield f"… and {more} more."
