from datetime import timedelta

from sqlalchemy import create_engine, text

from bot.app import running
from bot.clock import utc_now
from bot.settings import settings_from


async def ready(world):
    async with world.http.get(f"{world.url}/readyz") as answer:
        return answer.status, await answer.json()


async def test_the_process_says_that_it_lives(world):
    async with world.http.get(f"{world.url}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_every_part_is_named_when_all_is_well(world):
    status, said = await ready(world)

    assert (status, said["status"]) == (200, "ready")
    assert said["parts"] == {"database": "ok", "layout": "ok"}
    assert said["stale"] is False


async def test_a_database_with_another_layout_is_not_ready(world):
    engine = create_engine(world.database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'first_tables'"))
    engine.dispose()

    status, said = await ready(world)

    assert status == 503
    assert "countersign migrate" in said["parts"]["layout"]


async def test_a_job_that_waits_long_is_shown_and_restarts_nothing(world):
    await world.stop()
    late = utc_now() - timedelta(minutes=11)

    async with running(settings_from(world.environment()), work=False) as idle:
        await idle.ctx.store.turn(lambda unit: unit.jobs.add("tell", "late", {}, due_at=late))
        world.url = idle.url
        status, said = await ready(world)

    assert (status, said["status"]) == (200, "ready")
    assert said["oldest_due"] == late.isoformat()
    assert said["stale"] is True
