"""`countersign doctor`: try everything that an installation needs, and say what to mend."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import click
from rich.console import Console
from rich.table import Table

from bot.app import context
from bot.settings import settings_from_environment
from bot.workflow.context import Context
from decisions.errors import CountersignError
from erp.snapshot import SCOPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one thing stands: it works, it works in part, or it does not."""

    what: str
    stands: str
    says: str


_SIGNS = {"ok": "[green]ok[/green]", "in part": "[yellow]in part[/yellow]", "no": "[red]no[/red]"}


def doctor() -> None:
    """Print how each thing stands; exit code 1 when something does not work."""

    async def work() -> list[Finding]:
        async with context(settings_from_environment(roles=())) as ctx:
            return [finding async for finding in examined(ctx)]

    findings = asyncio.run(work())
    table = Table("", "What", "How it stands")
    for one in findings:
        table.add_row(_SIGNS[one.stands], one.what, one.says)
    Console().print(table)
    wrong = [one for one in findings if one.stands == "no"]
    if wrong:
        click.echo(f"{len(wrong)} of {len(findings)} need attention.")
        sys.exit(1)


async def examined(ctx: Context) -> AsyncIterator[Finding]:
    """Try one thing after the other; what is broken does not keep the rest from being tried."""
    yield await _database(ctx)
    yield await _channels(ctx)
    async for finding in _erp(ctx):
        yield finding


async def _database(ctx: Context) -> Finding:
    if await ctx.store.has_newest_layout():
        return Finding(what="database", stands="ok", says="reached, with the newest layout")
    return Finding(what="database", stands="no", says="an older layout: run `countersign migrate`")


async def _channels(ctx: Context) -> Finding:
    known = await ctx.store.read(lambda unit: {one.id for one in unit.channels.all()})
    rules = (*ctx.routing.rules, ctx.routing.catch_all)
    wanted = {rule.channel for rule in rules} | {
        channel for channel in (ctx.routing.alarms,) if channel
    }
    missing = sorted(wanted - known)
    if missing:
        says = f"the bot is not in {', '.join(missing)}: add the app to that team"
        return Finding(what="channels", stands="no", says=says)
    alarms = "" if ctx.routing.alarms else "; no channel is named for alarms"
    stands = "ok" if ctx.routing.alarms else "in part"
    return Finding(what="channels", stands=stands, says=f"the bot is in all of them{alarms}")


async def _erp(ctx: Context) -> AsyncIterator[Finding]:
    system = ctx.erp.capabilities().system
    try:
        lately = ctx.now() - timedelta(minutes=1)
        await ctx.erp.snapshot(SCOPES, since=lately)
        await ctx.erp.marked(since=lately)
    except CountersignError as away:
        yield Finding(what=system, stands="no", says=str(away))
        return
    able = ctx.erp.capabilities()
    yield Finding(what=system, stands="ok", says=f"reads {', '.join(sorted(able.reads))}")
    for what, why in sorted(able.reduced.items()):
        yield Finding(what=f"{system}: {what}", stands="in part", says=why)
    yield Finding(what=f"{system}: writes", stands="ok", says=", ".join(sorted(able.writes)))
    for kind, why in sorted(able.needs.items()):
        yield Finding(what=f"{system}: {kind}", stands="in part", says=why)
