import asyncio
import sqlite3
import threading

import pytest
from sqlalchemy.exc import DBAPIError

from decisions.recommendation import RecommendationId
from storage.engines import UnknownDatabaseError
from storage.inserts import RacedError
from storage.store import TRIES, Store
from tests.build import (
    CHANNEL,
    ID,
    NOW,
    a_decision,
    a_raw_recommendation,
    a_recommendation,
    an_approved,
    an_event,
)
from tests.fakes.databases import fresh_sqlite
from tests.storage import intruder

FIRST, SECOND = RecommendationId("F1RST00000"), RecommendationId("SEC0ND0000")


class Boom(Exception):  # noqa: N818  it stands for any error at all
    pass


def keep_everything(unit):
    unit.recommendations.add(a_recommendation(), a_raw_recommendation())
    unit.recommendations.keep(an_approved())
    unit.decisions.add(ID, a_decision())
    unit.audit.append(an_event())
    unit.jobs.add("show", "show", {}, due_at=NOW)
    unit.channels.keep(CHANNEL, NOW)
    unit.cards.keep(b"{}")


def what_is_kept(unit):
    return (
        unit.recommendations.get(ID),
        unit.decisions.of(ID),
        unit.audit.head()[0],
        unit.jobs.counts(),
        unit.channels.all(),
    )


async def test_a_turn_returns_what_its_work_returned(store):
    assert await store.turn(lambda _: "done") == "done"
    assert await store.read(lambda _: "seen") == "seen"


async def test_a_turn_keeps_all_of_it(store):
    await store.turn(keep_everything)

    assert await store.read(what_is_kept) == (
        an_approved(),
        (a_decision(),),
        1,
        {"show": 1},
        (CHANNEL,),
    )


async def test_an_error_undoes_all_of_it(store):
    def turn(unit):
        keep_everything(unit)
        raise Boom

    with pytest.raises(Boom):
        await store.turn(turn)

    assert await store.read(what_is_kept) == (None, (), 0, {}, ())


async def test_a_reading_turn_keeps_nothing(store):
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        await store.read(lambda unit: unit.channels.keep(CHANNEL, NOW))

    assert await store.read(what_is_kept) == (None, (), 0, {}, ())


async def test_reading_does_not_wait_for_a_turn_that_writes(store):
    kept, seen = threading.Event(), threading.Event()

    def slow(unit):
        keep_everything(unit)
        kept.set()
        return seen.wait(10)

    turn = asyncio.create_task(store.turn(slow))
    await asyncio.to_thread(kept.wait, 10)
    before = await store.read(what_is_kept)
    seen.set()

    assert before == (None, (), 0, {}, ())
    assert await turn is True


async def test_a_reading_turn_sees_one_moment(replicas):
    looked, grown = threading.Event(), threading.Event()

    def look_twice(unit):
        before = unit.audit.head()
        looked.set()
        grown.wait(10)
        return before, unit.audit.head(), len(list(unit.audit.walk()))

    reading = asyncio.create_task(replicas[0].read(look_twice))
    await asyncio.to_thread(looked.wait, 10)
    await replicas[1].turn(keep_everything)
    grown.set()

    before, after, entries = await reading
    assert before == after
    assert entries == 0


async def test_a_turn_that_somebody_got_in_the_way_of_runs_again(store):
    tried = []

    def turn(unit):
        keep_everything(unit)
        tried.append(len(tried))
        if len(tried) < 3:
            raise RacedError
        return "kept"

    assert await store.turn(turn) == "kept"
    assert (await store.read(what_is_kept))[2] == 1


async def test_a_turn_that_never_gets_through_says_so(store):
    tried = []

    def turn(_):
        tried.append(None)
        raise RacedError

    with pytest.raises(RacedError):
        await store.turn(turn)

    assert len(tried) == TRIES


async def test_turns_that_lock_each_other_out_both_get_through(postgres_store):
    def seed(unit):
        for one in (FIRST, SECOND):
            unit.recommendations.add(
                a_recommendation(id=one, source_id=one), a_raw_recommendation(source_id=one)
            )

    await postgres_store.turn(seed)
    both_hold_one = threading.Barrier(2)
    runs = []

    def turn(one, other):
        def work(unit):
            runs.append(one)
            unit.recommendations.lock(one)
            if runs.count(one) == 1:
                both_hold_one.wait(10)
            return unit.recommendations.lock(other).id

        return work

    found = await asyncio.gather(
        postgres_store.turn(turn(FIRST, SECOND)), postgres_store.turn(turn(SECOND, FIRST))
    )

    assert found == [SECOND, FIRST]
    assert len(runs) == 3


async def test_a_turn_survives_a_restart_of_the_server(postgres_store, postgres_url):
    await postgres_store.turn(lambda unit: unit.audit.append(an_event()))
    intruder.run(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )

    await postgres_store.turn(keep_everything)

    assert (await postgres_store.read(what_is_kept))[2] == 2


async def test_a_turn_waits_for_another_process_on_the_same_file(tmp_path):
    url = fresh_sqlite(tmp_path)
    store = Store.open(url)
    other = sqlite3.connect(
        url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    turn = asyncio.create_task(store.turn(keep_everything))
    await asyncio.sleep(0.1)
    other.execute("COMMIT")
    other.close()

    await turn

    assert (await store.read(what_is_kept))[2] == 1
    store.close()


async def test_what_is_kept_is_on_disk_and_safe_from_a_power_cut(tmp_path):
    store = Store.open(fresh_sqlite(tmp_path))

    settings = await store.turn(
        lambda unit: [
            unit.cards._connection.exec_driver_sql(f"PRAGMA {name}").scalar()  # noqa: SLF001  what no repository shows
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )

    assert settings == ["wal", 2, 1]
    store.close()


async def test_workers_are_woken_when_jobs_are_kept(store):
    woken = []
    store.on_jobs(lambda: woken.append(1))
    store.on_jobs(lambda: woken.append(2))

    await store.turn(keep_everything)
    await asyncio.sleep(0)

    assert woken == [1, 2]


async def test_nobody_is_woken_for_nothing(store):
    woken = []
    store.on_jobs(lambda: woken.append(1))

    def undone(unit):
        keep_everything(unit)
        raise Boom

    with pytest.raises(Boom):
        await store.turn(undone)
    await store.turn(lambda unit: unit.audit.append(an_event()))
    await asyncio.sleep(0)

    assert woken == []


async def test_workers_of_other_replicas_are_woken(postgres_store, postgres_url):
    other, woken = Store.open(postgres_url), asyncio.Event()
    listening = asyncio.create_task(other.listen(woken.set))
    await asyncio.wait_for(woken.wait(), 10)
    woken.clear()

    await postgres_store.turn(keep_everything)

    await asyncio.wait_for(woken.wait(), 10)
    listening.cancel()
    other.close()


async def test_listening_goes_on_after_the_connection_broke(postgres_store, postgres_url):
    woken = asyncio.Event()
    listening = asyncio.create_task(postgres_store.listen(woken.set))
    await asyncio.wait_for(woken.wait(), 10)
    woken.clear()

    intruder.run(
        postgres_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE starts_with(query, 'LISTEN')",
    )

    await asyncio.wait_for(woken.wait(), 10)
    listening.cancel()


async def test_on_sqlite_nobody_else_is_heard(tmp_path):
    store = Store.open(f"sqlite:///{tmp_path / 'file.db'}")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(store.listen(lambda: None), 0.05)

    store.close()


@pytest.mark.parametrize("url", ["mysql://ana:secret@host/name", "sqlite://"])
def test_another_database_is_refused_without_its_password(url):
    with pytest.raises(UnknownDatabaseError) as refused:
        Store.open(url)

    assert "secret" not in str(refused.value)
