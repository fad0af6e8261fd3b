"""The one root of every error that Countersign raises on purpose."""


class CountersignError(Exception):
    """Something did not go as asked; the text says what, why, and what to do."""
