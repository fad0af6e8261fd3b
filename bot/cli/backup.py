"""Commands that copy the database, and that put a copy back."""

import asyncio
from pathlib import Path

import click

from bot.clock import utc_now
from bot.settings import settings_from_environment
from bot.workflow.restored import note_restored
from decisions.lifecycle import State
from storage.audit import verify_chain
from storage.backup import back_up, restore
from storage.store import Store


def take(to: Path) -> None:
    """Back the database up."""
    back_up(settings_from_environment(roles=()).database, to)
    click.echo(f"{to} holds the database as it was a moment ago.")


def put_back(backup: Path, *, replace: bool) -> bool:
    """Restore a backup, note that in the chain and verify it; tell whether it holds."""
    settings = settings_from_environment(roles=())
    restore(settings.database, backup, replace=replace)
    store = Store.open(settings.database)
    try:
        return asyncio.run(_after(store, backup))
    finally:
        store.close()


async def _after(store: Store, backup: Path) -> bool:
    broken, (entries, _), figures = await store.read(
        lambda unit: (list(verify_chain(unit)), unit.audit.head(), unit.figures(utc_now()))
    )
    for one in broken:
        click.echo(f"entry {one.seq}: {one.what}")
    if broken:
        click.echo("The audit chain of this backup does not hold. Do not start the program.")
        return False
    await store.turn(lambda unit: note_restored(unit, file=backup.name, now=utc_now()))
    waiting = sum(
        figures.recommendations.get(state, 0)
        for state in (State.APPROVED, State.WRITING, State.UNKNOWN)
    )
    click.echo(
        f"Restored, {entries} audit entries: the chain holds. {waiting} approved changes may have "
        "been written since the backup: each is looked for in the ERP before anything is sent. "
        "What was decided or received since is gone: docs/operations.md says what to do."
    )
    return True
