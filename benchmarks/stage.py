"""`countersign serve` as a process of its own, with Entra, Teams and the ERP played outside it."""

import asyncio
import itertools
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil
from sqlalchemy import select

from benchmarks.fill import CHANNELS, TEAMS_PORT
from benchmarks.past import channel_name
from bot.clock import utc_now
from bot.routing_file import read_routing
from bot.workflow import keys
from erp.standin.plant import seed
from erp.standin.server import StandIn
from storage.store import Store
from storage.tables import IS_AWAITING, postings, recommendations
from storage.unit_of_work import UnitOfWork
from tests.bot.demo.free_port import a_free_port
from tests.fakes.entra import FakeIdentity
from tests.fakes.screens import Shown, actions
from tests.fakes.teams import FakeTeams
from tests.stories.world import ANA, BO, World

PLANTS: Final = tuple(f"P{number:03}" for number in range(CHANNELS))
SERVE: Final = ("-m", "bot", "serve")
APART: Final = (("--role", "web"), ("--role", "worker", "--role", "writer"))
"""Two processes: one answers, the other does what happens later."""

PROFILED: Final = ("-m", "benchmarks.profiled")
_STARTING: Final = 60.0
CLICKED: Final = 40_000
"""Filled cards that can be clicked; a run of ten minutes decides on 20,000."""


def routing() -> str:
    """Return a routing document with a plant and a channel for each hundredth of the load."""
    each = range(CHANNELS)
    plants = "\n".join(f"  P{n:03}: {{name: Works {n}, timezone: Europe/Warsaw}}" for n in each)
    channels = "\n".join(f'  c{n:03}: "{channel_name(n)}"' for n in each)
    rules = "\n".join(
        f"  - {{name: r{n:03}, plants: [P{n:03}], channel: c{n:03}, owner: ana, sla: PT4H}}"
        for n in each
    )
    return f"""
plants:
{plants}
people:
  ana: {{id: {ANA.id}, name: {ANA.name}}}
  bo: {{id: {BO.id}, name: {BO.name}}}
channels:
{channels}
rates: {{base: EUR, per_unit: {{USD: "0.92", PLN: "0.23"}}}}
rules:
{rules}
everything_else: {{channel: c000, owner: ana, deputies: [bo], sla: PT4H}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A card that stands: where, and what its buttons carry."""

    message: Shown
    data: dict[str, object]
    verbs: frozenset[str]


@dataclass(kw_only=True)
class Targets:
    """The cards that can be clicked; those that somebody decided are taken out."""

    approvable: list[Target] = field(default_factory=list)
    others: list[Target] = field(default_factory=list)
    posted: int = 0
    repainted: int = 0


class LoadTeams(FakeTeams):
    """Teams that forgets what it was sent, and knows which cards can be clicked."""

    def __init__(self, identity: FakeIdentity, targets: Targets) -> None:
        """Play Teams where the filled messages stand."""
        super().__init__(identity, port=TEAMS_PORT)
        self.targets = targets
        # Messages of an earlier run on the same database keep their numbers.
        self._ids = itertools.count(int(utc_now().timestamp() * 1000))

    def stand(self, channel: str, activity: str) -> Shown:
        """Let a filled message stand as if it had been posted here."""
        self.screens[activity] = shown = Shown(
            channel=channel,
            conversation_id=f"{channel};messageid={activity}",
            activity_id=activity,
            history=[{}],
            summaries=[None],
            alert=False,
        )
        return shown

    def _show(self, channel: str, conversation: str, activity_id: str, body: dict) -> Shown:  # type: ignore[type-arg]
        shown = super()._show(channel, conversation, activity_id, body)
        self.targets.posted += 1
        pressed = {one["verb"]: one["data"] for one in actions(shown.card)}
        if "why" in pressed:
            data = pressed.get("approve", pressed["why"])
            target = Target(message=shown, data=data, verbs=frozenset(pressed))
            (self.targets.approvable if "approve" in pressed else self.targets.others).append(
                target
            )
        return shown

    async def _served(self, request, do):  # noqa: ANN001, ANN202  as its parent
        answer = await super()._served(request, do)
        self.sent.clear()
        if request.method == "PUT":
            self.targets.repainted += 1
            activity = request.path.rsplit("/", 1)[1]
            if shown := self.screens.get(activity):
                del shown.history[:-1], shown.summaries[:-1]
        return answer


@dataclass(kw_only=True)
class Stage:
    """The running program and everything around it."""

    database: str
    environment: dict[str, str]
    teams: LoadTeams
    targets: Targets
    http: aiohttp.ClientSession
    headers: dict[str, str]
    world: World
    folder: Path
    processes: list[psutil.Process] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def serving(
        self, *command: str, parts: Sequence[Sequence[str]] = ((),)
    ) -> AsyncIterator[float]:
        """Run the program, in a process for each part; give the seconds until it is ready."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with AsyncExitStack() as stack:
            log = stack.enter_context((self.folder / "serve.log").open("ab"))
            urls = []
            for part in parts:
                port = a_free_port()
                child = await asyncio.create_subprocess_exec(
                    *(sys.executable, *(command or SERVE), *part),
                    env=self._environment(port),
                    stdout=log,
                    stderr=log,
                )
                stack.push_async_callback(_ended, child)
                self.processes.append(psutil.Process(child.pid))
                urls.append(f"http://127.0.0.1:{port}")
                await self._ready(child, urls[-1], begin)
            self.url = urls[0]
            self.teams.bot_url = f"{self.url}/api/messages"
            yield loop.time() - begin
        self.processes.clear()

    def _environment(self, port: int) -> dict[str, str]:
        keys_ = {"COUNTERSIGN_VERIFY_KEYS": self.world.signing_key.public_pem}
        ours = {"COUNTERSIGN_PORT": str(port), "COUNTERSIGN_PROFILE": str(self.folder)}
        return {**os.environ, **self.environment, **keys_, **ours}

    async def _ready(self, child: asyncio.subprocess.Process, url: str, begin: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() - begin < _STARTING and child.returncode is None:
            try:
                async with self.http.get(f"{url}/readyz") as answer:
                    if answer.status == 200:  # noqa: PLR2004  OK
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.01)
        raise RuntimeError(f"it does not start; see {self.folder / 'serve.log'}")

    async def install(self) -> None:
        """Add the bot to every channel."""
        for number in range(CHANNELS):
            await self.teams.install(ANA, channel_name(number))


async def _ended(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.terminate()
    await child.wait()


@asynccontextmanager
async def a_stage(database: str, folder: Path) -> AsyncIterator[Stage]:
    """Play everything around the program; start it with `Stage.serving`."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = World(database, folder, routing=routing())
        targets = Targets()
        world.identity = await enter(FakeIdentity())
        world.teams = teams = await enter(LoadTeams(world.identity, targets))
        world.erp = StandIn(now=utc_now)
        seed(world.erp.store, utc_now().date())
        await world.erp.start()
        stack.push_async_callback(world.erp.stop)
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        path = folder / "routing.yaml"
        path.write_text(world.routing, encoding="utf-8")
        yield Stage(
            database=database,
            environment=world.environment(),
            teams=teams,
            targets=targets,
            http=await enter(session),
            headers={"Authorization": f"Bearer {await key_for(database, path)}"},
            world=world,
            folder=folder,
        )


async def stand(stage: Stage) -> None:
    """Let the filled cards that wait stand in Teams."""

    def load(unit: UnitOfWork) -> Sequence[tuple[str, str, str]]:
        found = (
            select(postings.c.channel, postings.c.activity_id, postings.c.recommendation_id)
            .join(recommendations, recommendations.c.id == postings.c.recommendation_id)
            .where(IS_AWAITING)
            .limit(CLICKED)
        )
        rows = unit._connection.execute(found)  # noqa: SLF001  a benchmark reaches behind
        return [(row[0], row[1], row[2]) for row in rows]

    store = Store.open(stage.database)
    for channel, activity, name in await store.read(load):
        shown = stage.teams.stand(channel, activity)
        data = {"rec": name, "round": 1, "rev": 2}
        verbs = frozenset({"why", "override", "not_now"})
        stage.targets.others.append(Target(message=shown, data=data, verbs=verbs))
    store.close()


async def key_for(database: str, path: Path) -> str:
    """Make a key that may send for every plant."""
    store = Store.open(database)
    try:
        if database.startswith("sqlite"):
            store.migrate()
        made = await keys.create(
            keys.KeyOrder(source="planner", plants=PLANTS),
            store=store,
            routing=read_routing(path),
            now=utc_now(),
        )
    finally:
        store.close()
    return made.text


def bodies(world: World, names: Sequence[str]) -> list[dict[str, object]]:
    """Return recommendations over all plants; each second one only wants to be acknowledged."""
    made = []
    for number, name in enumerate(names):
        changes: dict[str, object] = {"id": name, "plant": PLANTS[hash(name) % CHANNELS]}
        if number % 2:
            changes["action"] = {"kind": "acknowledge"}
        made.append(world.stockout(**changes))
    return made
