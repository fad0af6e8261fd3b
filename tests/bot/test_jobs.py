"""The worker: due jobs run, broken ones wait, a lost lease is left alone."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from bot.jobs import LEASE, Worker, backoff
from bot.workflow.retry import RetryLaterError
from storage.store import Store
from tests.build import NOW


class HandClock:
    """A clock that a test moves."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return HandClock()


async def line_up(store, *keys, lane=None, due=NOW):
    def turn(unit):
        for key in keys:
            unit.jobs.add("work", key, {"key": key}, due_at=due, lane=lane)

    await store.turn(turn)


async def waiting(store):
    return await store.read(lambda unit: unit.jobs.counts())


async def test_due_jobs_run_once_and_are_done(store, clock):
    ran = []

    async def step(job):
        ran.append(job.key)

    worker = Worker(store, {"work": step}, now=clock, at_once=4)
    await line_up(store, "a", "b")
    await line_up(store, "later", due=NOW + timedelta(hours=1))

    assert await worker.drain() == 2
    assert await worker.drain() == 0
    assert sorted(ran) == ["a", "b"]
    assert await waiting(store) == {"work": 1}


async def test_what_asks_to_wait_is_tried_again_then(store, clock):
    tries = []

    async def step(_job):
        tries.append(clock.now)
        if len(tries) == 1:
            raise RetryLaterError(timedelta(minutes=5), "the ERP is away")

    worker = Worker(store, {"work": step}, now=clock, at_once=1)
    await line_up(store, "a")
    await worker.drain()
    clock.now += timedelta(minutes=4)
    await worker.drain()
    clock.now += timedelta(minutes=1)
    await worker.drain()

    assert tries == [NOW, NOW + timedelta(minutes=5)]
    assert await waiting(store) == {}


async def test_what_breaks_waits_longer_each_time_and_harms_nobody(store, clock, caplog):
    ran = []

    async def step(job):
        if job.key == "bad":
            raise ZeroDivisionError
        ran.append(job.key)

    worker = Worker(store, {"work": step}, now=clock, at_once=2)
    await line_up(store, "bad", "good")
    await worker.drain()

    assert ran == ["good"]
    assert await waiting(store) == {"work": 1}
    assert "job bad broke" in caplog.text


def test_the_wait_doubles_up_to_ten_minutes():
    waits = [backoff(attempt).total_seconds() for attempt in (1, 2, 3, 30)]

    assert waits == [2, 4, 8, 600]


async def test_a_lane_runs_one_at_a_time_in_order(store, clock):
    ran, inside = [], []

    async def step(job):
        inside.append(job.key)
        await asyncio.sleep(0.01)
        ran.append(tuple(inside))
        inside.clear()

    worker = Worker(store, {"work": step}, now=clock, at_once=8)
    await line_up(store, "1", "2", "3", lane="teams:purchasing")
    await worker.drain()

    assert ran == [("1",), ("2",), ("3",)]


async def test_who_slept_longer_than_the_lease_cannot_finish_what_another_took_over(
    store, clock, caplog
):
    asleep, woken = asyncio.Event(), asyncio.Event()
    ran = []

    async def sleeper(_job):
        ran.append("sleeper")
        asleep.set()
        await woken.wait()
        raise RetryLaterError(timedelta(hours=1), "I want it again")

    async def other(_job):
        ran.append("other")

    await line_up(store, "a")
    slow = Worker(store, {"work": sleeper}, now=clock, at_once=1)
    fast = Worker(store, {"work": other}, now=clock, at_once=1)
    sleeping = asyncio.create_task(slow.drain())
    await asleep.wait()
    clock.now += LEASE + timedelta(seconds=1)
    await fast.drain()
    woken.set()
    await sleeping

    assert ran == ["sleeper", "other"]
    assert await waiting(store) == {}
    assert "took longer than its lease" in caplog.text


async def test_a_running_worker_is_woken_by_new_work_and_stops_when_told(store, clock):
    done = asyncio.Event()

    async def step(_job):
        done.set()

    worker = Worker(store, {"work": step}, now=clock, at_once=1)
    store.on_jobs(worker.wake)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0.05)
    await line_up(store, "a")
    await asyncio.wait_for(done.wait(), 5)
    worker.stop()
    await asyncio.wait_for(running, 5)

    assert await waiting(store) == {}


async def test_what_cannot_finish_in_time_is_left_to_its_lease(store, clock):
    begun = asyncio.Event()

    async def step(_job):
        begun.set()
        await asyncio.Event().wait()

    worker = Worker(
        store, {"work": step}, now=clock, at_once=1, last_jobs=timedelta(milliseconds=10)
    )
    await line_up(store, "a")
    running = asyncio.create_task(worker.run())
    await begun.wait()
    worker.stop()
    await running

    def taken_over(after):
        return store.turn(lambda unit: unit.jobs.claim(NOW + after, LEASE, 1))

    assert await taken_over(LEASE - timedelta(seconds=1)) == ()
    (job,) = await taken_over(LEASE)
    assert (job.key, job.attempts) == ("a", 2)


async def test_few_jobs_run_while_somebody_waits_for_an_answer(store, clock):
    running, most, ran = 0, 0, []

    async def step(job):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        ran.append(job.key)

    worker = Worker(store, {"work": step}, now=clock, at_once=8, people_wait=lambda: True)
    await line_up(store, *"abcde")

    await worker.drain()

    assert sorted(ran) == [*"abcde"]
    assert most == 1


async def test_a_lane_that_is_never_empty_does_not_starve_the_others_while_people_click(
    store, clock
):
    ran = []

    async def step(job):
        ran.append(job.key)

    worker = Worker(store, {"work": step}, now=clock, at_once=8, people_wait=lambda: True)
    await store.turn(
        lambda unit: [
            unit.jobs.add("work", f"in lane {n}", {}, due_at=NOW - LEASE, lane=f"lane {n}")
            for n in range(12)
        ]
    )
    await line_up(store, "free")

    await worker.drain()

    assert ran.index("free") == 3


class Away(Store):
    """A database that is away for a while."""

    failures = 2

    async def turn(self, work):
        if self.failures:
            self.failures -= 1
            raise OperationalError("SELECT 1", {}, Exception("the database is away"))
        return await super().turn(work)


async def test_a_worker_outlives_a_database_that_is_away(database, clock):
    store, ran = Away.open(database), asyncio.Event()

    async def step(_job):
        ran.set()

    worker = Worker(store, {"work": step}, now=clock, at_once=1)
    await Store.turn(store, lambda unit: unit.jobs.add("work", "a", {}, due_at=NOW))
    running = asyncio.create_task(worker.run())
    await asyncio.wait_for(ran.wait(), 20)
    worker.stop()
    await running
    store.close()

    assert store.failures == 0
