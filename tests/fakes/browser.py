"""A headless Chromium that may talk to this machine only, and the Playground's page in it."""

import os
import shutil
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Error, async_playwright

REQUIRE = "COUNTERSIGN_REQUIRE_PLAYGROUND"
SCREENSHOTS = "COUNTERSIGN_SCREENSHOTS"

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def missing(why):
    """Skip the test for want of a client; where the client is required, fail it."""
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and {why}")
    pytest.skip(why)


def node_version():
    """Return the major version of Node; 0 where there is none."""
    node = shutil.which("node")
    if node is None or shutil.which("npx") is None:
        return 0
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)  # noqa: S603  the node that was found
    return int(said.stdout.strip().lstrip("v").split(".")[0])


@asynccontextmanager
async def chromium():
    """Start a browser; every request that leaves this machine is stopped."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    async with async_playwright() as driver:
        try:
            browser = await driver.chromium.launch(
                executable_path=path,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
        except Error as problem:
            missing(f"no Chromium could be started: {problem.message.splitlines()[0]}")
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def page_in(browser, *, width, height=1500):
    """Open a page of a certain width, kept to this machine."""
    context = await browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=2
    )

    async def keep_home(route):
        if urlsplit(route.request.url).hostname in _LOOPBACK:
            await route.continue_()
        else:
            await route.abort()

    await context.route("**/*", keep_home)
    try:
        yield await context.new_page()
    finally:
        await context.close()


class PlaygroundPage:
    """The Playground in a browser, seen by the person in front of it."""

    def __init__(self, page, url):
        self.page = page
        self.url = url

    async def enter(self, channel):
        """Open the page and go to a channel."""
        await self.page.goto(self.url)
        await self.page.get_by_role("treeitem", name=channel).click()

    @property
    def cards(self):
        """Every card in the conversation, oldest first."""
        return self.page.locator(".ac-adaptiveCard")

    def card(self, words):
        """The newest card that shows certain words."""
        return self.cards.filter(has_text=words).last

    async def press(self, card, title):
        """Press a button, in the overflow menu if that is where it is."""
        button = card.get_by_role("button", name=title, exact=True)
        if not await button.count():
            await card.locator(".ac-actionSet button").last.click()
            button = self.page.get_by_role("menuitem", name=title, exact=True)
        await button.first.click()

    async def choose(self, card, option):
        """Pick from a list whose entries are all shown."""
        await card.get_by_role("radio", name=option, exact=True).check()

    async def narrow(self, card, width):
        """Give every card the width of a phone; the page itself is not made for one.

        Return how many pixels of this card do not fit.
        """
        style = f".ac-adaptiveCard {{ box-sizing: border-box; width: {width}px !important }}"
        await self.page.add_style_tag(content=style)
        return await card.evaluate("card => card.scrollWidth - card.clientWidth")

    async def picture(self, card, name):
        """Keep a picture of a card where the environment asks for one."""
        folder = os.environ.get(SCREENSHOTS)
        if folder:
            await card.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")
