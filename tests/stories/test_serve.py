"""`countersign serve` as a process of its own."""

import asyncio
import os
import signal
import sys

import aiohttp

from tests.bot.demo.free_port import a_free_port
from tests.stories.world import ANA


async def listening(process, url):
    async with aiohttp.ClientSession() as session:
        while process.returncode is None:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    return answer.status, await answer.json()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
    raise AssertionError((await process.stderr.read()).decode())


async def test_it_serves_finishes_what_is_in_hand_and_ends_when_told(world):
    await world.stop()
    port = a_free_port()
    environment = world.environment() | {"COUNTERSIGN_PORT": str(port), "PATH": os.environ["PATH"]}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "serve",
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    world.url = f"http://127.0.0.1:{port}"
    world.teams.bot_url = f"{world.url}/api/messages"

    status, ready = await listening(process, world.url)
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    process.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(process.wait(), 20)
    log = (await process.stderr.read()).decode()
    await world.start()
    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)

    assert (status, ready["status"]) == (200, "ready")
    assert code == 0
    assert "Traceback" not in log
    assert len(world.orders()) == 1
