"""How a job's step says that it wants to be run again."""

from datetime import timedelta

from decisions.errors import CountersignError


class RetryLaterError(CountersignError):
    """The step did not get through; run it again after a while."""

    def __init__(self, after: timedelta, why: str) -> None:
        """Say how long to wait, and why."""
        self.after = after
        self.why = why
        super().__init__(why)


class LaneWaitsError(RetryLaterError):
    """The whole lane of a step must wait: Teams asked for a pause in this conversation."""
