"""Commands that look at the records, or change what an operator may change."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from bot.app import context
from bot.settings import settings_from_environment
from bot.workflow import keys, quarantine
from bot.workflow.balance import balance
from bot.workflow.context import Context
from bot.workflow.ingest import Accepted, Conflicting, Held, Known
from storage.audit import verify_chain
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")


def _with(work: Callable[[Context], Awaitable[T]]) -> T:
    """Run a piece of work on the installation that the environment describes."""

    async def run() -> T:
        async with context(settings_from_environment(roles=())) as ctx:
            return await work(ctx)

    return asyncio.run(run())


def migrate() -> None:
    """Bring the database to the newest layout."""
    from storage.store import Store  # noqa: PLC0415  only this command needs no routing file

    store = Store.open(settings_from_environment(roles=()).database)
    store.migrate()
    store.close()
    click.echo("The database has the newest layout.")


def status() -> None:
    """Print what waits, and the channels that the rules name but the bot is not in."""

    async def work(ctx: Context) -> None:
        now = ctx.now()
        rules = (*ctx.routing.rules, ctx.routing.catch_all)

        def load(unit: UnitOfWork) -> tuple[list[tuple[str, int]], object, list[str]]:
            known = {channel.id for channel in unit.channels.all()}
            missing = sorted({rule.channel for rule in rules} - known)
            return sorted(unit.jobs.counts().items()), unit.jobs.oldest_due(now), list(missing)

        counts, oldest, missing = await ctx.store.read(load)
        table = Table("Job", "Waiting")
        for kind, number in counts:
            table.add_row(kind, str(number))
        console = Console()
        console.print(table)
        console.print(f"Oldest that is due: {oldest or 'none'}")
        for channel in missing:
            console.print(f"The bot is not in {channel}. Add the app to that team.", markup=False)

    _with(work)


def reconcile_erp(days: int) -> None:
    """Print what does not balance, and put it in the chain and on cards; 1 when there is some."""

    async def work(ctx: Context) -> bool:
        wrong = await balance(ctx, back=timedelta(days=days))
        table = Table("What", "Mark", "Documents")
        for one in wrong:
            table.add_row(one.what.replace("_", " "), one.marker, ", ".join(one.documents))
        if wrong:
            Console().print(table)
        else:
            click.echo(f"Everything of the last {days} days balances.")
        return bool(wrong)

    if _with(work):
        sys.exit(1)


def create_key(source: str, plants: tuple[str, ...], webhook: str | None) -> None:
    """Make a key and print it, once."""

    async def work(ctx: Context) -> None:
        order = keys.KeyOrder(source=source, plants=plants, webhook_url=webhook)
        made = await keys.create(order, store=ctx.store, routing=ctx.routing, now=ctx.now())
        click.echo(f"Key {made.key.id} for {source}. It is shown this once:\n\n  {made.text}\n")
        if webhook:
            holder = settings_from_environment(roles=["worker"])
            master = holder.webhook_secret.get_secret_value().encode()
            secret = keys.webhook_secret_text(master, source)
            click.echo(f"Its webhooks are signed with:\n\n  {secret}\n")

    _with(work)


def list_keys() -> None:
    """Print the keys, never their text."""

    async def work(ctx: Context) -> None:
        table = Table("Key", "Source", "Plants", "Webhook", "Made", "Revoked")
        for key in await keys.every(ctx.store):
            table.add_row(
                key.id,
                key.source,
                ", ".join(sorted(key.plants)),
                key.webhook_url or "",
                f"{key.created_at:%Y-%m-%d}",
                f"{key.revoked_at:%Y-%m-%d}" if key.revoked_at else "",
            )
        Console().print(table)

    _with(work)


def revoke_key(key_id: str) -> None:
    """Take a key out of use."""

    async def work(ctx: Context) -> None:
        await keys.revoke(key_id, store=ctx.store, now=ctx.now())
        click.echo(f"Key {key_id} no longer opens anything.")

    _with(work)


def list_quarantine() -> None:
    """Print what is held."""

    async def work(ctx: Context) -> None:
        table = Table("No.", "Source", "Their id", "Received", "Problems", "First problem")
        for held in await quarantine.held(ctx.store):
            first = held.problems[0]
            table.add_row(
                str(held.id),
                held.source,
                held.source_id or "",
                f"{held.received_at:%Y-%m-%d %H:%M} UTC",
                str(len(held.problems)),
                f"{first.path}: {first.what}",
            )
        Console().print(table)

    _with(work)


def show_quarantine(number: int) -> None:
    """Print one with every problem."""

    async def work(ctx: Context) -> None:
        held = await quarantine.show(number, ctx.store)
        console = Console()
        for problem in held.problems:
            console.print(f"{problem.path or '/'}: {problem.what}", markup=False)
        console.print(held.body, markup=False)

    _with(work)


def retry_quarantine(number: int) -> None:
    """Try one again and say what came of it."""

    async def work(ctx: Context) -> None:
        verdict = await quarantine.retry(number, ctx)
        match verdict:
            case Accepted(id=name) | Known(id=name):
                click.echo(f"{number} is recommendation {name} now.")
            case Conflicting(id=name, paths=paths):
                click.echo(
                    f"{number} stays: {name} stands under its id; {', '.join(paths)} differ."
                )
            case Held(problems=problems):
                click.echo(f"{number} stays: {len(problems)} problems are left.")

    _with(work)


def drop_quarantine(number: int) -> None:
    """Put one aside for good."""

    async def work(ctx: Context) -> None:
        await quarantine.drop(number, ctx)
        click.echo(f"{number} is put aside. It stays in the audit chain.")

    _with(work)


def verify_audit() -> bool:
    """Walk the chain and print what does not hold."""

    async def work(ctx: Context) -> bool:
        broken, (seq, _) = await ctx.store.read(
            lambda unit: (list(verify_chain(unit)), unit.audit.head())
        )
        for one in broken:
            click.echo(f"entry {one.seq}: {one.what}")
        click.echo(
            f"{seq} entries: the chain holds."
            if not broken
            else f"{seq} entries: {len(broken)} places do not hold."
        )
        return not broken

    return _with(work)
