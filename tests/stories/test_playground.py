"""The real Playground in a headless browser: a card is read, approved, overridden, refused."""

import asyncio
import re
import signal
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import expect

from bot.app import Running, demo_doors, running
from bot.clock import utc_now
from bot.demo.cast import MEGAN, PATTI, PURCHASING
from bot.demo.doorbell import Doorbell
from bot.demo.folder import open_folder
from bot.demo.playground import OLDEST_NODE, NoPlaygroundError, playground
from bot.demo.stage import erp_in, introduce, settings_for
from decisions.lifecycle import State
from erp.standin.server import StandIn
from tests.bot.demo.free_port import a_free_port
from tests.fakes.browser import PlaygroundPage, chromium, missing, node_version, page_in
from tests.stories.advice import a_stockout
from tests.stories.process import READY, command, started

ROOM = "Operations - Purchasing"
PHONE, DESK = 320, 1280


@dataclass(kw_only=True)
class Stage:
    """The demo's own pieces, and the Playground in a browser with Alex Wilber in front of it."""

    bot: Running
    bell: Doorbell
    erp: StandIn
    http: aiohttp.ClientSession
    key: str
    url: str
    screen: PlaygroundPage

    async def recommend(self, **changes):
        """Send a recommendation through the API; return its id and the card on the screen."""
        sent = a_stockout() | changes
        address = f"{self.bot.url}/api/v1/recommendations"
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.http.post(address, json=sent, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
            made = await answer.json()
        card = self.screen.card(made["id"])
        await expect(card).to_contain_text(sent["headline"])
        return made["id"], card

    async def record(self, name):
        """Return what the bot keeps of a recommendation, and where its card stands."""
        return await self.bot.ctx.store.read(
            lambda unit: (unit.recommendations.get(name), unit.postings.of(name)[0].posting)
        )

    async def elsewhere(self, who, verb, name):
        """Let somebody press a button on another screen, as *Custom activity* does."""
        one, posting = await self.record(name)
        base = f"{self.url}/_internal/v1/customActivities"
        async with self.http.get(
            f"{base}/template", params={"conversationId": PURCHASING}
        ) as answer:
            template = await answer.json()
        data = {"rec": one.id, "round": one.round, "rev": one.revision, "plan": one.plan.hash}
        action = {"type": "Action.Execute", "verb": verb, "data": data}
        activity = template | {
            "type": "invoke",
            "name": "adaptiveCard/action",
            "from": {"id": who.id, "name": who.name, "aadObjectId": who.object_id},
            "conversation": template["conversation"] | {"id": posting.conversation_id},
            "replyToId": posting.activity_id,
            "value": {"action": action, "trigger": "manual"},
        }
        async with self.http.post(base, json=activity) as answer:
            assert answer.ok, await answer.text()

    async def until(self, name, kind):
        """Wait for an audit entry of a recommendation."""
        deadline = asyncio.get_running_loop().time() + 5
        while kind not in await self.kinds(name):
            assert asyncio.get_running_loop().time() < deadline, await self.kinds(name)
            await asyncio.sleep(0.02)

    async def kinds(self, name):
        """Return the kinds of a recommendation's audit entries."""
        entries = await self.bot.ctx.store.read(lambda unit: list(unit.audit.walk()))
        return [one.event.kind for one in entries if one.event.recommendation == name]

    def orders(self):
        """Return the purchase orders that Countersign wrote."""
        return [order for order in self.erp.orders() if "CS-" in str(order)]


@pytest.fixture
async def stage(tmp_path):
    """The demo without its past and its planner."""
    if node_version() < OLDEST_NODE:
        missing(f"there is no Node.js {OLDEST_NODE} with npx")
    folder = open_folder(tmp_path / "demo", fresh=True)
    port = a_free_port()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        erp = await enter(erp_in(folder, port=0, now=utc_now))
        settings = settings_for(folder, erp, host="127.0.0.1", port=0)
        doors = demo_doors(settings)
        bell = Doorbell(doors.gate)
        bot = await enter(running(settings, doors=replace(doors, gate=bell)))
        try:
            url = await enter(
                playground(folder.playground, bot_url=bot.url, port=port, browser="none")
            )
        except NoPlaygroundError as problem:
            missing(str(problem))
        key = await introduce(bot.ctx, folder, client_port=port)
        page = await enter(page_in(await enter(chromium()), width=DESK))
        http = await enter(aiohttp.ClientSession())
        screen = PlaygroundPage(page, url)
        await screen.enter(ROOM)
        await bell.answer_once(bot.ctx)
        yield Stage(bot=bot, bell=bell, erp=erp, http=http, key=key, url=url, screen=screen)


async def test_alex_reads_a_card_approves_it_and_sees_the_receipt(stage):
    name, card = await stage.recommend()
    await expect(card).to_contain_text("This is")
    await stage.screen.picture(card, f"waiting-{DESK}")

    await stage.screen.press(card, re.compile("^Approve: "))

    await expect(card).to_contain_text("Written and read back")
    (order,) = stage.orders()
    await expect(card).to_contain_text(f"Draft order {order['number']} stands in")
    await expect(card).to_contain_text("Alex Wilber approved this")
    await stage.screen.picture(card, f"written-{DESK}")
    one, _ = await stage.record(name)
    assert one.receipt.clean


async def test_alex_gives_an_order_that_stands_another_quantity(stage):
    order = next(one for one in stage.erp.orders() if one["status"] == "Draft")
    line = next(one for one in order["purchaseOrderLines"] if one["lineType"] == "Item")
    more = line["quantity"] + 10
    _, card = await stage.recommend(
        headline="The pump order falls ten pieces short",
        action={
            "kind": "set_po_quantity",
            "document": order["number"],
            "line": line["sequence"],
            "quantity": str(more),
            "unit": line["unitOfMeasureCode"],
        },
    )
    await expect(card).to_contain_text(order["number"])
    await expect(card).to_contain_text("→")
    await stage.screen.picture(card, f"changed-{DESK}")

    await stage.screen.press(card, re.compile("^Approve: "))

    await expect(card).to_contain_text("Written and read back")
    await expect(card).to_contain_text(f"Order {order['number']} was changed in")
    await stage.screen.picture(card, f"changed-written-{DESK}")
    assert line["quantity"] == more


async def test_somebody_who_is_not_asked_is_refused_and_the_deputy_is_not(stage):
    name, card = await stage.recommend()

    await stage.elsewhere(PATTI, "approve", name)

    await stage.until(name, "click_refused")
    assert (await stage.record(name))[0].state is State.AWAITING
    assert stage.orders() == []
    await expect(card).to_contain_text("Waiting for a decision")

    await stage.elsewhere(MEGAN, "approve", name)

    await expect(card).to_contain_text("Written and read back")
    await expect(card).to_contain_text("Megan Bowen approved this")
    assert len(stage.orders()) == 1


async def test_alex_overrides_with_a_reason_and_nothing_is_written(stage):
    name, card = await stage.recommend()
    await stage.screen.press(card, "Override")
    form = stage.screen.card("Override: why not?")
    await expect(form).to_be_visible()
    await stage.screen.picture(form, f"override-{DESK}")

    await stage.screen.choose(form, "Already ordered")
    await form.get_by_role("textbox").fill("Ordered by phone on Friday")
    await stage.screen.press(form, "Override")

    done = stage.screen.card("Overridden: nothing is written")
    await expect(done).to_contain_text("Already ordered: Ordered by phone on Friday")
    one, _ = await stage.record(name)
    assert (one.decision.reason_code, one.decision.reason) == (
        "already_ordered",
        "Ordered by phone on Friday",
    )
    assert stage.orders() == []


async def test_the_card_fits_the_width_of_a_phone_and_is_approved_there(stage):
    name, card = await stage.recommend()

    cut_off = await stage.screen.narrow(card, PHONE)
    await stage.screen.picture(card, f"waiting-{PHONE}")
    await stage.screen.press(card, re.compile("^Approve: "))

    await expect(card).to_contain_text("Written and read back")
    await stage.screen.picture(card, f"written-{PHONE}")
    assert cut_off == 0
    assert (await stage.record(name))[0].state is State.WRITTEN


async def test_a_page_that_is_loaded_again_shows_what_is_open(stage):
    name, card = await stage.recommend()
    await expect(card).to_be_visible()

    await stage.screen.enter(ROOM)
    await stage.bell.answer_once(stage.bot.ctx)

    await expect(stage.screen.card(name)).to_contain_text("Waiting for a decision")
    assert await stage.screen.cards.count() == 1


def running_in(folder):
    """Return the processes whose working directory is a folder."""
    links = Path("/proc").glob("[0-9]*/cwd")
    found = []
    for link in links:
        with suppress(OSError):
            if link.readlink() == folder:
                found.append(link.parent.name)
    return found


async def test_stopping_the_demo_stops_the_playground_too(tmp_path):
    if node_version() < OLDEST_NODE:
        missing(f"there is no Node.js {OLDEST_NODE} with npx")
    folder = (tmp_path / "state" / "playground").resolve()
    async with started(*command(tmp_path / "state", "--client", "playground")) as process:
        said = ""
        while not said.startswith(READY):
            said = (await process.stdout.readline()).decode()
            assert process.returncode is None
        before = running_in(folder)

        process.send_signal(signal.SIGINT)

        async with asyncio.timeout(8):
            _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert len(before) > 0
    assert running_in(folder) == []
