"""`countersign serve`: the bot, until it is told to stop."""

import asyncio
import gc
import json
import logging
import signal
import sys
from datetime import UTC, datetime
from typing import Final

from bot.app import running
from bot.settings import Settings, settings_from_environment

SWITCH_AFTER: Final = 0.0005
"""Seconds for which a thread of the database may keep the interpreter from the event loop.

The loop gives it up at each system call, a dozen times in a click, and Python's usual 5 ms to get
it back would add up to a tenth of a second.
"""


class JsonLines(logging.Formatter):
    """One JSON object a line, for whatever collects the logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line)


def serve() -> None:
    """Read the settings, run until SIGINT or SIGTERM, finish what is in hand."""
    settings = settings_from_environment()
    sys.setswitchinterval(SWITCH_AFTER)
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
        # What was made until now stays. Walking all of it in every full collection would hold up
        # clicks for a tenth of a second.
        gc.collect()
        gc.freeze()
        logging.getLogger(__name__).info("listening on %s", bot.url)
        await stop.wait()
