"""What may go wrong with one request, switched on by a test."""

from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from aiohttp import web


class Fault(Enum):
    """How a request fails."""

    ANSWER_LOST_AFTER_COMMIT = "the connection closes after the work is done"
    GATEWAY_TIMEOUT_AFTER_COMMIT = "504 after the work is done"
    HTML_AFTER_COMMIT = "a gateway's HTML page after the work is done"
    RESET_BEFORE_COMMIT = "the connection closes before anything is done"
    TOO_MANY_REQUESTS = "429 with Retry-After"
    UNAVAILABLE = "503 with Retry-After"
    TOKEN_EXPIRED = "401 for a token that was good"  # noqa: S105  a sentence, no password
    SLOW = "three seconds late"


@dataclass(kw_only=True)
class Faults:
    """Which requests fail next, by method and the last part of the path."""

    down: bool = False
    _waiting: list[tuple[str, str, Fault]] = field(default_factory=list)

    def next(self, method: str, path: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next requests with this method, whose path ends so, fail."""
        self._waiting += [(method, path, fault)] * times

    @property
    def pending(self) -> bool:
        """Tell whether a request that should fail has not come yet."""
        return bool(self._waiting)

    def take(self, method: str, path: str) -> Fault | None:
        """Return how a request fails, once."""
        for waiting in self._waiting:
            if waiting[0] == method and path.rstrip("/").endswith(waiting[1]):
                self._waiting.remove(waiting)
                return waiting[2]
        return None


def html(status: int) -> web.Response:
    """Answer as a gateway does, in HTML."""
    words = HTTPStatus(status).phrase
    return web.Response(
        status=status, text=f"<html><body>{words}</body></html>", content_type="text/html"
    )


def cut(request: web.Request) -> web.Response:
    """Close the connection; nobody gets what is returned."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def before_commit(fault: Fault | None, request: web.Request) -> web.Response | None:
    """Return the answer to a request that fails before anything is done."""
    match fault:
        case Fault.RESET_BEFORE_COMMIT:
            return cut(request)
        case Fault.TOO_MANY_REQUESTS:
            return web.Response(status=429, headers={"Retry-After": "1"})
        case Fault.UNAVAILABLE:
            return web.Response(status=503, headers={"Retry-After": "1"})
        case Fault.TOKEN_EXPIRED:
            return html(401)
        case _:
            return None
