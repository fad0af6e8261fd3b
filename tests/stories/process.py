"""`countersign demo` as a process of its own."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from tests.bot.demo.free_port import a_free_port

HERE = Path(__file__).parents[2]
READY = "Stop"
"""The last line that is printed before the demo runs."""


def command(state, *options):
    ports = (
        *("--port", str(a_free_port())),
        *("--erp-port", str(a_free_port())),
        *("--playground-port", str(a_free_port())),
    )
    return [sys.executable, "-m", "bot", "demo", "--state", str(state), *ports, *options]


@asynccontextmanager
async def started(*arguments, **more):
    """Start a program, and end it when a test did not."""
    pipe = asyncio.subprocess.PIPE
    streams = {"stdin": asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": pipe} | more
    process = await asyncio.create_subprocess_exec(*arguments, cwd=HERE, **streams)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ran(*arguments):
    """Run a program to its end; return exit code, what it printed and what it complained."""
    async with started(*arguments) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()
