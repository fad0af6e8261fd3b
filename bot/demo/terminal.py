"""A Teams client for a plain terminal: the ranked cards, their buttons, and who is pressing."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeVar

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.demo.card import Button, Field, buttons, fields, headline
from bot.demo.cast import AT_THE_BROWSER, CHANNELS, MEMBERS, PURCHASING, Member
from bot.demo.connector import Answer, Arrival, Message, NoAnswerError, Speaker, Wall
from bot.demo.glance import Glance, glance, weight
from bot.demo.render import plain, render, shown_value, visible
from bot.ports import CardJson
from decisions.money import Rates

T = TypeVar("T")

Happening: TypeAlias = Arrival | str | None
"""Something came from the bot, somebody typed a line, or there will be no more lines."""

Happenings: TypeAlias = "asyncio.Queue[Happening]"

_HELP: Final = "Number: open a card · a: act as another · open or help: ask the bot · q: quit"
_WIDEST: Final = 100
_AROUND_THE_LIST: Final = 7
"""Lines that the list leaves for its heading, the help and the prompt."""
_FEWEST: Final = 5
_SETTLING: Final = 0.4
"""Seconds in which a written order is usually read back."""


class _Left(Exception):  # noqa: N818  the way out of a conversation, not an error
    """The person has seen enough."""


@asynccontextmanager
async def lines_typed(happenings: Happenings, *, descriptor: int) -> AsyncIterator[None]:
    """Put each line that is typed into the queue, and None where the input ends."""
    loop = asyncio.get_running_loop()
    pending = bytearray()

    def read() -> None:
        typed = os.read(descriptor, 4096)
        pending.extend(typed)
        *whole, rest = bytes(pending).split(b"\n")
        pending[:] = rest
        for line in whole:
            happenings.put_nowait(line.decode(errors="replace").strip())
        if not typed:
            loop.remove_reader(descriptor)
            happenings.put_nowait(None)

    loop.add_reader(descriptor, read)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


async def follow(console: Console, happenings: Happenings) -> None:
    """Print what arrives until cancelled: there is nobody who could press a button."""
    while True:
        happening = await happenings.get()
        if isinstance(happening, Arrival):
            console.print(_notice(happening))


@dataclass(slots=True, kw_only=True)
class Terminal:
    """One person at a time in front of the wall."""

    console: Console
    wall: Wall
    speaker: Speaker
    happenings: Happenings
    rates: Rates
    seat: Member = field(default=AT_THE_BROWSER)

    async def run(self) -> None:
        """Show, ask and press until the person leaves."""
        try:
            while True:
                listed = self._list()
                await self._chosen(await self._ask(_HELP), listed)
        except _Left:
            return

    async def _chosen(self, typed: str, listed: tuple[Message, ...]) -> None:
        match typed.split():
            case []:
                pass
            case ["q" | "quit" | "exit"]:
                raise _Left
            case ["a" | "act"]:
                await self._change_seat()
            case [number] if number.isdecimal():
                if 1 <= int(number) <= len(listed):
                    await self._open(listed[int(number) - 1])
                else:
                    self._say(f"There is no number {number}.")
            case _:
                await self._tried(self.speaker.write(typed, by=self.seat, channel=PURCHASING))

    def _list(self) -> tuple[Message, ...]:
        seen = [(message, glance(message.card)) for message in self.wall.messages.values()]
        cards = sorted(
            ((message, one) for message, one in seen if one is not None),
            key=lambda pair: (
                not pair[1].is_open,
                -weight(pair[1], self.rates),
                -int(pair[0].id),
            ),
        )
        shown = cards[: max(self.console.height - _AROUND_THE_LIST, _FEWEST)]
        self.console.print()
        self.console.print(Rule(f"Countersign · you are {self.seat.name}, {self.seat.role}"))
        self.console.print(_table(shown) if shown else Text("Nothing has come yet.", "dim"))
        if len(cards) > len(shown):
            self.console.print(Text(f"and {len(cards) - len(shown)} more", "dim"))
        return tuple(message for message, _ in shown)

    async def _open(self, message: Message) -> None:
        """Show a card, press its buttons and show the answers, until the person goes back.

        An answer stays until the message is repainted for everybody.
        """
        card = message.card
        self._draw(card)
        while True:
            edits = message.edits
            typed = await self._ask("A button's number · Enter: back to the list", message)
            if message.edits != edits and not typed:
                card = self._redrawn(card, message.card)
                continue
            offered = buttons(card)
            if not (typed.isdecimal() and 1 <= int(typed) <= len(offered)):
                return
            answer = await self._press(offered[int(typed) - 1], card, message)
            if answer and answer.card:
                card = self._redrawn(card, answer.card)

    def _redrawn(self, card: CardJson, newer: CardJson) -> CardJson:
        """Draw a card that differs from the one on the screen."""
        if newer != card:
            self._draw(newer)
        return newer

    async def _press(self, button: Button, card: CardJson, message: Message) -> Answer | None:
        typed = {one.id: await self._filled(one) for one in fields(card)} if button.sends else {}
        answer = await self._tried(
            self.speaker.press(button, on=message, by=self.seat, typed=typed)
        )
        if answer and answer.text:
            self._say(answer.text)
        return answer

    async def _filled(self, asked: Field) -> str:
        """Ask for one input; Enter keeps what stands there."""
        for number, choice in enumerate(asked.choices, start=1):
            self.console.print(Text(f"  {number}  {visible(choice.title)}"))
        typed = await self._ask(f"{visible(asked.label)} [{shown_value(asked)}]")
        if not typed:
            return asked.value
        if not asked.choices:
            return typed
        picked = [
            asked.choices[int(part) - 1].value
            for part in typed.split(",")
            if part.strip().isdecimal() and 1 <= int(part) <= len(asked.choices)
        ]
        return ",".join(picked[: None if asked.several else 1])

    async def _change_seat(self) -> None:
        for number, member in enumerate(MEMBERS, start=1):
            self.console.print(Text(f"  {number}  {member.name}, {member.role}"))
        typed = await self._ask("Who are you?")
        if typed.isdecimal() and 1 <= int(typed) <= len(MEMBERS):
            self.seat = MEMBERS[int(typed) - 1]

    async def _ask(self, prompt: str, about: Message | None = None) -> str:
        """Return the next line; what arrives meanwhile is told, and redrawn where it is open.

        Raises:
            _Left: there is no more input.
        """
        self.console.print(Text(prompt, "dim"))
        while True:
            self.console.print(Text("> ", "bold"), end="")
            happening = await self.happenings.get()
            if happening is None:
                raise _Left
            if isinstance(happening, str):
                return happening
            self.console.print()
            if about is not None and happening.message is about:
                await self._settled(about)
                return ""
            self._tell(happening)

    async def _settled(self, about: Message) -> None:
        """Wait until a card that is being worked on is not repainted at once again."""
        edits = -1
        while about.edits != edits:
            edits = about.edits
            await asyncio.sleep(_SETTLING)
        waiting = [self.happenings.get_nowait() for _ in range(self.happenings.qsize())]
        for one in waiting:
            if not (isinstance(one, Arrival) and one.message is about):
                self.happenings.put_nowait(one)

    def _tell(self, arrival: Arrival) -> None:
        """Say what came; what is no recommendation is an answer to words, and shown whole."""
        card = arrival.message.card
        self.console.print(_notice(arrival) if glance(card) else Panel(render(card)))

    def _draw(self, card: CardJson) -> None:
        self.console.print()
        self.console.print(Panel(render(card), width=min(self.console.width, _WIDEST)))
        for number, button in enumerate(buttons(card), start=1):
            self.console.print(Text(f"  {number}  {visible(button.title)}"))

    async def _tried(self, sending: Awaitable[T]) -> T | None:
        try:
            return await sending
        except NoAnswerError as problem:
            self._say(str(problem))
            return None

    def _say(self, words: str) -> None:
        self.console.print(Text(visible(words), "yellow"))


def _notice(arrival: Arrival) -> Text:
    message = arrival.message
    what = glance(message.card)
    line = Text("● ", "cyan")
    line.append(f"{CHANNELS.get(message.channel, 'Teams')}: ", "dim")
    line.append(what.headline if what else plain(headline(message.card)))
    if what:
        line.append(f" ({what.state})", "dim")
    return line


def _table(cards: list[tuple[Message, Glance]]) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("#", style="bold", no_wrap=True)
    table.add_column("What", ratio=1, no_wrap=True)
    table.add_column("Waiting", justify="right", no_wrap=True)
    table.add_column("Decide by", max_width=16, no_wrap=True)
    table.add_column("State", max_width=16, no_wrap=True)
    for number, (_, seen) in enumerate(cards, start=1):
        style = "" if seen.is_open else "dim"
        row = (str(number), seen.headline, seen.waiting, seen.deadline, seen.state)
        table.add_row(*(Text(cell, overflow="ellipsis") for cell in row), style=style)
    return table
