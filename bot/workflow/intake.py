"""The desk where requests arrive: those that come while a turn runs share the next one.

A turn costs a flush of the disk and a dozen round trips, whether it keeps one recommendation or
a hundred. So nobody waits for others, and under load everybody's turn is nearly free.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from bot.workflow.context import Context
from bot.workflow.envelope import Incoming
from bot.workflow.ingest import ItemVerdict, Letter, read_letters, take
from storage.sources import ApiKey

Verdicts: TypeAlias = tuple[ItemVerdict, ...]

TOGETHER: Final = 100
"""Items from which a turn takes no further request: clicks wait for it on SQLite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    letters: Sequence[Letter]
    answer: "asyncio.Future[Verdicts]"


class Intake:
    """Keeps what arrives; one for all requests of a process."""

    def __init__(self, ctx: Context) -> None:
        """Work with these parts."""
        self._ctx = ctx
        self._waiting: list[_Request] = []
        self._keeping: asyncio.Task[None] | None = None

    async def ingest(self, items: Sequence[Incoming], key: ApiKey) -> Verdicts:
        """Keep everything that a request holds, and say of each item what became of it.

        When this returns, all of it is on disk.
        """
        letters = await read_letters(items, key, self._ctx)
        answer: asyncio.Future[Verdicts] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Request(letters=letters, answer=answer))
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep_all())
        return await answer

    async def _keep_all(self) -> None:
        while self._waiting:
            count = _fitting(self._waiting)
            some, self._waiting = self._waiting[:count], self._waiting[count:]
            try:
                await self._keep(some)
            except Exception:  # noqa: BLE001  each of them is tried alone, and gets its own error
                for one in some:
                    await self._keep_alone(one)

    async def _keep_alone(self, one: _Request) -> None:
        try:
            await self._keep([one])
        except Exception as error:  # noqa: BLE001  it belongs to whoever waits for the answer
            if not one.answer.done():
                one.answer.set_exception(error)

    async def _keep(self, some: Sequence[_Request]) -> None:
        letters = [letter for one in some for letter in one.letters]
        verdicts = iter(await self._ctx.store.turn(lambda unit: take(unit, letters, self._ctx)))
        for one in some:
            own = tuple(islice(verdicts, len(one.letters)))
            if not one.answer.done():  # done is: nobody waits for it any more
                one.answer.set_result(own)


def _fitting(waiting: Sequence[_Request]) -> int:
    """Return how many of the first requests share a turn: one at least."""
    items = 0
    for count, one in enumerate(waiting):
        items += len(one.letters)
        if count and items > TOGETHER:
            return count
    return len(waiting)
