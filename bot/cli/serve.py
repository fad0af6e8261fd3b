"""`countersign serve`: the bot, until it is told to stop."""

import asyncio
import logging
import signal
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from bot.app import running
from bot.logs import JsonLines
from bot.settings import Settings, settings_from_environment
from decisions.errors import CountersignError

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class TelemetryMissingError(CountersignError):
    """Spans should be sent, and what sends them is not installed."""

    def __init__(self) -> None:
        """Say what to install, or unset."""
        super().__init__(
            "COUNTERSIGN_OTLP_ENDPOINT is set, and what sends spans is not installed. "
            "Install countersign[telemetry], or unset it."
        )


def serve() -> None:
    """Read the settings, run until SIGINT or SIGTERM, finish what is in hand."""
    settings = settings_from_environment()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    with _traced(settings.otlp_endpoint):
        asyncio.run(_until_told(settings))


def _traced(endpoint: str | None) -> AbstractContextManager[None]:
    if not endpoint:
        return nullcontext()
    try:
        from bot.tracing import traced  # noqa: PLC0415  the extra is there only where it is wanted
    except ImportError:
        raise TelemetryMissingError from None
    return traced(endpoint)


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:
        stop.set()
        for number in _SIGNALS:  # whoever says it twice does not want to wait
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in _SIGNALS:
        loop.add_signal_handler(number, told)
    async with running(settings) as bot:
        logging.getLogger(__name__).info("listening on %s", bot.url)
        await stop.wait()
        logging.getLogger(__name__).info("finishing what is in hand")
