"""The terminal client against a bot that answers as it is told, over HTTP on loopback."""

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import aiohttp
import pytest
from aiohttp import web
from rich.console import Console

from bot.clock import utc_now
from bot.demo.cast import PURCHASING, TENANT
from bot.demo.connector import CARD, Speaker, connector
from bot.demo.playground import service_url
from bot.demo.terminal import Terminal, follow, lines_typed
from bot.ports import PostingGoneError
from bot.teams.connector import TeamsPoster
from bot.teams.credentials import NoCredentials
from bot.teams.service_urls import ServiceUrls
from cards.approval import approval_card
from cards.forms import override_form
from cards.listing import help_card
from cards.reading import Reader, System
from decisions.lifecycle import State
from decisions.money import Rates
from tests.bot.demo.free_port import a_free_port
from tests.build import (
    CHANNEL,
    EUR,
    NOW,
    a_decision,
    a_proposal,
    a_recommendation,
    an_impact,
    an_impact_line,
)

READER = Reader(language="en", timezone="Europe/Berlin")
SYSTEM = System(name="Business Central", writes=frozenset({"create_purchase_order"}), needs={})
WAITING = a_recommendation()
OVERRIDDEN = a_recommendation(
    state=State.OVERRIDDEN,
    decision=a_decision(verdict="override", plan_hash=None, reason_code="data_wrong"),
)


def card_of(one):
    return approval_card(one, reader=READER, now=NOW, system=SYSTEM)


class FakeBot:
    """Takes activities, and answers invokes with what a test lined up."""

    def __init__(self):
        self.taken = []
        self.came = asyncio.Event()
        self.answers = []
        self.status = 200

    async def messages(self, request):
        self.taken.append(await request.json())
        self.came.set()
        if self.taken[-1]["type"] != "invoke":
            return web.Response(status=201)
        answer = self.answers.pop(0)
        kind = "application/vnd.microsoft.activity.message" if isinstance(answer, str) else CARD
        body = {"statusCode": 200, "type": kind, "value": answer}
        return web.json_response(body, status=self.status)

    @property
    def clicks(self):
        return [
            (one["from"]["name"], one["value"]["action"]["verb"], one["value"]["action"]["data"])
            for one in self.taken
            if one["type"] == "invoke"
        ]


class Screen:
    """A terminal of 80 columns and 24 lines, what is typed into it, and what it shows."""

    def __init__(self):
        self.happenings = asyncio.Queue()
        self.console = Console(file=StringIO(), width=80, height=24, color_system=None)

    @property
    def text(self):
        return self.console.file.getvalue()

    async def shows(self, words):
        """Wait for words; they may be broken over lines."""
        deadline = asyncio.get_running_loop().time() + 5
        while words not in " ".join(self.text.replace("│", " ").split()):
            assert asyncio.get_running_loop().time() < deadline, self.text
            await asyncio.sleep(0.01)

    def type(self, *lines):
        for line in lines:
            self.happenings.put_nowait(line)


@pytest.fixture
async def bot():
    fake = FakeBot()
    app = web.Application()
    app.add_routes([web.post("/api/messages", fake.messages)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@asynccontextmanager
async def sitting_at(screen, bot):
    """Let somebody sit at a terminal, and yield what the bot sends cards with."""
    port = a_free_port()
    async with (
        aiohttp.ClientSession() as session,
        connector(screen.happenings.put_nowait, port=port, now=utc_now) as wall,
    ):
        address = service_url(port)
        poster = TeamsPoster(
            session=session,
            credentials=NoCredentials(),
            service_urls=ServiceUrls.of("http://127.0.0.1"),
            now=utc_now,
        )
        speaker = Speaker(session, bot_url=bot.url, service_url=address, now=utc_now)
        terminal = Terminal(
            console=screen.console,
            wall=wall,
            speaker=speaker,
            happenings=screen.happenings,
            rates=Rates(base=EUR, per_unit={}),
        )
        yield terminal, poster, channel_at(address)


def channel_at(address):
    return replace(CHANNEL, id=PURCHASING, tenant=TENANT, service_url=address)


async def test_cards_are_listed_and_a_button_sends_the_invoke_that_teams_would_send(bot):
    screen = Screen()
    bot.answers = [card_of(OVERRIDDEN)]
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        posting = await poster.post(channel, card_of(WAITING), summary="new")
        screen.type("1", "1", "", "q")

        await terminal.run()

    click = bot.taken[0]
    assert "Bearings 6204 run out on Wedn" in screen.text
    assert (click["type"], click["name"]) == ("invoke", "adaptiveCard/action")
    assert click["replyToId"] == posting.activity_id
    assert click["conversation"]["id"] == posting.conversation_id
    assert click["from"]["name"] == "Alex Wilber"
    assert click["value"]["trigger"] == "manual"
    assert click["value"]["action"]["verb"] == "approve"
    assert click["value"]["action"]["data"]["rec"] == WAITING.id
    await screen.shows("Ana Ruiz overrode this")


async def test_a_form_is_asked_field_by_field_and_choices_are_picked_by_number(bot):
    screen = Screen()
    bot.answers = [override_form(WAITING, reader=READER, now=NOW), card_of(OVERRIDDEN)]
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        await poster.post(channel, card_of(WAITING), summary="new")
        screen.type("1", "3", "1", "2", "Ordered on Friday", "", "q")

        await terminal.run()

    assert [(verb, data.get("code"), data.get("text")) for _, verb, data in bot.clicks] == [
        ("override", None, None),
        ("confirm_override", "already_ordered", "Ordered on Friday"),
    ]


async def test_somebody_else_can_take_the_seat(bot):
    screen = Screen()
    bot.answers = ["This decision belongs to Ana Ruiz. Nothing was changed."]
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        await poster.post(channel, card_of(WAITING), summary="new")
        screen.type("a", "2", "1", "1", "", "q")

        await terminal.run()

    assert [person for person, *_ in bot.clicks] == ["Megan Bowen"]
    await screen.shows("This decision belongs to Ana Ruiz. Nothing was changed.")


async def test_a_card_that_is_repainted_while_it_is_open_is_shown_again(bot):
    screen = Screen()
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        posting = await poster.post(channel, card_of(WAITING), summary="new")
        running = asyncio.create_task(terminal.run())
        screen.type("1")
        await screen.shows("1 Approve")

        await poster.update(posting, card_of(OVERRIDDEN), summary="changed")

        await screen.shows("Overridden: nothing is written")
        screen.type("", "q")
        await running


async def test_what_comes_meanwhile_is_told_at_the_prompt(bot):
    screen = Screen()
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        running = asyncio.create_task(terminal.run())
        await screen.shows("Nothing has come yet.")

        await poster.post(channel, card_of(WAITING), summary="new")

        await screen.shows("● Purchasing: Bearings 6204 run out on Wednesday (Ana Ruiz)")
        screen.type("", "q")
        await running


async def test_words_are_written_to_the_bot_and_its_answer_is_shown_whole(bot):
    screen = Screen()
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        running = asyncio.create_task(terminal.run())
        screen.type("help me")
        await bot.came.wait()

        await poster.say(channel, bot.taken[0]["conversation"]["id"], help_card(reader=READER))

        await screen.shows("What you can ask")
        screen.type("q")
        await running
    assert (bot.taken[0]["type"], bot.taken[0]["text"]) == ("message", "help me")


async def test_the_open_ones_come_first_and_the_dearest_of_them_on_top(bot):
    screen = Screen()
    cheap = a_recommendation(id="CHEAP00000", proposal=a_proposal(headline="Gloves run out"))
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        for one in (OVERRIDDEN, cheap):
            await poster.post(channel, card_of(one), summary="new")
        await poster.post(channel, dearer(), summary="new")
        screen.type("q")

        await terminal.run()

    seen = screen.text
    assert seen.index("Line 3 stops") < seen.index("Gloves run out") < seen.index("Bearings 6204")


def dearer():
    """A card about something that costs 1,800 EUR an hour already."""
    biting = an_impact_line(bites_at=NOW - timedelta(hours=1), probability=Decimal(1))
    proposal = a_proposal(headline="Line 3 stops", impact=an_impact(lines=(biting,)))
    return card_of(a_recommendation(id="DEAR000000", proposal=proposal))


async def test_a_bot_that_does_not_answer_is_said_and_nothing_breaks(bot):
    screen = Screen()
    bot.answers, bot.status = ["never mind"], 500
    async with sitting_at(screen, bot) as (terminal, poster, channel):
        await poster.post(channel, card_of(WAITING), summary="new")
        screen.type("1", "1", "", "9", "q")

        await terminal.run()

    await screen.shows("The bot did not answer (HTTP 500).")
    await screen.shows("There is no number 9.")


async def test_an_update_of_a_message_that_is_not_there_is_answered_as_teams_does(bot):
    async with sitting_at(Screen(), bot) as (_, poster, channel):
        posting = await poster.post(channel, card_of(WAITING), summary="new")

        with pytest.raises(PostingGoneError):
            await poster.update(replace(posting, activity_id="1"), {}, summary="")


async def test_lines_are_read_as_they_are_typed_and_the_end_is_told():
    happenings = asyncio.Queue()
    reading, writing = os.pipe()
    async with lines_typed(happenings, descriptor=reading):
        os.write(writing, b"first\nsec")
        os.write(writing, b"ond\n")
        os.close(writing)

        typed = [await happenings.get() for _ in range(3)]

    os.close(reading)
    assert typed == ["first", "second", None]


async def test_without_a_terminal_what_arrives_is_printed(bot):
    screen = Screen()
    async with sitting_at(screen, bot) as (_, poster, channel):
        following = asyncio.create_task(follow(screen.console, screen.happenings))

        await poster.post(channel, card_of(WAITING), summary="new")

        await screen.shows("● Purchasing: Bearings 6204 run out on Wednesday")
        following.cancel()
