"""`countersign serve`: the bot, until it is told to stop."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from bot.app import running
from bot.clock import utc_now
from bot.logs import JsonLines
from bot.ports import Clock
from bot.settings import Role, Settings, settings_from_environment
from decisions.errors import CountersignError

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

SWITCH_AFTER: Final = 0.0005
"""Seconds for which a thread of the database may keep the interpreter from the event loop.

The loop gives it up at each system call, a dozen times in a click, and Python's usual 5 ms to get
it back would add up to a tenth of a second.
"""


class TelemetryMissingError(CountersignError):
    """Spans should be sent, and what sends them is not installed."""

    def __init__(self) -> None:
        """Say what to install, or unset."""
        super().__init__(
            "COUNTERSIGN_OTLP_ENDPOINT is set, and what sends spans is not installed. "
            "Install countersign[telemetry], or unset it."
        )


def serve(roles: Collection[Role]) -> None:
    """Read the settings, run until SIGINT or SIGTERM, finish what is in hand."""
    settings = settings_from_environment(roles=roles or None)
    sys.setswitchinterval(SWITCH_AFTER)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    with _traced(settings.otlp_endpoint):
        asyncio.run(until_told(settings))


def _traced(endpoint: str | None) -> AbstractContextManager[None]:
    if not endpoint:
        return nullcontext()
    try:
        from bot.tracing import traced  # noqa: PLC0415  the extra is there only where it is wanted
    except ImportError:
        raise TelemetryMissingError from None
    return traced(endpoint)


async def until_told(settings: Settings, *, now: Clock = utc_now) -> None:
    """Run until SIGINT or SIGTERM; then finish what is in hand."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        for number in _SIGNALS:  # whoever says it twice does not want to wait
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in _SIGNALS:
        loop.add_signal_handler(number, told)
    async with running(settings, now=now) as bot:
        # What was made until now stays. Walking all of it in every full collection would hold up
        # clicks for a tenth of a second.
        gc.collect()
        gc.freeze()
        logging.getLogger(__name__).info("listening on %s", bot.url)
        await stop.wait()
        logging.getLogger(__name__).info("finishing what is in hand")
