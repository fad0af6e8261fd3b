"""Microsoft's own Teams client for one machine, the Microsoft 365 Agents Playground.

https://www.npmjs.com/package/@microsoft/m365agentsplayground, run with npx from npm's own cache.
"""

import asyncio
import json
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Literal

import aiohttp
import yaml

from bot.demo.cast import (
    APP,
    AT_THE_BROWSER,
    BOT,
    CHANNELS,
    GENERAL,
    MEMBERS,
    PURCHASING,
    TEAM,
    TEAM_GROUP,
    TENANT,
    Member,
)
from decisions.errors import CountersignError

PACKAGE: Final = "@microsoft/m365agentsplayground@0.2.28"
OLDEST_NODE: Final = 18

_DOWNLOAD: Final = 150.0
"""Seconds for npx to fetch 15 MB and start; from npm's cache it takes two."""

_READY: Final = 15.0
_GRACE: Final = 3.0

_LOOPBACK_ONLY: Final = Path(__file__).with_name("loopback.cjs")


class NoPlaygroundError(CountersignError):
    """The Playground cannot be used here."""

    def __init__(self, why: str) -> None:
        """Say why, in one line."""
        self.why = why
        super().__init__(f"The Microsoft 365 Agents Playground cannot be used: {why}.")


def configuration() -> dict[str, object]:
    """Return who is there, as the Playground wants it: `users` are exactly five, and one is me.

    Its own default ids are no GUIDs (they have 33 hex digits), so all of them are given.
    """
    return {
        "version": "0.1.1",
        "tenantId": TENANT,
        "bot": {"id": BOT, "name": "Countersign"},
        "currentUser": _user(AT_THE_BROWSER),
        "users": [_user(member) for member in MEMBERS if member is not AT_THE_BROWSER],
        "personalChat": {"id": f"a:1{AT_THE_BROWSER.given_name.lower()}-{APP[:8]}"},
        "groupChat": {"id": "19:shift-handover@thread.v2", "name": "Shift handover"},
        "team": {
            "id": GENERAL,
            "name": TEAM,
            "aadGroupId": TEAM_GROUP,
            "channels": [{"id": PURCHASING, "name": CHANNELS[PURCHASING]}],
        },
    }


def _user(member: Member) -> dict[str, str]:
    return {
        "id": member.id,
        "name": member.name,
        "userPrincipleName": member.email,
        "aadObjectId": member.object_id,
        "givenName": member.given_name,
        "surname": member.surname,
        "email": member.email,
    }


@asynccontextmanager
async def playground(
    folder: Path, *, bot_url: str, port: int, browser: Literal["open", "none"]
) -> AsyncIterator[str]:
    """Run the Playground and yield its address; stop it and all it started afterwards.

    Raises:
        NoPlaygroundError: Node is missing or too old, or the Playground did not start.
    """
    npx = await _npx()
    _configure(folder)
    process = await _start(npx, folder, bot_url=bot_url, port=port, browser=browser)
    draining: asyncio.Task[None] | None = None
    try:
        await _listening(process, port)
        draining = asyncio.create_task(_drain(process))
        await _answering(process, port, folder)
        yield f"http://localhost:{port}"
    finally:
        if draining is not None:
            draining.cancel()
        await _stop(process)


def _configure(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".m365agentsplayground.yml").write_text(
        yaml.safe_dump(configuration(), allow_unicode=True, sort_keys=False), encoding="utf-8"
    )


async def _npx() -> str:
    node, npx = shutil.which("node"), shutil.which("npx")
    if node is None or npx is None:
        raise NoPlaygroundError("Node.js is not installed")
    asked = await asyncio.create_subprocess_exec(
        node, "--version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL
    )
    said, _ = await asked.communicate()
    version = re.match(rb"v([0-9]+)", said)
    if version is None or int(version[1]) < OLDEST_NODE:
        found = said.decode(errors="replace").strip() or "of an unknown version"
        raise NoPlaygroundError(f"Node.js is {found}, and it needs {OLDEST_NODE} or newer")
    return npx


async def _start(
    npx: str, folder: Path, *, bot_url: str, port: int, browser: Literal["open", "none"]
) -> Process:
    """Start it in a process group of its own, so that npx and what it starts end together."""
    only_loopback = f"--require {json.dumps(str(_LOOPBACK_ONLY))}"
    environment = os.environ | {
        "M365_AGENTS_PLAYGROUND_LOGFILE": str(folder / "playground.log"),
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} {only_loopback}".strip(),
    }
    if browser == "none":
        environment["TEAMSAPPTESTER_BROWSER"] = "none"
    arguments = (
        *("--yes", PACKAGE, "start"),
        *("-e", f"{bot_url}/api/messages"),
        *("-p", str(port)),
        *("-c", "msteams"),
        *("--service-url", service_url(port)),
        "--disable-telemetry",
    )
    return await asyncio.create_subprocess_exec(
        npx,
        *arguments,
        cwd=folder,
        env=environment,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )


def service_url(port: int) -> str:
    """Return the address at which the client takes what the bot sends."""
    return f"http://127.0.0.1:{port}/_connector"


async def _listening(process: Process, port: int) -> None:
    """Wait for its own words; it takes another port without asking when ours is in use."""
    said: list[str] = []
    try:
        async with asyncio.timeout(_DOWNLOAD):
            while line := await _line(process):
                if found := re.match(r"Listening on ([0-9]+)", line):
                    if int(found[1]) != port:
                        raise NoPlaygroundError(f"port {port} is in use")
                    return
                said.append(line)
    except TimeoutError:
        raise NoPlaygroundError(f"npx did not start it within {_DOWNLOAD:.0f} s") from None
    raise NoPlaygroundError(_last_words(said))


async def _line(process: Process) -> str:
    if process.stdout is None:
        raise AssertionError("it was started with a pipe")
    return (await process.stdout.readline()).decode(errors="replace")


def _last_words(said: list[str]) -> str:
    complaints = [line.strip() for line in said if "warn" not in line and line.strip()]
    found = next((line for line in complaints if "error" in line.lower()), None)
    return f"npx ended ({found or (complaints or ['it said nothing'])[-1]})"


async def _answering(process: Process, port: int, folder: Path) -> None:
    """Wait until it has read its configuration; with a bad one it listens first and then ends."""
    url = f"http://127.0.0.1:{port}/_internal/v1/config"
    with suppress(TimeoutError):
        async with asyncio.timeout(_READY), aiohttp.ClientSession() as session:
            while process.returncode is None:
                with suppress(aiohttp.ClientError):
                    async with session.get(url) as answer:
                        if answer.ok:
                            return
                await asyncio.sleep(0.05)
    raise NoPlaygroundError(f"it does not answer; {folder / 'playground.log'} may say why")


async def _drain(process: Process) -> None:
    while await _line(process):
        pass


async def _stop(process: Process) -> None:
    """End the process group that was started here; its leader may have ended before the rest."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)
            break
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
