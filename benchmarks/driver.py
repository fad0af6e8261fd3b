"""Open-loop load: what is due is sent, however slow the answers are.

Latency runs from when something should have been sent, so that a program that stalls cannot hide
it by slowing down its own clients ("coordinated omission").
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import aiohttp

from benchmarks.stage import Stage, Target, bodies
from bot.clock import utc_now
from tests.fakes.screens import CARD
from tests.stories.world import ANA

CLICKS: Final = 100
RECOMMENDATIONS: Final = 200
BATCH: Final = 50
IN_BATCHES: Final = 0.5
"""Which part of the recommendations comes in batches."""

MIX: Final = {
    "why": 40,
    "override": 15,
    "not_now": 10,
    "confirm_override": 15,
    "confirm_not_now": 10,
    "approve": 10,
}
"""Of a hundred clicks; the first three only look or open a form."""

DECIDES: Final = frozenset({"confirm_override", "confirm_not_now", "approve"})
_TOKEN_FOR: Final = 10.0
"""Seconds; the Bot Connector, too, sends one token many times."""


@dataclass(kw_only=True)
class Answers:
    """When things should have been sent, how long their answers took, and what went wrong."""

    begin: float
    taken: list[tuple[float, float]] = field(default_factory=list)
    """Seconds after the beginning, and seconds until the answer."""
    items: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class Load:
    """Clicks and recommendations, each at its own rate."""

    stage: Stage
    seconds: float
    clicks_per_second: float = CLICKS
    recommendations_per_second: float = RECOMMENDATIONS
    seed: int = 1
    clicks: Answers = field(init=False)
    approvals: Answers = field(init=False)
    """Those clicks that read the ERP again before they are answered."""
    intake: Answers = field(init=False)
    on_time: list[float] = field(default_factory=list)
    """How late the driver itself was, in seconds."""

    async def run(self) -> None:
        """Send everything when it is due, and wait for every answer."""
        self._rng = random.Random(self.seed)  # noqa: S311  it varies data, it guards nothing
        self._names = (f"load-{utc_now():%H%M%S}-{number}" for number in itertools.count())
        begin = asyncio.get_running_loop().time() + 0.5
        self.clicks, self.approvals = Answers(begin=begin), Answers(begin=begin)
        self.intake = Answers(begin=begin)
        alone = self.recommendations_per_second * (1 - IN_BATCHES)
        together = self.recommendations_per_second * IN_BATCHES / BATCH
        flows: tuple[tuple[float, Callable[[float], Awaitable[None]]], ...] = (
            (self.clicks_per_second, self._click),
            (alone, lambda due: self._submit(due, 1)),
            (together, lambda due: self._submit(due, BATCH)),
        )
        await asyncio.gather(*(self._flow(begin, rate, send) for rate, send in flows if rate))

    async def _flow(
        self, begin: float, rate: float, send: Callable[[float], Awaitable[None]]
    ) -> None:
        loop = asyncio.get_running_loop()
        running: set[asyncio.Future[None]] = set()
        for due in _moments(begin, rate, self.seconds):
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            self.on_time.append(loop.time() - due)
            task = asyncio.ensure_future(send(due))
            running.add(task)
            task.add_done_callback(running.discard)
        if running:
            await asyncio.wait(running)

    async def _click(self, due: float) -> None:
        verb = self._rng.choices(list(MIX), list(MIX.values()))[0]
        target = self._target(verb)
        if target is None:
            self.clicks.sent[f"{verb}: no card"] += 1
            verb, target = "why", self._target("why")
        if target is None:
            self.clicks.errors["no card stands"] += 1
            return
        teams = self.stage.teams
        data = target.data | self._typed(verb)
        self.clicks.sent[verb] += 1
        try:
            reply = await teams.click(ANA, target.message, verb, data, token=self._token())
        except (aiohttp.ClientError, TimeoutError) as error:
            self.clicks.errors[type(error).__name__] += 1
            return
        self._note(self.approvals if verb == "approve" else self.clicks, due)
        if reply.status != HTTPStatus.OK or reply.body["type"] != CARD:
            self.clicks.errors[str(reply.status)] += 1

    def _target(self, verb: str) -> Target | None:
        targets = self.stage.targets
        cards = targets.approvable if verb == "approve" else targets.others
        cards = cards or targets.approvable
        if not cards or (verb == "approve" and not targets.approvable):
            return None
        index = self._rng.randrange(len(cards))
        if verb not in DECIDES:
            return cards[index]
        cards[index], cards[-1] = cards[-1], cards[index]
        return cards.pop()

    def _typed(self, verb: str) -> dict[str, str]:
        match verb:
            case "confirm_override":
                return {"code": "data_wrong"}
            case "confirm_not_now":
                until = utc_now() + timedelta(hours=2)
                return {"code": "waiting_for_person", "until": until.isoformat()}
            case _:
                return {}

    def _token(self) -> str:
        now = asyncio.get_running_loop().time()
        if not self._signed or now - self._signed[0] > _TOKEN_FOR:
            teams = self.stage.teams
            identity = self.stage.world.identity
            self._signed = (now, identity.sign(service_url=teams.service_url))
        return self._signed[1]

    _signed: tuple[float, str] | None = None

    async def _submit(self, due: float, count: int) -> None:
        made = bodies(self.stage.world, list(itertools.islice(self._names, count)))
        self.intake.sent["batch" if count > 1 else "single"] += count
        address = f"{self.stage.url}/api/v1/recommendations"
        body: object = made if count > 1 else made[0]
        try:
            async with self.stage.http.post(
                address, json=body, headers=self.stage.headers
            ) as answer:
                said = await answer.json()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.intake.errors[type(error).__name__] += 1
            return
        self._note(self.intake, due)
        taken = said["counts"]["accepted"] if "counts" in said else int(answer.status == 202)  # noqa: PLR2004  Accepted
        self.intake.items += taken
        if taken != count:
            self.intake.errors[f"{answer.status} {said.get('detail', '')[:60]}"] += count - taken

    @staticmethod
    def _note(answers: Answers, due: float) -> None:
        took = asyncio.get_running_loop().time() - due
        answers.taken.append((due - answers.begin, took))


def _moments(begin: float, rate: float, seconds: float) -> Iterator[float]:
    for number in range(int(rate * seconds)):
        yield begin + number / rate
