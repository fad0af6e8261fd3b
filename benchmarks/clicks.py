"""A click and its answer, one at a time: ours and the stock bot's in turn."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

from benchmarks.around import a_stock_bot, a_world
from bot.clock import utc_now
from bot.workflow.ids import new_id
from decisions.people import ChannelId
from decisions.recommendation import RecommendationId
from storage.unit_of_work import UnitOfWork
from tests.build import a_raw_recommendation, a_recommendation, a_route
from tests.fakes.activities import PURCHASING
from tests.stories.world import ANA, World

STOCK_PORT = 45871
APPROVALS = 25
"""More would meet the rate that Teams allows in one channel."""


def figures(samples: Sequence[float]) -> dict[str, float]:
    """Return percentiles in milliseconds."""
    ordered = sorted(samples)
    return {
        "p50": statistics.median(ordered) * 1000,
        "p95": ordered[int(len(ordered) * 0.95)] * 1000,
        "p99": ordered[int(len(ordered) * 0.99)] * 1000,
        "mean": statistics.fmean(ordered) * 1000,
    }


async def prepared(world: World, count: int) -> list[RecommendationId]:
    """Put recommendations into the database that wait for Ana; their cards are not posted."""
    now = utc_now()
    names = [RecommendationId(new_id()) for _ in range(count)]
    base = a_recommendation()
    proposal = base.proposal
    valid = type(proposal)(
        **{
            name: getattr(proposal, name)
            for name in proposal.__dataclass_fields__
            if name != "valid_until"
        },
        valid_until=now.replace(year=now.year + 1),
    )
    route = a_route(owner=ANA, channel=ChannelId(PURCHASING))

    def turn(unit: UnitOfWork) -> None:
        for name in names:
            one = a_recommendation(
                id=name, source_id=name, proposal=valid, route=route, received_at=now
            )
            unit.recommendations.add(one, a_raw_recommendation(source_id=name))

    await world.bot.ctx.store.turn(turn)
    return names


async def timed(click: Callable[[], Awaitable[object]]) -> float:
    """Return how many seconds a click took."""
    start = time.perf_counter()
    await click()
    return time.perf_counter() - start


async def measure_clicks(count: int) -> dict[str, dict[str, float]]:
    """Measure overrides (no ERP), approvals (with the ERP re-read), and the stock echo."""
    async with a_world("sqlite") as world:
        identity, teams = world.identity, world.teams
        identity.odd_keys = False  # the stock bot breaks on a key that it cannot use
        names = await prepared(world, count + 20)
        samples: dict[str, list[float]] = {"ours": [], "stock": []}
        async with a_stock_bot(identity.app_id, identity.metadata_url, port=STOCK_PORT) as stock:
            ours = teams.bot_url

            async def click(url: str, name: str) -> None:
                teams.bot_url = url
                data = {"rec": name, "round": 1, "rev": 2, "code": "data_wrong"}
                reply = await teams.click(ANA, "1", "confirm_override", data)
                if reply.status != 200:  # noqa: PLR2004  OK
                    raise RuntimeError(str(reply))

            for index, name in enumerate(names):
                for who, url in (("ours", ours), ("stock", stock)):
                    seconds = await timed(lambda url=url, name=name: click(url, name))
                    if index >= 20:  # noqa: PLR2004  the first ones warm up
                        samples[who].append(seconds)
            teams.bot_url = ours
        approvals = await _approvals(world, APPROVALS)
    return {
        "Countersign, override: verified, decided, audited, durable, card built": figures(
            samples["ours"]
        ),
        "stock botbuilder: verified, echoed": figures(samples["stock"]),
        "Countersign, approve: the same with the ERP re-read": figures(approvals),
    }


async def _approvals(world: World, count: int) -> list[float]:
    """Approve real recommendations, whose plans the stand-in ERP is read for."""
    samples = []
    for number in range(count):
        message = await world.recommend(id=f"bench-{number}")
        data = world.teams_data(message, "approve")
        samples.append(
            await timed(lambda m=message, d=data: world.teams.click(ANA, m, "approve", d))
        )
        await world.teams.wait_for(lambda m=message: "PO-" in m.text, within=30)
    return samples
