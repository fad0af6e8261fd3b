"""How the Playground is started and ended, with programs that stand in for Node and npx."""

import asyncio
import json
import os
import signal
import sys

import aiohttp
import pytest
import yaml

from bot.demo.playground import NoPlaygroundError, playground
from tests.bot.demo.free_port import a_free_port

SERVING = """
import http.server, json, os, pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
port = int(sys.argv[sys.argv.index("-p") + 1])
kept = {"pid": os.getpid(), "arguments": sys.argv[1:], "options": os.environ["NODE_OPTIONS"]}
pathlib.Path("started.json").write_text(json.dumps(kept))

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass

server = http.server.HTTPServer(("127.0.0.1", port), Answer)
print(f"Listening on {port}", flush=True)
server.serve_forever()
"""

WAITING = """
import os, pathlib, time
pathlib.Path("pid").write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """A folder that is the whole PATH; returns what puts a program into it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, body):
        path = folder / name
        path.write_text(f"#!{sys.executable}\n{body}")
        path.chmod(0o755)

    return put


async def started(folder, port=None):
    async with playground(
        folder, bot_url="http://127.0.0.1:3978", port=port or a_free_port(), browser="none"
    ):
        pass


@pytest.mark.usefixtures("programs")
async def test_without_node_it_says_so(tmp_path):
    with pytest.raises(NoPlaygroundError, match=r"Node\.js is not installed"):
        await started(tmp_path / "state")


async def test_an_old_node_is_named(programs, tmp_path):
    programs("node", "print('v16.20.2')")
    programs("npx", "")

    with pytest.raises(NoPlaygroundError, match=r"Node.js is v16.20.2, and it needs 18 or newer"):
        await started(tmp_path / "state")


async def test_what_npx_complains_about_is_said_in_one_line(programs, tmp_path):
    programs("node", "print('v20.1.0')")
    programs("npx", "print('npm warn old lockfile'); print('npm error 404 Not Found'); exit(1)")

    with pytest.raises(NoPlaygroundError, match=r"npx ended \(npm error 404 Not Found\)\.$"):
        await started(tmp_path / "state")


async def test_a_program_that_says_nothing_is_told_from_one_that_complains(programs, tmp_path):
    programs("node", "print('v20.1.0')")
    programs("npx", "")

    with pytest.raises(NoPlaygroundError, match=r"npx ended \(it said nothing\)"):
        await started(tmp_path / "state")


async def test_another_port_than_ours_is_not_taken(programs, tmp_path):
    programs("node", "print('v20.1.0')")
    programs("npx", "import time; print('Listening on 1', flush=True); time.sleep(60)")
    port = a_free_port()

    with pytest.raises(NoPlaygroundError, match=f"port {port} is in use"):
        await started(tmp_path / "state", port)


async def test_one_that_listens_and_then_ends_is_noticed(programs, tmp_path):
    programs("node", "print('v20.1.0')")
    programs("npx", "import sys; print('Listening on', sys.argv[sys.argv.index('-p') + 1])")

    with pytest.raises(NoPlaygroundError, match="it does not answer"):
        await started(tmp_path / "state")


async def test_it_is_started_with_its_people_and_ended_even_when_it_does_not_want_to(
    programs, tmp_path
):
    programs("node", "print('v20.1.0')")
    programs("npx", SERVING)
    folder, port = tmp_path / "a state", a_free_port()
    async with (
        playground(folder, bot_url="http://127.0.0.1:3978", port=port, browser="none") as url,
        aiohttp.ClientSession() as session,
        session.get(url) as answer,
    ):
        status = answer.status

    kept = json.loads((folder / "started.json").read_text())
    written = yaml.safe_load((folder / ".m365agentsplayground.yml").read_text())
    assert status == 200
    assert kept["arguments"][:3] == ["--yes", "@microsoft/m365agentsplayground@0.2.28", "start"]
    assert "--disable-telemetry" in kept["arguments"]
    assert kept["options"].endswith('loopback.cjs"')
    assert written["currentUser"]["name"] == "Alex Wilber"
    with pytest.raises(ProcessLookupError):
        os.kill(kept["pid"], 0)


async def test_it_is_ended_too_when_the_demo_is_stopped_while_it_starts(programs, tmp_path):
    programs("node", "print('v20.1.0')")
    programs("npx", WAITING)
    starting = asyncio.create_task(started(tmp_path / "state"))
    while not (tmp_path / "state" / "pid").exists():  # noqa: ASYNC110  another process makes it
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "state" / "pid").read_text()), signal.SIGCONT)
