"""The desk where requests arrive: who sends, and what; each step is done for many at once."""

from collections.abc import Sequence

from bot.workflow.context import Context
from bot.workflow.envelope import Incoming
from bot.workflow.ingest import Delivery, ItemVerdict, read_items, take
from bot.workflow.keys import hash_of_header, in_force
from bot.workflow.together import MOST, Together
from storage.sources import ApiKey


class Intake:
    """Lets senders in and keeps what they send; one for all requests of a process."""

    def __init__(self, ctx: Context) -> None:
        """Work with these parts."""
        self.ctx = ctx
        self._look_up = Together(self._keys)
        self._keep = Together(self._kept)

    async def authenticate(self, header: str | None) -> ApiKey:
        """Return the key that a request was sent with; `header` is its Authorization.

        Raises:
            UnauthorisedError: there is none, or none that is in force.
        """
        wanted = hash_of_header(header)
        (found,) = await self._look_up([wanted])
        return in_force(found, wanted)

    async def ingest(self, items: Sequence[Incoming], key: ApiKey) -> tuple[ItemVerdict, ...]:
        """Keep everything that a request holds, and say of each item what became of it.

        When this returns, all of it is on disk. Where it fails, some of it may be: what is sent
        again is then known.
        """
        deliveries = await read_items(items, key, self.ctx)
        verdicts: list[ItemVerdict] = []
        for begin in range(0, len(deliveries), MOST):  # in pieces: clicks wait for one at most
            verdicts += await self._keep(deliveries[begin : begin + MOST])
        return tuple(verdicts)

    async def _keys(self, hashes: Sequence[str]) -> Sequence[ApiKey | None]:
        found = await self.ctx.store.read(lambda unit: unit.sources.by_hashes(set(hashes)))
        return [found.get(one) for one in hashes]

    async def _kept(self, deliveries: Sequence[Delivery]) -> Sequence[ItemVerdict]:
        return await self.ctx.store.turn(lambda unit: take(unit, deliveries, self.ctx))
