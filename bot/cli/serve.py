"""`countersign serve`: the bot, until it is told to stop."""

import asyncio
import logging
import signal

from bot.app import running
from bot.logs import JsonLines
from bot.settings import Settings, settings_from_environment


def serve() -> None:
    """Read the settings, run until SIGINT or SIGTERM, finish what is in hand."""
    settings = settings_from_environment()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    asyncio.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as bot:
        logging.getLogger(__name__).info("listening on %s", bot.url)
        await stop.wait()
