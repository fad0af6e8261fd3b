"""Where Teams reaches the bot."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

PATH: Final = "/api/messages"


def message_routes(
    process: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> tuple[web.RouteDef, ...]:
    """Return the messaging endpoint; POST only, so that there is no streaming endpoint."""
    return (web.post(PATH, process),)
