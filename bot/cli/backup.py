"""Commands that copy the database, and that put a copy back."""

import asyncio
from pathlib import Path

import click

from bot.clock import utc_now
from bot.settings import settings_from_environment
from decisions.audit import AuditEvent
from decisions.lifecycle import State
from storage.audit import RESTORED, verify_chain
from storage.backup import back_up, restore
from storage.store import Store
from storage.unit_of_work import UnitOfWork


def take(to: Path) -> None:
    """Back the database up."""
    back_up(settings_from_environment().database, to)
    click.echo(f"{to} holds the database as it was a moment ago.")


def put_back(backup: Path, *, replace: bool) -> bool:
    """Restore a backup, note that in the chain and verify it; tell whether it holds."""
    settings = settings_from_environment()
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
    await store.turn(lambda unit: _note(unit, backup, entries))
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


def _note(unit: UnitOfWork, backup: Path, entries: int) -> None:
    unit.audit.append(
        AuditEvent(
            kind=RESTORED,
            at=utc_now(),
            recommendation=None,
            actor=None,
            body={"file": backup.name, "entries": entries},
        )
    )
