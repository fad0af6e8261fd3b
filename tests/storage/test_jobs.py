import asyncio
import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from storage.jobs import LostLeaseError
from storage.store import Store
from tests.build import NOW
from tests.storage import intruder

LEASE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def add(*keys, due_at=NOW, lane=None, kind="show"):
    def turn(unit):
        for key in keys:
            unit.jobs.add(kind, key, {"id": key}, due_at=due_at, lane=lane)

    return turn


def claim(now=NOW, limit=10, kinds=None):
    return lambda unit: unit.jobs.claim(now, LEASE, limit, kinds=kinds)


async def claimed(store, now=NOW, limit=10, kinds=None):
    return [job.key for job in await store.turn(claim(now, limit, kinds))]


async def the_one(store, now=NOW):
    (job,) = await store.turn(claim(now))
    return job


async def test_a_claimed_job_says_all_that_is_to_be_known(store):
    payload = {"id": "x", "n": 1, "list": [True, None, "Größe \x00"], "map": {}}
    await store.turn(
        lambda unit: unit.jobs.add("show", "show:x:1", payload, due_at=NOW, lane="teams:a")
    )

    job = await the_one(store, NOW + SECOND)

    assert (job.kind, job.key, job.lane, job.payload) == ("show", "show:x:1", "teams:a", payload)
    assert (job.due_at, job.attempts, job.until) == (NOW, 1, NOW + SECOND + LEASE)


async def test_a_job_is_there_once_per_key(store):
    await store.turn(add("a", "b", "a"))

    assert await claimed(store) == ["a", "b"]


async def test_a_job_that_was_done_is_not_done_again(store):
    await store.turn(add("a"))
    job = await the_one(store)
    await store.turn(lambda unit: unit.jobs.finish(job))

    await store.turn(add("a"))

    assert await claimed(store, NOW + 2 * LEASE) == []


async def test_nothing_starts_before_it_is_due(store):
    await store.turn(add("later", due_at=NOW + SECOND))
    await store.turn(add("later in a lane", due_at=NOW + SECOND, lane="a"))

    assert await claimed(store, NOW + SECOND - timedelta(microseconds=1)) == []
    assert await claimed(store, NOW + SECOND) == ["later", "later in a lane"]


async def test_the_longest_due_starts_first_and_no_more_than_wanted(store):
    await store.turn(add("third", due_at=NOW))
    await store.turn(add("first", due_at=NOW - 2 * SECOND))
    await store.turn(add("second", due_at=NOW - SECOND, lane="a"))

    assert await claimed(store, limit=2) == ["first", "second"]
    assert await claimed(store, limit=2) == ["third"]


async def test_only_the_kinds_asked_for_are_claimed(store):
    await store.turn(add("post", kind="show"))
    await store.turn(add("write", kind="write"))
    await store.turn(add("write in a lane", kind="write", lane="erp"))
    await store.turn(add("read in the same lane", kind="read", lane="erp", due_at=NOW))

    assert await claimed(store, kinds={"show", "read"}) == ["post"]
    assert await claimed(store, kinds={"write"}) == ["write", "write in a lane"]


async def test_a_claimed_job_is_nobody_elses_until_its_lease_ends(replicas):
    await replicas[0].turn(add("a"))
    await the_one(replicas[0])

    assert await claimed(replicas[1], NOW + LEASE - SECOND) == []
    assert (await the_one(replicas[1], NOW + LEASE)).attempts == 2


async def test_a_lease_can_be_renewed(replicas):
    await replicas[0].turn(add("a"))
    job = await the_one(replicas[0])

    await replicas[0].turn(lambda unit: unit.jobs.renew(job, NOW + 5 * LEASE))

    assert await claimed(replicas[1], NOW + 4 * LEASE) == []
    await replicas[0].turn(lambda unit: unit.jobs.finish(job))


@pytest.mark.parametrize(
    "late",
    [
        lambda unit, job: unit.jobs.finish(job),
        lambda unit, job: unit.jobs.retry(job, NOW, "too late"),
        lambda unit, job: unit.jobs.hold(job, NOW, "too late"),
        lambda unit, job: unit.jobs.renew(job, NOW + LEASE),
    ],
    ids=["finish", "retry", "hold", "renew"],
)
async def test_who_lost_a_job_changes_nothing_any_more(replicas, late):
    dead, alive = replicas[:2]
    await dead.turn(add("a"))
    lost = await the_one(dead)
    taken = await the_one(alive, NOW + LEASE)

    def come_back(unit):
        unit.jobs.add("show", "from the dead", {}, due_at=NOW)
        late(unit, lost)

    with pytest.raises(LostLeaseError, match="Job a took longer than its lease"):
        await dead.turn(come_back)

    await alive.turn(lambda unit: unit.jobs.finish(taken))
    assert await claimed(alive, NOW + 9 * LEASE) == []


async def test_a_finished_job_cannot_be_finished_twice(store):
    await store.turn(add("a"))
    job = await the_one(store)
    await store.turn(lambda unit: unit.jobs.finish(job))

    with pytest.raises(LostLeaseError):
        await store.turn(lambda unit: unit.jobs.finish(job))


async def test_a_job_is_tried_again_when_it_says_so(store):
    await store.turn(add("a"))
    job = await the_one(store)

    await store.turn(lambda unit: unit.jobs.retry(job, NOW + SECOND, "the ERP is away"))

    assert await claimed(store, NOW) == []
    assert (await the_one(store, NOW + SECOND)).attempts == 2


async def test_a_job_can_be_struck_out_before_it_starts(store):
    await store.turn(add("a", "b"))

    assert await store.turn(lambda unit: unit.jobs.cancel("a")) is True
    assert await store.turn(lambda unit: unit.jobs.cancel("a")) is False
    assert await store.turn(lambda unit: unit.jobs.cancel("never there")) is False
    assert await claimed(store) == ["b"]


async def test_a_job_that_runs_is_not_struck_out(store):
    await store.turn(add("a"))
    job = await the_one(store)

    assert await store.turn(lambda unit: unit.jobs.cancel("a")) is False
    await store.turn(lambda unit: unit.jobs.finish(job))


async def test_a_lane_runs_one_job_at_a_time_in_order(store):
    await store.turn(add("second", due_at=NOW - SECOND, lane="a"))
    await store.turn(add("third", "fourth", due_at=NOW, lane="a"))
    await store.turn(add("first", due_at=NOW - 2 * SECOND, lane="a"))
    order = []

    for _ in range(4):
        job = await the_one(store)
        order.append(job.key)
        await store.turn(lambda unit, job=job: unit.jobs.finish(job))

    assert order == ["first", "second", "third", "fourth"]


async def test_lanes_do_not_wait_for_one_another(store):
    await store.turn(add("a1", "a2", lane="a"))
    await store.turn(add("b1", lane="b"))
    await store.turn(add("free"))

    assert await claimed(store) == ["a1", "b1", "free"]


async def test_what_was_interrupted_goes_first_in_its_lane(store):
    await store.turn(add("interrupted", "next", lane="a"))
    await the_one(store)

    assert await claimed(store, NOW + LEASE) == ["interrupted"]


async def test_what_was_put_off_can_be_made_due_and_nothing_else(store):
    await store.turn(add("tried", kind="prepare"))
    await store.turn(add("other", kind="post"))
    tried, other = await store.turn(claim())
    later = NOW + timedelta(hours=1)
    await store.turn(lambda unit: unit.jobs.retry(tried, later, "the vendor is blocked"))
    await store.turn(lambda unit: unit.jobs.retry(other, later, "busy"))
    await store.turn(add("timer", kind="prepare", due_at=later))

    hurried = await store.turn(lambda unit: unit.jobs.hurry("prepare", NOW + SECOND))

    assert hurried == 1
    assert await claimed(store, NOW + SECOND) == ["tried"]


async def test_others_overtake_what_is_tried_again(store):
    await store.turn(add("a", "b", lane="a"))
    job = await the_one(store)

    await store.turn(lambda unit: unit.jobs.retry(job, NOW + SECOND, "refused"))

    assert await claimed(store, NOW + SECOND) == ["b"]


async def test_nothing_overtakes_what_holds_its_lane(store):
    await store.turn(add("a", "b", lane="a"))
    job = await the_one(store)

    await store.turn(lambda unit: unit.jobs.hold(job, NOW + SECOND, "Teams is busy"))

    assert await claimed(store, NOW) == []
    assert await claimed(store, NOW + SECOND) == ["a"]


async def test_no_lane_runs_two_jobs_even_past_the_program(store, url):
    await store.turn(add("a", "b", lane="a"))
    await store.turn(claim())

    with pytest.raises(IntegrityError):
        intruder.run(url, "UPDATE jobs SET waiting = false WHERE key = 'b'")


async def test_four_claimers_never_share_a_job_or_a_lane(replicas):
    lanes = [None, "a", "b", "c", None]
    await replicas[0].turn(
        lambda unit: [
            unit.jobs.add("show", f"{n}", {"n": n}, due_at=NOW, lane=lanes[n % 5])
            for n in range(100)
        ]
    )
    started, running, order = Counter(), set(), {"a": [], "b": [], "c": []}

    async def work(store):
        idle = 0
        while idle < 20:
            jobs = await store.turn(claim(limit=3))
            idle = 0 if jobs else idle + 1
            for job in jobs:
                assert job.lane is None or job.lane not in running
                running.add(job.lane)
                started[job.key] += 1
                order.get(job.lane, []).append(job.payload["n"])
            await asyncio.sleep(0.001)
            for job in jobs:
                running.discard(job.lane)
                await store.turn(lambda unit, job=job: unit.jobs.finish(job))

    await asyncio.gather(*map(work, replicas))

    assert started == Counter({f"{n}": 1 for n in range(100)})
    assert order == {
        lane: [n for n in range(100) if lanes[n % 5] == lane] for lane in ("a", "b", "c")
    }


async def test_a_claimer_keeps_others_out_of_its_lane_before_it_commits(
    postgres_store, postgres_url
):
    other = Store.open(postgres_url)
    await postgres_store.turn(add("a", lane="a"))
    claimed_one, go_on = threading.Event(), threading.Event()

    def slow(unit):
        jobs = claim()(unit)
        claimed_one.set()
        go_on.wait(10)
        return jobs

    first = asyncio.create_task(postgres_store.turn(slow))
    await asyncio.to_thread(claimed_one.wait, 10)
    await other.turn(add("earlier", due_at=NOW - SECOND, lane="a"))
    second = await claimed(other)
    go_on.set()

    assert second == []
    assert [job.key for job in await first] == ["a"]
    other.close()


async def test_the_next_job_says_until_when_a_worker_may_sleep(store):
    async def next_due(kinds=None):
        return await store.read(lambda unit: unit.jobs.next_due(kinds=kinds))

    assert await next_due() is None

    await store.turn(add("free", due_at=NOW + 3 * SECOND))
    await store.turn(add("behind", due_at=NOW + 2 * SECOND, lane="a", kind="write"))
    await store.turn(add("in front", due_at=NOW + SECOND, lane="a", kind="write"))

    assert await next_due() == NOW + SECOND
    assert await next_due({"show"}) == NOW + 3 * SECOND

    await the_one(store, NOW + SECOND)

    assert await next_due({"write"}) == NOW + SECOND + LEASE


async def test_the_longest_wait_is_known(store):
    async def oldest():
        return await store.read(lambda unit: unit.jobs.oldest_due(NOW))

    await store.turn(add("not due", due_at=NOW + SECOND))
    assert await oldest() is None

    await store.turn(add("due", due_at=NOW - SECOND))
    await store.turn(add("longer due", due_at=NOW - 2 * SECOND, lane="a"))
    assert await oldest() == NOW - 2 * SECOND


async def test_what_is_not_done_is_counted_by_kind(store):
    await store.turn(add("a", "b", "c", kind="show"))
    await store.turn(add("d", kind="write"))
    job = (await store.turn(claim(limit=1)))[0]
    await store.turn(lambda unit: unit.jobs.finish(job))

    assert await store.read(lambda unit: unit.jobs.counts()) == {"show": 2, "write": 1}


async def test_done_jobs_are_swept_and_others_stay(store):
    await store.turn(add("done", "open"))
    job = (await store.turn(claim(limit=1)))[0]
    await store.turn(lambda unit: unit.jobs.finish(job))

    too_early = await store.turn(lambda unit: unit.jobs.sweep(NOW, limit=10))
    swept = await store.turn(lambda unit: unit.jobs.sweep(NOW + 2 * LEASE, limit=10))

    assert (too_early, swept) == (0, 1)
    assert await claimed(store) == ["open"]


async def test_no_more_is_swept_at_once_than_wanted(store):
    await store.turn(add("a", "b", "c"))
    for job in await store.turn(claim()):
        await store.turn(lambda unit, job=job: unit.jobs.finish(job))

    swept = [
        await store.turn(lambda unit: unit.jobs.sweep(NOW + 2 * LEASE, limit=2)) for _ in range(3)
    ]

    assert swept == [2, 1, 0]


async def test_what_was_begun_goes_before_what_just_came_in(store):
    await store.turn(add(*(f"new {n}" for n in range(8)), due_at=NOW - SECOND))
    await store.turn(add("write", lane="erp:1"))
    await store.turn(add("repaint", lane="teams:1"))

    assert await claimed(store, limit=1) == ["write"]
    assert sorted(await claimed(store, limit=4)) == ["new 0", "new 1", "new 2", "repaint"]


async def test_a_quarter_is_kept_for_what_has_no_lane(store):
    for lane in "abcdefgh":
        await store.turn(add(lane, lane=lane, due_at=NOW - SECOND))
    await store.turn(add("free", "freer"))

    assert sorted(await claimed(store, limit=4)) == ["a", "b", "c", "free"]
