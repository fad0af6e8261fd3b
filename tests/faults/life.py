"""One life of a recommendation, lived by processes that may be struck, and the look at its end."""

import asyncio
import multiprocessing
import os
import signal
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
import psutil

from decisions.lifecycle import State
from storage.audit import verify_chain
from storage.store import Store
from tests.bot.demo.free_port import a_free_port
from tests.fakes.hurry import is_busy
from tests.fakes.proxy import Proxy
from tests.fakes.screens import CARD
from tests.faults import child
from tests.stories.world import ANA, World

PATIENCE = 45.0
"""Seconds for one life; what is not over then waits for ever."""

FROZEN = 2.5 * child.LEASE.total_seconds()
"""Seconds that a frozen process sleeps: long enough for others to take over what it had."""

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.child"])


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a life ended."""

    struck: bool
    copies: int
    asked_again: int
    problems: tuple[str, ...]

    @property
    def word(self):
        """Say it in a word, as the matrix does."""
        if self.problems:
            return "BAD"
        if not self.struck:
            return "not reached"
        words = ["ok"]
        words += [f"{self.copies} copies"] if self.copies != 1 else []
        words += ["asked again"] if self.asked_again else []
        return ", ".join(words)


class Life(World):
    """The world of the stories, with the bot in processes of its own."""

    def __init__(self, database, folder, *, replicas=1, strike=None, record=None):
        super().__init__(database, folder)
        self.replicas = replicas
        self.strike = strike
        self.record = record
        self.clock = folder / "clock"
        self.pages = folder / "pages"
        self.processes = {}
        self.asked_again = 0

    async def divide(self):
        """Stop the process that prepared the world, and start those that may be struck."""
        await self.stop()
        self._bots = AsyncExitStack()
        self.store = Store.open(self.database)
        self._bots.callback(self.store.close)
        self._bots.push_async_callback(self._end_all)
        ports = [a_free_port() for _ in range(self.replicas)]
        for port in ports:
            self._spawn(port)
        self._keeper = asyncio.create_task(self._keep_alive())
        urls = [f"http://127.0.0.1:{port}" for port in ports]
        self.proxy = await self._bots.enter_async_context(Proxy(urls))
        self.url = self.proxy.url
        self.teams.bot_url = f"{self.url}/api/messages"

    def _spawn(self, port):
        options = {
            "log": self.folder / f"log-{port}",
            "clock": self.clock,
            "pages": self.pages,
            "record": self.record,
            "strike": self.strike,
        }
        environment = self.environment() | {"COUNTERSIGN_PORT": str(port)}
        process = _FORKS.Process(target=child.run, args=(environment, options))
        process.start()
        self.processes[port] = process

    async def _keep_alive(self):
        """Start again what died, as a supervisor does; wake what was frozen, after a while."""
        while True:
            for port, process in list(self.processes.items()):
                if process.exitcode is not None:
                    process.join()
                    self._spawn(port)
                elif _is_frozen(process):
                    await asyncio.sleep(FROZEN)
                    os.kill(process.pid, signal.SIGCONT)
            await asyncio.sleep(0.05)

    async def _end_all(self):
        self._keeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeper
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.join()

    async def lived(self):
        """Live it to the end, and look."""
        problems = []
        try:
            async with asyncio.timeout(PATIENCE):
                await self._story()
        except TimeoutError:
            problems.append(f"it waits for ever; {await self._state()}")
        copies = [one for one in self.teams.messages() if f"CS-{self.id}" in one.text]
        problems += await self._checked(copies)
        struck = self.strike is None or self.strike.once.exists()
        return End(
            struck=struck,
            copies=len(copies),
            asked_again=self.asked_again,
            problems=tuple(problems),
        )

    async def _story(self):
        self.sent = self.stockout()
        _, answer = await self._until_answered(lambda: self.send(self.sent))
        self.id = answer["id"]
        await self._press(await self._seen(self._approvable), "approve")
        while not any("PO-" in one.text for one in self.teams.messages()):
            await self._ask_again()
            await asyncio.sleep(0.02)
        while await self.store.read(is_busy):  # noqa: ASYNC110  nobody tells when others are done
            await asyncio.sleep(0.05)

    async def _seen(self, true):
        return await self.teams.wait_for(true, within=PATIENCE)

    def _approvable(self):
        found = self.message_of(self.id)
        return found if found and "approve" in self.verbs(found) else None

    async def _ask_again(self):
        """Do what a person does when the card says that nothing was written."""
        for message in self.teams.messages():
            if "retry" in self.verbs(message):
                self.asked_again += 1
                await self._press(message, "retry")
                await self._seen(lambda message=message: "approve" in self.verbs(message))
                await self._press(message, "approve")

    async def _press(self, message, verb):
        data = self.teams_data(message, verb)

        long = int(time.time()) + 86400  # the program's clock may be hours ahead
        token = self.identity.sign(service_url=self.teams.service_url, exp=long)

        async def click():
            reply = await self.teams.click(ANA, message, verb, data, token=token)
            taken = reply.status == HTTPStatus.OK and reply.body["type"] == CARD
            return (200, reply) if taken else (500, reply)

        await self._until_answered(click)

    async def _until_answered(self, attempt):
        """Send again until it is taken, as Teams and senders do."""
        while True:
            with suppress(aiohttp.ClientError, OSError):
                status, answer = await attempt()
                if status < 300:
                    return status, answer
            await asyncio.sleep(0.1)

    async def _state(self):
        one = await self.store.read(lambda unit: unit.recommendations.get(self.id))
        jobs = await self.store.read(lambda unit: unit.jobs.counts())
        return f"{one.state.value if one else 'nothing kept'}, jobs {jobs}"

    async def _checked(self, copies):
        """Return what does not hold at the end."""

        def look(unit):
            entries = [entry.event.kind for entry in unit.audit.walk()]
            return entries, list(verify_chain(unit)), unit.recommendations.get(self.id)

        entries, broken, one = await self.store.read(look)
        state = one.state if one else None
        once = {"received": 1, "decided": 1 + self.asked_again, "written": 1}
        return [
            *(f"the chain is broken at {place.seq}: {place.what}" for place in broken),
            *(
                f"{entries.count(kind)} times {kind}"
                for kind, times in once.items()
                if entries.count(kind) != times
            ),
            *([f"{len(self.orders())} orders"] if len(self.orders()) != 1 else []),
            *([f"it ended as {state}"] if state is not State.WRITTEN else []),
            *([] if copies else ["no card"]),
        ]


def _is_frozen(process):
    try:
        return psutil.Process(process.pid).status() == psutil.STATUS_STOPPED
    except psutil.NoSuchProcess:
        return False
