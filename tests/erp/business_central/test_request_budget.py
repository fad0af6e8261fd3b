"""How many requests may begin, and who goes first; the clock is the test's."""

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest

from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.reader import BusinessCentralReader
from erp.business_central.request_budget import RequestBudget, SlidingWindow
from tests.build import NOW, an_order_action, an_order_line
from tests.erp.business_central.facts import COMPANY
from tests.erp.business_central.scripted import Says, scripted
from tests.erp.business_central.test_reader import ITEM, VENDOR, NoTokens


def a_window(most=3, seconds=10.0):
    return SlidingWindow(most, seconds)


def test_a_window_takes_so_many_and_then_waits_for_the_first_to_leave():
    window = a_window()

    for moment in (0.0, 1.0, 2.0):
        assert window.wait(moment) == 0
        window.take(moment)

    assert window.wait(4.0) == 6.0
    assert window.wait(10.0) == 0


def test_a_window_slides_and_does_not_begin_anew():
    window = a_window()
    for moment in (0.0, 9.0, 9.5):
        window.take(moment)

    assert window.wait(10.0) == 0
    window.take(10.0)

    assert window.wait(11.0) == 8.0


def test_what_is_kept_is_not_for_everybody():
    window = a_window()
    window.take(0.0)
    window.take(1.0)

    assert window.wait(2.0, kept=1) == 8.0
    assert window.wait(2.0, kept=2) == 9.0
    assert window.wait(2.0) == 0


class Turns:
    """Requests that begin when they may and end when the test says."""

    def __init__(self, **limits):
        self.now = 0.0
        self.budget = RequestBudget(clock=lambda: self.now, **limits)
        self.began = []
        self._ends = {}
        self._tasks = {}

    async def ask(self, *names, wide=False):
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._request(name, wide=wide))
        await self.settle()

    async def _request(self, name, *, wide):
        async with self.budget.turn(wide=wide):
            self.began.append(name)
            await self._ends[name].wait()

    async def end(self, *names):
        for name in names:
            self._ends[name].set()
            await self._tasks.pop(name)
        await self.settle()

    async def give_up(self, name):
        task = self._tasks.pop(name)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.settle()

    async def settle(self):
        for _ in range(20):
            await asyncio.sleep(0)

    async def over(self):
        for name in tuple(self._tasks):
            await self.give_up(name)


@pytest.fixture
async def turns():
    made = []

    def make(**limits):
        made.append(Turns(**limits))
        return made[-1]

    yield make
    for one in made:
        await one.over()


async def test_four_requests_run_at_once_and_the_fifth_when_one_ends(turns):
    some = turns()

    await some.ask("a", "b", "c", "d", "e")
    assert some.began == ["a", "b", "c", "d"]

    await some.end("b")
    assert some.began == ["a", "b", "c", "d", "e"]


async def test_wide_reads_leave_one_place_to_a_person(turns):
    some = turns()

    await some.ask("w1", "w2", "w3", "w4", wide=True)
    await some.ask("plan")

    assert some.began == ["w1", "w2", "w3", "plan"]


async def test_a_person_who_waits_goes_before_wide_reads_that_waited_longer(turns):
    some = turns(at_once=1)

    await some.ask("w1", "w2", wide=True)
    await some.ask("plan")
    await some.end("w1")
    assert some.began == ["w1", "plan"]

    await some.end("plan")
    assert some.began == ["w1", "plan", "w2"]


async def test_the_last_tenth_of_the_window_is_for_people(turns):
    some = turns(at_once=50, in_window=20, window=60.0)
    await some.ask(*(f"w{number}" for number in range(19)), wide=True)
    assert len(some.began) == 18

    await some.ask("plan 1", "plan 2", "plan 3")

    assert some.began[18:] == ["plan 1", "plan 2"]


async def test_requests_go_on_when_the_window_has_slid(turns):
    some = turns(in_window=2, window=0.01)
    await some.ask("a", "b", "c")
    assert some.began == ["a", "b"]

    some.now = 0.02
    await asyncio.wait_for(some.end("c"), 5)

    assert some.began == ["a", "b", "c"]


async def test_a_person_who_gives_up_holds_nobody_back(turns):
    some = turns(at_once=1)
    await some.ask("w1", "w2", wide=True)
    await some.ask("plan")

    await some.give_up("plan")
    await some.end("w1")

    assert some.began == ["w1", "w2"]


async def test_a_request_that_fails_gives_its_place_back():
    budget = RequestBudget(at_once=1)

    with pytest.raises(OSError, match="lost"):
        async with budget.turn(wide=False):
            raise OSError("lost")

    async with asyncio.timeout(5), budget.turn(wide=True):
        pass


class Door:
    """A server whose long pages wait at a door that the test opens."""

    def __init__(self):
        self.open = asyncio.Event()
        self.inside = 0
        self.most = 0
        self.waiting = asyncio.Condition()

    async def answer(self, request):
        name = request.path.rsplit("/", 1)[1]
        if request.headers.get("Data-Access-Intent"):
            await self._hold()
        rows = {"vendors": [VENDOR], "items": [ITEM]}.get(name, [])
        return Says(200, json.dumps({"value": rows})).clone()

    async def _hold(self):
        async with self.waiting:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.waiting.notify_all()
        await self.open.wait()
        self.inside -= 1

    async def full(self, number):
        async with asyncio.timeout(5), self.waiting:
            await self.waiting.wait_for(lambda: self.inside == number)


@asynccontextmanager
async def behind_a_door():
    door = Door()
    async with scripted(door.answer) as erp, aiohttp.ClientSession() as session:
        company = Company(base_url=erp.url, environment="sandbox", company_id=COMPANY)
        client = BusinessCentralClient(session, NoTokens(), company)
        yield BusinessCentralReader(client, now=lambda: NOW, budget=5.0), door


async def test_a_plan_is_read_while_snapshots_wait_for_the_erp():
    action = an_order_action(lines=(an_order_line(location=None),))
    async with behind_a_door() as (reader, door):
        wide = [asyncio.create_task(reader.snapshot({"vendors"})) for _ in range(6)]
        await door.full(3)

        plan = await reader.plan(action, marker="CS-7KX2M9QH4T")
        door.open.set()
        found = await asyncio.gather(*wide)

    assert plan.cost.currency == "EUR"
    assert [len(one.vendors) for one in found] == [1] * 6
    assert door.most == 3
