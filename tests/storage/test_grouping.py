"""Turns that wait for each other may share a commit; nothing else of theirs is shared."""

import asyncio
import threading

import pytest

from storage.audit import verify_chain
from storage.inserts import RacedError
from tests.build import NOW, an_event


class Boom(Exception):  # noqa: N818  it stands for any error at all
    pass


@pytest.fixture
async def together(store):
    """Run turns that all had to wait for one that took long."""

    async def run(*turns):
        begun, go_on = threading.Event(), threading.Event()

        def long(_):
            begun.set()
            assert go_on.wait(20)

        first = asyncio.ensure_future(store.turn(long))
        assert await asyncio.to_thread(begun.wait, 20)
        others = [asyncio.ensure_future(store.turn(turn)) for turn in turns]
        await asyncio.sleep(0)
        go_on.set()
        await first
        return await asyncio.gather(*others, return_exceptions=True)

    return run


def added(key):
    def turn(unit):
        unit.jobs.add("show", key, {}, due_at=NOW)
        unit.audit.append(an_event(kind=key))
        return key

    return turn


def broken(unit):
    added("broken")(unit)
    unit.complete()
    raise Boom


async def what_is_kept(store):
    entries = await store.read(lambda unit: [entry.event.kind for entry in unit.audit.walk()])
    assert await store.read(lambda unit: list(verify_chain(unit))) == []
    return sorted(entries), await store.read(lambda unit: unit.jobs.counts())


async def test_each_gets_its_own_result(store, together):
    assert await together(*(added(key) for key in "abc")) == ["a", "b", "c"]
    assert await what_is_kept(store) == (["a", "b", "c"], {"show": 3})


async def test_one_that_fails_undoes_nothing_of_the_others(store, together):
    a, failed, b = await together(added("a"), broken, added("b"))

    assert (a, b) == ("a", "b")
    assert isinstance(failed, Boom)
    assert await what_is_kept(store) == (["a", "b"], {"show": 2})


async def test_one_that_was_raced_runs_again(store, together):
    tries = []

    def raced(unit):
        tries.append(None)
        if len(tries) == 1:
            raise RacedError("somebody kept it in between")
        return added("raced")(unit)

    assert await together(added("a"), raced) == ["a", "raced"]
    assert await what_is_kept(store) == (["a", "raced"], {"show": 2})


async def test_whoever_waits_no_longer_stops_no_turn(store, together):
    def turn(unit):
        return added("a")(unit)

    async def given_up():
        task = asyncio.ensure_future(store.turn(turn))
        await asyncio.sleep(0)
        task.cancel()

    await given_up()
    await together(added("b"), added("c"))

    assert (await what_is_kept(store))[0] == ["a", "b", "c"]


async def test_new_jobs_wake_who_waits_for_them(store, together):
    woken = asyncio.Event()
    store.on_jobs(woken.set)

    await together(added("a"), added("b"))

    await asyncio.wait_for(woken.wait(), 5)
