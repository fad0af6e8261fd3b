"""Recommendations taken over HTTP, each durable when it is answered; no jobs run meanwhile."""

import asyncio
import time

from benchmarks.around import a_world

CLIENTS = 16
BATCH = 100


async def measure_intake(count: int) -> dict[str, dict[str, float]]:
    """Send single ones from sixteen clients, and batches of a hundred; per database."""
    results: dict[str, dict[str, float]] = {}
    for database in ("sqlite", "postgresql"):
        async with a_world(database) as world:
            world.bot.worker.stop()
            single = [world.stockout(id=f"single-{number}") for number in range(count)]
            queue = iter(single)

            async def client(queue=queue, world=world) -> None:  # noqa: ANN001  the loop's own
                for body in queue:
                    status, answer = await world.send(body)
                    if status != 202:  # noqa: PLR2004  Accepted
                        raise RuntimeError(str(answer))

            start = time.perf_counter()
            await asyncio.gather(*(client() for _ in range(CLIENTS)))
            alone = count / (time.perf_counter() - start)

            batches = [
                [world.stockout(id=f"batch-{number}") for number in range(first, first + BATCH)]
                for first in range(0, count, BATCH)
            ]
            start = time.perf_counter()
            for batch in batches:
                await world.send(batch)
            together = len(batches) * BATCH / (time.perf_counter() - start)
        results[database] = {"single": alone, "batches of 100": together}
    return results
