"""How often one sender or one person may come: a token bucket each, kept by this process.

Each replica counts for itself, so with three of them three times as much gets through: the limit
keeps one runaway client from starving the others, and is no measure of use.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from decisions.errors import CountersignError

MOST_BUCKETS: Final = 10_000
"""What is remembered; who was not seen for longest is forgotten first, and starts full again."""

BURST: Final = 4
"""Seconds' worth that may come at once after a rest."""


class TooOftenError(CountersignError):
    """Somebody comes more often than is taken."""

    def __init__(self, wait: timedelta) -> None:
        """Say when to come again."""
        self.wait = wait
        super().__init__(
            "Slowly, please: that was more at once than is taken. Nothing was decided and nothing "
            f"was kept. Try again in {self.seconds} s."
        )

    @property
    def seconds(self) -> int:
        """Return whole seconds, at least one, as Retry-After wants them."""
        return max(1, -int(-self.wait.total_seconds() // 1))


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class Limits:
    """A bucket for each key, filled steadily, emptied by use."""

    def __init__(self, per_second: float, *, most: int = MOST_BUCKETS) -> None:
        """Let this many through per second, and `BURST` times as many after a rest."""
        self._rate = per_second
        self._full = max(1.0, per_second * BURST)
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def check(self, key: str, now: datetime) -> None:
        """Count one use.

        Raises:
            TooOftenError: the bucket is empty.
        """
        bucket = self._buckets.setdefault(key, _Bucket(self._full, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        rested = max(0.0, (now - bucket.at).total_seconds())
        bucket.tokens = min(self._full, bucket.tokens + rested * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            raise TooOftenError(timedelta(seconds=(1 - bucket.tokens) / self._rate))
        bucket.tokens -= 1
