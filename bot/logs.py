"""Log lines as JSON, each with what it is about: one id from the intake to the receipt."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from opentelemetry import trace

CORRELATION: Final = "correlation"
"""The field, and the attribute of spans, that carries the marker: CS- and the id."""

_LONGEST: Final = 40
"""Characters of an id; what a client sends in its place may be anything."""

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_fields: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=_NOTHING)
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Put fields on every log line of the block, and on those of `about` within it."""
    before = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(before)


def about(recommendation: str) -> None:
    """Say what the rest of the enclosing `bound` block is about, in lines and spans."""
    marker = f"CS-{recommendation}"[:_LONGEST]
    _fields.set({**_fields.get(), CORRELATION: marker})
    trace.get_current_span().set_attribute(CORRELATION, marker)


def fields() -> Mapping[str, object]:
    """Return the fields that lines get here."""
    return _fields.get()


class JsonLines(logging.Formatter):
    """One JSON object a line, for whatever collects the logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what was logged with it goes before what surrounds it."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields.get(),
            **extra,
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = trace.format_trace_id(span.trace_id)
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
