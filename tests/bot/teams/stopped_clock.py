"""A clock that only a test moves."""

from datetime import UTC, datetime, timedelta


class StoppedClock:
    """Tells the same time until it is moved."""

    def __init__(self, at: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)):
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        """Move on, as `forward(hours=1)`."""
        self.at += timedelta(**by)
