"""Faults that are not at a point: a full disk, a database that restarts, clocks, long outages."""

import asyncio
from contextlib import suppress

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, make_url, text

from tests.fakes.databases import postgres_server
from tests.faults.walk import a_life

HOUR = 3600.0
LASTING = 3.0
"""Seconds that a storm blows."""

STEPS = 4
"""In which an hour passes: at each of them every lease runs out."""

_FULL = (
    """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
    END $$
    """,
    "CREATE TRIGGER full_disk BEFORE INSERT ON audit EXECUTE FUNCTION full_disk()",
)


async def storm(name, setting):
    """Live once in a storm; None where it cannot blow on this database."""
    if name == "database restarted" and setting.database != "postgresql":
        return None
    async with a_life(setting) as life:
        blowing = asyncio.create_task(_blow(name, life))
        try:
            return await life.lived()
        finally:
            blowing.cancel()
            with suppress(asyncio.CancelledError):
                await blowing


async def _blow(name, life):
    """Let the storm begin when the recommendation was sent."""
    await life.teams.wait_for(lambda: life.sent, within=30)
    await STORMS[name](life)


async def full_disk(life):
    """Let the database take nothing more for a while."""
    engine = create_engine(life.database)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            life.pages.write_text(str(connection.execute(text("PRAGMA page_count")).scalar()))
        else:
            for statement in _FULL:
                connection.exec_driver_sql(statement)
    await asyncio.sleep(LASTING)
    life.pages.write_text("")
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION full_disk CASCADE")
    engine.dispose()


async def restarted(life):
    """End every connection, again and again, as a database does that restarts."""
    address = f"postgresql://postgres@/postgres?host={postgres_server().folder}"
    statement = sql.SQL(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
    )
    with psycopg.connect(address, autocommit=True) as connection:
        for _ in range(10):
            connection.execute(statement.format(make_url(life.database).database))
            await asyncio.sleep(LASTING / 10)


async def clock_ahead(life):
    """Let the clock be two hours ahead for a while."""
    await _clock(life, 2 * HOUR)


async def clock_behind(life):
    """Let the clock be an hour behind for a while."""
    await _clock(life, -HOUR)


async def _clock(life, moved):
    _set_clock(life, moved)
    await asyncio.sleep(LASTING)
    _set_clock(life, 0.0)


def _set_clock(life, moved):
    """Move the clock of all processes at once; nobody may read half a number."""
    new = life.clock.with_suffix(".new")
    new.write_text(str(moved))
    new.replace(life.clock)


async def teams_away(life):
    """Let Teams answer nothing for an hour of the program's clock."""
    life.teams.fail_next(503, times=100_000)
    await _an_hour(life)
    life.teams.calm()


async def erp_away(life):
    """Let the ERP answer nothing for an hour of the program's clock."""
    life.erp.faults.down = True
    await _an_hour(life)
    life.erp.faults.down = False
    await _an_hour(life)


async def _an_hour(life):
    begun = float(life.clock.read_text()) if life.clock.exists() else 0.0
    for step in range(1, STEPS + 1):
        _set_clock(life, begun + HOUR * step / STEPS)
        await asyncio.sleep(LASTING / STEPS)


STORMS = {
    "disk full": full_disk,
    "database restarted": restarted,
    "clock two hours ahead": clock_ahead,
    "clock an hour behind": clock_behind,
    "Teams away for an hour": teams_away,
    "ERP away for an hour": erp_away,
}
