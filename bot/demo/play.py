"""The demo from the first step to the last: past, ERP, bot, client, and a planner."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Final

import aiohttp
from rich.console import Console
from rich.text import Text

from bot.app import Running, demo_doors, running
from bot.clock import utc_now
from bot.demo.board import Board
from bot.demo.cast import AT_THE_BROWSER, CHANNELS, PURCHASING, TEAM
from bot.demo.connector import Speaker, connector
from bot.demo.doorbell import Doorbell
from bot.demo.feed import Feed
from bot.demo.folder import Folder
from bot.demo.history import LENGTH, Past, SimulatedClock
from bot.demo.playground import NoPlaygroundError, playground, service_url
from bot.demo.stage import erp_in, introduce, key_of, post_what_is_open, settings_for
from bot.demo.steps import Steps, steps
from bot.demo.terminal import Happenings, Terminal, follow, lines_typed
from bot.settings import Settings
from erp.standin.advice import Adviser
from erp.standin.server import StandIn

SEED: Final = 20260302
"""The past is the same on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Who plays Teams, where everything listens, and how fast and long it goes."""

    client: str
    host: str
    port: int
    erp_port: int
    client_port: int
    pace: float
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """The Teams client: where it is, what runs until the person leaves, how it is told news."""

    where: str
    run: Callable[[], Awaitable[None]]
    tell: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One run of the demo."""

    choices: Choices
    folder: Folder
    console: Console

    async def run(self) -> None:
        """Set everything up, say where it is, and let it run until the person leaves.

        Raises:
            NoPlaygroundError: the Playground was asked for, and cannot be used here.
        """
        async with AsyncExitStack() as stack:
            with steps(self.console) as shown:
                if not self.folder.ready.exists():
                    await self._past(shown)
                erp = await self._erp(stack, shown)
                bot, bell = await self._bot(stack, shown, erp)
                client = await self._client(stack, shown, bot)
            key = await introduce(bot.ctx, self.folder, client_port=self.choices.client_port)
            await post_what_is_open(bot.ctx)
            feed = Feed(
                ctx=bot.ctx,
                session=await stack.enter_async_context(aiohttp.ClientSession()),
                bot_url=bot.url,
                key=key,
                advise=Adviser(erp.store, utc_now, Random()),  # noqa: S311  see below
                tell=client.tell,
            )
            self.folder.example.write_text(json.dumps(feed.advise(), indent=2, ensure_ascii=False))
            self._say_where(bot, client)
            await self._until_over(client, feed.run(pace=self.choices.pace), bell.answer(bot.ctx))

    async def _past(self, shown: Steps) -> None:
        """Let three weeks go by on a clock of their own; if this is stopped, it starts over."""
        now = utc_now()
        clock = SimulatedClock(now - LENGTH)
        board = Board(first_id=int(clock().timestamp()))
        async with AsyncExitStack() as stack:
            with shown.step("A plant with its vendors and orders"):
                erp = await stack.enter_async_context(
                    erp_in(self.folder, port=self.choices.erp_port, now=clock)
                )
            with shown.step("Database"):
                settings = self._settings(erp)
                doors = demo_doors(settings)
                bot = await stack.enter_async_context(
                    running(settings, doors=doors, now=clock, poster=board, work=False)
                )
                await introduce(bot.ctx, self.folder, client_port=self.choices.client_port)
            with shown.step("Three weeks of history") as told:
                dice = Random(SEED)  # noqa: S311  it tells a story, it keeps no secret
                past = Past(
                    bot=bot,
                    clock=clock,
                    board=board,
                    key=await key_of(bot.ctx),
                    advise=Adviser(erp.store, clock, dice),
                    rng=dice,
                )
                await past.play(now, told)
        self.folder.ready.touch()

    async def _erp(self, stack: AsyncExitStack, shown: Steps) -> StandIn:
        with shown.step("ERP"):
            return await stack.enter_async_context(
                erp_in(self.folder, port=self.choices.erp_port, now=utc_now)
            )

    async def _bot(
        self, stack: AsyncExitStack, shown: Steps, erp: StandIn
    ) -> tuple[Running, Doorbell]:
        with shown.step("Bot"):
            settings = self._settings(erp)
            doors = demo_doors(settings)
            bell = Doorbell(doors.gate)
            bot = await stack.enter_async_context(
                running(settings, doors=replace(doors, gate=bell))
            )
            return bot, bell

    def _settings(self, erp: StandIn) -> Settings:
        return settings_for(self.folder, erp, host=self.choices.host, port=self.choices.port)

    async def _client(self, stack: AsyncExitStack, shown: Steps, bot: Running) -> _Client:
        """Start the Playground; where it cannot be used, sit down at the terminal."""
        if self.choices.client != "terminal":
            try:
                with shown.step("Microsoft 365 Agents Playground"):
                    return await self._playground(stack, bot)
            except NoPlaygroundError as problem:
                if self.choices.client == "playground":
                    raise
                shown.note(f"{problem} You get a client in this terminal instead.")
        return await self._terminal(stack, bot)

    async def _playground(self, stack: AsyncExitStack, bot: Running) -> _Client:
        may_open = self.console.is_terminal and _has_screen()
        url = await stack.enter_async_context(
            playground(
                self.folder.playground,
                bot_url=bot.url,
                port=self.choices.client_port,
                browser="open" if may_open else "none",
            )
        )

        def tell(news: str) -> None:
            line = f"{utc_now().astimezone():%H:%M:%S}  {news}"
            self.console.print(line, markup=False, soft_wrap=True)

        return _Client(
            where=f"{url} (you are {AT_THE_BROWSER.name}; open {TEAM} - {CHANNELS[PURCHASING]})",
            run=_never_over,
            tell=tell,
        )

    async def _terminal(self, stack: AsyncExitStack, bot: Running) -> _Client:
        happenings: Happenings = asyncio.Queue()
        port = self.choices.client_port
        wall = await stack.enter_async_context(
            connector(happenings.put_nowait, port=port, now=utc_now)
        )
        if not (sys.stdin.isatty() and self.console.is_terminal):
            return _Client(
                where="no terminal here, so what arrives is printed",
                run=lambda: follow(self.console, happenings),
                tell=_say_nothing,
            )
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await stack.enter_async_context(lines_typed(happenings, descriptor=sys.stdin.fileno()))
        terminal = Terminal(
            console=self.console,
            wall=wall,
            speaker=Speaker(session, bot_url=bot.url, service_url=service_url(port), now=utc_now),
            happenings=happenings,
            rates=bot.ctx.routing.rates,
        )
        return _Client(where="this terminal", run=terminal.run, tell=_say_nothing)

    def _say_where(self, bot: Running, client: _Client) -> None:
        api = f"{bot.url}/api/v1"
        curl = (
            f'curl -H "Authorization: Bearer $(cat {self.folder.key})"'
            f' -H "Content-Type: application/json" --data @{self.folder.example}'
            f" {api}/recommendations"
        )
        for name, value in (
            ("Teams client", client.where),
            ("API", f"{api}/"),
            ("Send your own", curl),
            ("Log", str(self.folder.log)),
            ("Stop", "Ctrl-C"),
        ):
            line = Text(f"{name:14}", "bold").append(value, "not bold")
            self.console.print(line, soft_wrap=True)

    async def _until_over(
        self, client: _Client, *meanwhile: Coroutine[object, object, None]
    ) -> None:
        """Let the person at the client play until they leave or the time is over."""
        tasks = [asyncio.create_task(one) for one in meanwhile]
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.choices.seconds):
                    await client.run()
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise ended


def _has_screen() -> bool:
    """Tell whether a browser window could open."""
    screens = (os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return sys.platform == "darwin" or any(screens)


def _say_nothing(news: str) -> None:
    """The card itself is shown where its news would be told."""
    del news


async def _never_over() -> None:
    await asyncio.Event().wait()
