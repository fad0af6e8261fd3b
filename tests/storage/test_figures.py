from datetime import timedelta

import pytest
from sqlalchemy import create_engine, event, insert, text

from storage.figures import read_figures
from storage.jobs import Jobs
from storage.tables import jobs
from tests.build import NOW, a_decision, a_raw_recommendation, a_recommendation, an_event

MINUTE = timedelta(minutes=1)


@pytest.fixture
def engine(url):
    made = create_engine(url)
    yield made
    made.dispose()


def look(unit):
    return unit.figures(NOW)


async def test_jobs_are_counted_by_kind_with_the_age_of_the_oldest_that_is_due(store):
    def add(unit):
        unit.jobs.add("post", "post:1", {}, due_at=NOW - MINUTE, lane="a")
        unit.jobs.add("post", "post:2", {}, due_at=NOW - 2 * MINUTE, lane="b")
        unit.jobs.add("expire", "expire:1", {}, due_at=NOW + MINUTE)
        unit.jobs.add("write", "write:1", {}, due_at=NOW - 3 * MINUTE)

    await store.turn(add)

    figures = await store.read(look)

    assert {kind: one.waiting for kind, one in figures.jobs.items()} == {
        "post": 2,
        "expire": 1,
        "write": 1,
    }
    assert figures.jobs["post"].oldest_due == NOW - 2 * MINUTE
    assert figures.jobs["expire"].oldest_due is None
    assert figures.oldest_due == NOW - 3 * MINUTE


async def test_a_job_that_failed_last_time_is_counted_until_it_is_done(store):
    await store.turn(lambda unit: unit.jobs.add("post", "post:1", {}, due_at=NOW))
    (job,) = await store.turn(lambda unit: unit.jobs.claim(NOW, MINUTE, 1))
    await store.turn(lambda unit: unit.jobs.retry(job, NOW + MINUTE, "Teams is away"))
    failing = (await store.read(look)).jobs["post"].failing
    (again,) = await store.turn(lambda unit: unit.jobs.claim(NOW + MINUTE, MINUTE, 1))

    await store.turn(lambda unit: unit.jobs.finish(again))

    assert failing == 1
    assert (await store.read(look)).jobs == {}


async def test_what_is_over_is_not_counted(store):
    one, decision = a_recommendation(), a_decision()

    def keep(unit):
        unit.recommendations.add(one, a_raw_recommendation())
        unit.decisions.add(one.id, decision)
        unit.orders.claim(one.id, decision.id, one.plan.hash, attempt=1, now=NOW)

    await store.turn(keep)
    before = await store.read(look)

    await store.turn(lambda unit: unit.orders.finish(one.id, "written", document="PO-1"))

    assert before.recommendations == {one.state.value: 1}
    assert before.orders == {"sending": 1}
    assert (await store.read(look)).orders == {}


async def test_alarms_and_the_length_of_the_chain_are_told(store):
    await store.turn(lambda unit: unit.audit.append(an_event(kind="alarm")))
    await store.turn(lambda unit: unit.audit.append(an_event()))

    figures = await store.read(look)

    assert (figures.alarms, figures.audit_entries, figures.quarantined) == (1, 2, 0)


def test_no_count_looks_at_rows_that_are_over(engine):
    with engine.begin() as connection:
        rows = [
            {
                "kind": "post",
                "key": str(number),
                "lane": "a" if number % 2 else None,
                "payload": {},
                "due_at": NOW,
                "attempts": 1,
                "waiting": True,
                "done": True,
                "error": "",
            }
            for number in range(5000)
        ]
        connection.execute(insert(jobs), rows)
        connection.execute(text("ANALYZE"))
    asked = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))

    with engine.begin() as connection:
        read_figures(connection, NOW)
        plans = [_plan(connection, sql, values) for sql, values in asked.copy()]

    whole = [
        plan
        for plan in plans
        if ("SCAN jobs" in plan and "jobs_undone" not in plan) or "Seq Scan on jobs" in plan
    ]
    assert whole == []


def _plan(connection, sql, values):
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return str(connection.exec_driver_sql(explain + sql, values).all())


def test_among_many_that_wait_due_jobs_of_some_kinds_are_found_by_when_they_are_due(engine):
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL plans by its statistics
    asked = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))

    with engine.begin() as connection:
        Jobs(connection).claim(NOW, timedelta(minutes=1), 8, kinds={"post", "write"})
        plans = " ".join(_plan(connection, sql, values) for sql, values in asked.copy())

    assert "jobs_free" in plans
    assert "jobs_undone" not in plans
