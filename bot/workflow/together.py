"""Work for many that costs hardly more than for one: what arrives while it runs goes together.

A turn costs a flush of the disk and a dozen round trips, whether it keeps one recommendation or
a hundred. Nobody waits for others to come, and under load everybody's share is small.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST: Final = 20
"""Items from which nothing further joins: on SQLite, clicks wait for the turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked(Generic[T, R]):
    items: Sequence[T]
    answer: "asyncio.Future[tuple[R, ...]]"


class Together(Generic[T, R]):
    """Does one kind of work for everybody in a process; `work` returns a result for each item."""

    def __init__(self, work: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        """Take what is to be done."""
        self._work = work
        self._waiting: list[_Asked[T, R]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, items: Sequence[T]) -> tuple[R, ...]:
        """Return the results for these items, of work that starts after this call.

        Raises:
            Exception: what the work raises for these items alone.
        """
        answer: asyncio.Future[tuple[R, ...]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(items=items, answer=answer))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            count = _fitting([len(one.items) for one in self._waiting])
            some, self._waiting = self._waiting[:count], self._waiting[count:]
            try:
                await self._answer(some)
            except Exception:  # noqa: BLE001  each of them is tried alone, and gets its own error
                for one in some:
                    await self._answer_alone(one)

    async def _answer_alone(self, one: _Asked[T, R]) -> None:
        try:
            await self._answer([one])
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits for the answer
            if not one.answer.done():
                one.answer.set_exception(error)

    async def _answer(self, some: Sequence[_Asked[T, R]]) -> None:
        results = iter(await self._work([item for one in some for item in one.items]))
        for one in some:
            own = tuple(islice(results, len(one.items)))
            if not one.answer.done():  # it is when nobody waits any more
                one.answer.set_result(own)


def _fitting(sizes: Sequence[int]) -> int:
    """Return how many of the first ones go together: one at least."""
    items = 0
    for count, size in enumerate(sizes):
        items += size
        if count and items > MOST:
            return count
    return len(sizes)
