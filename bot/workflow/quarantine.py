"""What was held back: look at it, try again after something was mended, or drop it."""

from typing import Literal

from bot.workflow.context import Context
from bot.workflow.envelope import read_item
from bot.workflow.ingest import (
    Arrival,
    Conflicting,
    Delivery,
    Held,
    ItemVerdict,
    take,
)
from bot.workflow.understand import Misunderstood, understand
from decisions.audit import AuditEvent
from storage.quarantine import NotHeldError, Quarantined
from storage.store import Store
from storage.unit_of_work import UnitOfWork


async def held(store: Store, *, limit: int = 1000) -> tuple[Quarantined, ...]:
    """Return what is held, oldest first."""
    return await store.read(lambda unit: unit.quarantine.held(limit))


async def show(number: int, store: Store) -> Quarantined:
    """Return what is or was held under a number.

    Raises:
        NotHeldError: nothing ever was.
    """
    found = await store.read(lambda unit: unit.quarantine.get(number))
    if found is None:
        raise NotHeldError(number)
    return found


async def retry(number: int, ctx: Context) -> ItemVerdict:
    """Try to understand it with the present configuration, and keep it as if it came just now.

    It stays held when it still cannot be understood, or when its source has meanwhile sent
    something else under its id. The plants are those of all the keys its source has today.

    Raises:
        NotHeldError: nothing is held under this number.
    """
    wanted, keys = await ctx.store.read(
        lambda unit: (found := unit.quarantine.get(number), unit.sources.of_source(_of(found)))
    )
    if wanted is None or wanted.state != "held":
        raise NotHeldError(number)
    arrival = Arrival(source=wanted.source, at=ctx.now())
    item = read_item(wanted.body)
    allowed = frozenset(plant for key in keys for plant in key.plants)
    found = understand(item, ctx.routing, allowed=allowed, now=arrival.at)
    if isinstance(found, Misunderstood):
        return Held(quarantine=number, source_id=wanted.source_id, problems=found.problems)
    delivery = Delivery(item=item, found=found, arrival=arrival)
    return await ctx.store.turn(lambda unit: _released(unit, number, delivery, ctx))


def _of(found: Quarantined | None) -> str:
    return found.source if found else ""


def _released(unit: UnitOfWork, number: int, delivery: Delivery, ctx: Context) -> ItemVerdict:
    (verdict,) = take(unit, [delivery], ctx)
    if not isinstance(verdict, Conflicting):
        _close(unit, number, "released", delivery.arrival)
    return verdict


async def drop(number: int, ctx: Context) -> None:
    """Put it aside for good; the audit chain and the quarantine still hold what it was.

    Raises:
        NotHeldError: nothing is held under this number.
    """
    now = ctx.now()

    def turn(unit: UnitOfWork) -> None:
        found = unit.quarantine.get(number)
        if found is None:
            raise NotHeldError(number)
        _close(unit, number, "dropped", Arrival(source=found.source, at=now))

    await ctx.store.turn(turn)


def _close(
    unit: UnitOfWork, number: int, state: Literal["released", "dropped"], arrival: Arrival
) -> None:
    unit.quarantine.close(number, state, arrival.at)
    unit.audit.append(
        AuditEvent(
            kind=f"quarantine_{state}",
            at=arrival.at,
            recommendation=None,
            actor=None,
            body={"quarantine": number, "source": arrival.source},
        )
    )
