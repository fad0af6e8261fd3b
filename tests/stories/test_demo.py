"""`countersign demo` from outside: a command, what it prints, what it leaves, how it ends."""

import asyncio
import os
import pty
import shutil
import signal
from pathlib import Path

import aiohttp
import pytest

from erp.standin.store import Store as ErpStore
from storage.audit import verify_chain
from storage.store import Store
from tests.stories.advice import a_stockout
from tests.stories.process import READY, command, ran, started


class Left:
    """What a demo left in its folder."""

    def __init__(self, state):
        store = Store.open(f"sqlite:///{state / 'countersign.db'}")
        erp = ErpStore(state / "erp.db")
        try:
            self.first, self.seq, self.broken, self.open = asyncio.run(store.read(self._read))
            self.orders = sorted(
                order["number"] for order in erp.all("purchaseOrders") if "CS-" in str(order)
            )
        finally:
            store.close()
            erp.close()

    @staticmethod
    def _read(unit):
        entries = list(unit.audit.walk())
        waiting = sorted(one.id for one in unit.recommendations.open_all(1000))
        return entries[0].hash, entries[-1].seq, list(verify_chain(unit)), waiting


@pytest.fixture(scope="module")
def first_run(tmp_path_factory):
    """A demo that was run for a few seconds, from nothing."""
    state = tmp_path_factory.mktemp("demo") / "state"
    code, out, err = asyncio.run(ran(*command(state, "--client", "terminal", "--for", "6")))
    return state, code, out, err


@pytest.fixture
def state(first_run, tmp_path):
    """A copy of what the first run left."""
    return Path(shutil.copytree(first_run[0], tmp_path / "state"))


def test_the_demo_sets_itself_up_posts_cards_and_ends(first_run):
    _, code, out, err = first_run

    assert (code, err) == (0, "")
    assert out.count("● ") >= 5
    assert "Three weeks of history" in out
    assert out.endswith("with --fresh it starts over.\n")


def test_its_past_is_sound_and_every_order_of_ours_was_approved(first_run):
    left = Left(first_run[0])

    assert left.broken == []
    assert len(left.orders) > 20


def test_a_second_run_goes_on_where_the_first_one_stopped(state):
    before = Left(state)

    code, out, err = asyncio.run(ran(*command(state, "--client", "terminal", "--for", "4")))

    after = Left(state)
    assert (code, err) == (0, "")
    assert "Three weeks of history" not in out
    assert out.count("● ") >= len(before.open)
    assert (after.first, after.broken) == (before.first, [])
    assert set(before.open) <= set(after.open)
    assert set(before.orders) <= set(after.orders)


def test_fresh_starts_over(state):
    before = Left(state)

    code, _, err = asyncio.run(
        ran(*command(state, "--fresh", "--client", "terminal", "--for", "1"))
    )

    after = Left(state)
    assert (code, err) == (0, "")
    assert after.first != before.first
    assert set(after.open).isdisjoint(before.open)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_it_cleanly(state, number):
    async with started(*command(state, "--client", "terminal")) as process:
        while READY not in (await process.stdout.readline()).decode():
            assert process.returncode is None

        process.send_signal(number)

        async with asyncio.timeout(5):
            out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out.decode().endswith("with --fresh it starts over.\n")


async def test_it_can_be_stopped_while_it_sets_itself_up(tmp_path):
    async with started(*command(tmp_path / "state", "--client", "terminal")) as process:
        while not (tmp_path / "state" / "countersign.db").exists():
            await asyncio.sleep(0.05)
            assert process.returncode is None

        process.send_signal(signal.SIGINT)

        async with asyncio.timeout(5):
            _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert not (tmp_path / "state" / "ready").exists()


async def test_an_address_that_others_reach_is_refused(tmp_path):
    code, out, err = await ran(*command(tmp_path / "state", "--host", "0.0.0.0"))  # noqa: S104  it must be refused

    assert (code, out) == (1, "")
    assert "Without tokens the bot may listen on 127.0.0.1 only" in err
    assert not (tmp_path / "state").exists()


async def test_a_port_that_is_taken_is_named(tmp_path):
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    try:
        code, _, err = await ran(*command(tmp_path / "state", "--port", str(port)))
    finally:
        taken.close()

    assert code == 1
    assert f"Port {port} is in use, perhaps by another demo." in err


class Screen:
    """A terminal of 80 columns and 24 lines that a program runs in."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.text = ""

    async def shows(self, words, *, within=30):
        """Wait for words that come after those that were waited for before."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(within):
            while words not in self.text:
                try:
                    read = await loop.run_in_executor(None, os.read, self.ours, 4096)
                except OSError:
                    pytest.fail(f"it ended before it showed {words!r}: {self.text}")
                self.text += read.decode(errors="replace")
        self.text = self.text.split(words, 1)[1]

    def type(self, line):
        os.write(self.ours, f"{line}\n".encode())


async def send(state, arguments, advice):
    """Send a recommendation with the demo's own key."""
    port = arguments[arguments.index("--port") + 1]
    address = f"http://127.0.0.1:{port}/api/v1/recommendations"
    headers = {"Authorization": f"Bearer {(state / 'api-key').read_text()}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, json=advice, headers=headers) as answer,
    ):
        assert answer.status == 202, await answer.text()


async def test_a_buyer_without_node_approves_in_a_plain_terminal(state):
    screen = Screen()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), screen.theirs)
    plain = os.environ | {"TERM": "dumb", "COLUMNS": "80", "LINES": "24"}
    arguments = command(state, "--client", "terminal")
    async with started(*arguments, **streams, env=plain) as process:
        os.close(screen.theirs)
        await screen.shows("q: quit")
        await send(state, arguments, a_stockout(hourly="900000"))
        await screen.shows("Bearings 6205 for line 2")
        screen.type("")
        await screen.shows("q: quit")

        screen.type("1")
        await screen.shows("1  Approve")
        screen.type("1")
        await screen.shows("Alex Wilber approved this")
        await screen.shows("stands in")
        screen.type("")
        await screen.shows("q: quit")
        screen.type("q")
        await screen.shows("with --fresh it starts over.")

        code = await process.wait()
    os.close(screen.ours)
    assert code == 0
