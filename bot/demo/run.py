"""`countersign demo`: everything on one machine, until somebody stops it."""

import asyncio
import logging
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from bot.demo.cast import TENANT
from bot.demo.folder import open_folder
from bot.demo.play import Choices, Play
from bot.demo.stage import LOOPBACK
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import LoopbackOnly
from decisions.errors import CountersignError

BYE: Final = "Stopped. `countersign demo` goes on from here; with --fresh it starts over."


class PortInUseError(CountersignError):
    """Something else listens on a port that the demo needs."""

    def __init__(self, port: int, option: str) -> None:
        """Say how another one is chosen."""
        self.port = port
        super().__init__(
            f"Port {port} is in use, perhaps by another demo. "
            f"Stop what listens there, or choose another port with {option}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What can be chosen on the command line; `seconds` counts from when the demo is ready."""

    fresh: bool
    client: str
    host: str
    port: int
    erp_port: int
    playground_port: int
    pace: float
    seconds: float | None
    state: Path


def demo(options: DemoOptions) -> int:
    """Run the demo until it is stopped; return the exit code.

    Raises:
        NotOnLoopbackError: others could reach the bot, and the demo asks for no passwords.
        PortInUseError: something else listens on one of its ports.
        ForeignFolderError: the folder would have to be emptied, and is not ours.
        NoPlaygroundError: the Playground was asked for, and cannot be used here.
    """
    LoopbackOnly(
        listening_on=options.host, tenants=[TENANT], service_urls=ServiceUrls.of(LOOPBACK)
    )
    _check_port(options.host, options.port, "--port")
    _check_port("127.0.0.1", options.erp_port, "--erp-port")
    _check_port("127.0.0.1", options.playground_port, "--playground-port")
    folder = open_folder(options.state, fresh=options.fresh)
    logging.basicConfig(
        filename=folder.log,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    choices = Choices(
        client=options.client,
        host=options.host,
        port=options.port,
        erp_port=options.erp_port,
        client_port=options.playground_port,
        pace=options.pace,
        seconds=options.seconds,
    )
    console = Console(highlight=False)
    asyncio.run(_until_stopped(Play(choices=choices, folder=folder, console=console)))
    console.print(f"\n{BYE}", markup=False)
    return 0


def _check_port(host: str, port: int, option: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise PortInUseError(port, option) from None


async def _until_stopped(play: Play) -> None:
    """Play until it ends by itself or a signal comes; whatever was started ends with it."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    playing = asyncio.create_task(play.run())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((playing, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing
