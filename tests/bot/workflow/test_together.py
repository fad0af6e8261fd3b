"""What arrives while work runs goes together into the next."""

import asyncio

import pytest

from bot.workflow.together import MOST, Together


class Desk:
    """Work that waits until it is let go, and breaks on what cannot be done."""

    def __init__(self):
        self.done = []
        self.open = asyncio.Event()

    async def work(self, items):
        await self.open.wait()
        self.done.append(list(items))
        if "broken" in items:
            raise ValueError(f"cannot do {items}")
        return [item.upper() for item in items]


@pytest.fixture
def desk():
    return Desk()


async def asked(together, *requests):
    """Ask one after the other, with the first one at work before the others come."""
    tasks = []
    for request in requests:
        tasks.append(asyncio.create_task(together(request)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return tasks


async def test_what_arrives_meanwhile_goes_together(desk):
    first, second, third = await asked(Together(desk.work), ["a"], ["b", "c"], ["d"])

    desk.open.set()

    assert await first == ("A",)
    assert await second == ("B", "C")
    assert await third == ("D",)
    assert desk.done == [["a"], ["b", "c", "d"]]


async def test_one_that_breaks_breaks_nobody_elses(desk):
    _, good, bad = await asked(Together(desk.work), ["a"], ["b"], ["broken"])

    desk.open.set()

    assert await good == ("B",)
    with pytest.raises(ValueError, match="broken"):
        await bad
    assert desk.done == [["a"], ["b", "broken"], ["b"], ["broken"]]


async def test_who_waits_no_longer_holds_up_nobody(desk):
    _, gone, patient = await asked(Together(desk.work), ["a"], ["b"], ["c"])
    gone.cancel()

    desk.open.set()

    assert await patient == ("C",)


async def test_a_large_request_goes_alone_and_whole(desk):
    large = ["x"] * (MOST + 1)
    tasks = await asked(Together(desk.work), ["a"], large, ["b"])

    desk.open.set()
    await asyncio.gather(*tasks)

    assert desk.done == [["a"], large, ["b"]]
