"""What the workflow needs from the outside; the surfaces implement it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from decisions.errors import CountersignError
from decisions.people import Channel, Posting

CardJson = Mapping[str, object]
"""A finished Adaptive Card, ready to be sent."""


class Clock(Protocol):
    """Tells the time; only the program's edge asks it."""

    def __call__(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...


class PosterBusyError(CountersignError):
    """Teams asked us to wait; the same call may be made again."""

    def __init__(self, retry_after: timedelta) -> None:
        """Say how long."""
        self.retry_after = retry_after
        super().__init__(f"Teams is busy. Try again in {retry_after.total_seconds():.0f} s.")


class PosterUnknownError(CountersignError):
    """The answer of Teams was lost; the message may stand there or not."""


class PostingGoneError(CountersignError):
    """The message that should be repainted no longer exists."""


class PosterRefusedError(CountersignError):
    """Teams will not take this message, however often it is sent."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the code that Teams gave, and its words."""
        self.code = code
        super().__init__(f"Teams refused the message: {code}. {text}")


class Poster(Protocol):
    """Puts cards on people's screens; each call is one request, never retried inside.

    Every method raises `PosterBusyError`, `PosterUnknownError` or `PosterRefusedError`.
    """

    async def post(self, channel: Channel, card: CardJson, *, summary: str) -> Posting:
        """Post a new card in a channel; `summary` is the text of the notification."""
        ...

    async def update(self, posting: Posting, card: CardJson, *, summary: str) -> None:
        """Repaint a posted card for everybody; raises `PostingGoneError` when it was deleted."""
        ...

    async def remove(self, posting: Posting) -> None:
        """Take a message away; raises `PostingGoneError` when it was deleted before."""
        ...

    async def say(self, channel: Channel, conversation_id: str, card: CardJson) -> Posting:
        """Answer in the thread or chat that somebody wrote in."""
        ...
