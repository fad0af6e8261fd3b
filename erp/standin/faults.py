"""What may go wrong with one request, switched on by a test."""

from dataclasses import dataclass, field
from enum import Enum


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
