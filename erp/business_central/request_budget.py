"""How many requests one log-in may make, so that Business Central need not say no.

It takes 5 at once and 6,000 in a sliding 5 minutes per user and answers 429 after that
(operational-limits-online.md); we stay below both, and keep a part for people who wait.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

AT_ONCE: Final = 4
IN_WINDOW: Final = 5_000
WINDOW: Final = 300.0
"""Seconds."""

KEPT: Final = 10
"""One part in so many of the window is kept for requests that somebody waits for."""


@dataclass(slots=True)
class SlidingWindow:
    """When the last requests began; every moment is the caller's."""

    most: int
    seconds: float
    _began: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float, *, kept: int = 0) -> float:
        """Return how long until one more may begin with `kept` left over; 0 is at once."""
        while self._began and self._began[0] <= now - self.seconds:
            self._began.popleft()
        over = len(self._began) - (self.most - kept)
        return 0.0 if over < 0 else self._began[over] + self.seconds - now

    def take(self, now: float) -> None:
        """Count a request that begins."""
        self._began.append(now)


class RequestBudget:
    """Lets requests begin; those that a person waits for go before wide reads.

    Wide reads leave one of the requests at once and a tenth of the window alone, and none begins
    while a person's request waits.
    """

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        in_window: int = IN_WINDOW,
        window: float = WINDOW,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Begin with nothing used; `clock` is the event loop's where none is given."""
        self._at_once = at_once
        self._kept = in_window // KEPT
        self._window = SlidingWindow(in_window, window)
        self._clock = clock
        self._running = 0
        self._people = 0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def turn(self, *, wide: bool) -> AsyncGenerator[None]:
        """Wait until a request may begin, and count it while it runs."""
        await self._begin(wide=wide)
        try:
            yield
        finally:
            self._running -= 1
            self._wake()

    async def _begin(self, *, wide: bool) -> None:
        self._people += not wide
        try:
            while (pause := self._pause(wide=wide)) != 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), pause)
            self._running += 1
            self._window.take(self._now())
        finally:
            if not wide:
                self._people -= 1
                self._wake()  # wide reads stood back for this one, and may look again

    def _pause(self, *, wide: bool) -> float | None:
        """Return how long to wait before looking again; 0 to begin, None until something ends."""
        if wide and self._people:
            return None
        if self._running >= max(self._at_once - wide, 1):
            return None
        return self._window.wait(self._now(), kept=self._kept if wide else 0)

    def _wake(self) -> None:
        """Let everybody who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()
