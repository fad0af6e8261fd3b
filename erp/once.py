"""Sends a request once. aiohttp sends a DELETE or PUT again when the connection is lost.

RFC 9110, section 9.2.2, lets it: the second one would find nothing to delete, and its "not found"
would hide that the first one did it.
"""

from aiohttp import (
    ClientConnectorError,
    ClientHandlerType,
    ClientOSError,
    ClientRequest,
    ClientResponse,
    ConnectionTimeoutError,
    ServerDisconnectedError,
)


class ConnectionLostError(Exception):
    """The connection was lost; no error of aiohttp's, since it would send again after those."""

    def __init__(self, cause: Exception) -> None:
        """Keep what aiohttp said."""
        super().__init__(type(cause).__name__)
        self.before_sending = isinstance(cause, ClientConnectorError | ConnectionTimeoutError)
        """Whether there was no connection at all, so that nothing was sent."""


async def once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Send a request; a middleware for everything that writes.

    Raises:
        ConnectionLostError: it was lost, or never made.
    """
    try:
        return await handler(request)
    except (ClientOSError, ServerDisconnectedError) as lost:
        raise ConnectionLostError(lost) from lost
