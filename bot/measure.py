"""What this process counts; `bot.http.metrics` adds what stands in the database.

Labels are short lists that the program knows: never a person, an id or a text.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from time import perf_counter
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

from decisions.audit import AuditEvent
from decisions.countersign import DECIDED

REGISTRY: Final = CollectorRegistry()
"""Our own: a library that counts things for itself does not show up in ours."""

ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_QUICK: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10)
_SLOW: Final = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


def _version() -> str:
    try:
        return version("countersign")
    except PackageNotFoundError:  # run from its folder, as in the container
        return "unknown"


BUILD: Final = Info("countersign_build", "The version that runs.", registry=REGISTRY)
BUILD.info({"version": _version(), "python": python_version()})

INTAKE: Final = Counter(
    "countersign_intake",
    "Recommendations that came in, by what became of them.",
    ["verdict"],
    registry=REGISTRY,
)
CLICKS: Final = Counter(
    "countersign_clicks",
    "Clicks by button and by what came of them: decided, refused, again, moved, shown, failed.",
    ["verb", "outcome"],
    registry=REGISTRY,
)
REFUSED_CLICKS: Final = Counter(
    "countersign_clicks_refused",
    "Clicks that were refused, by the reason.",
    ["reason"],
    registry=REGISTRY,
)
CLICK_SECONDS: Final = Histogram(
    "countersign_click_seconds",
    "How long a person waited for the answer to a click.",
    buckets=_QUICK,
    registry=REGISTRY,
)
REQUEST_SECONDS: Final = Histogram(
    "countersign_request_seconds",
    "Requests that came in, by route and status.",
    ["method", "route", "status"],
    buckets=_QUICK,
    registry=REGISTRY,
)
JOB_SECONDS: Final = Histogram(
    "countersign_job_seconds",
    "Jobs that ran, by kind and outcome: done, later, broke, lost.",
    ["kind", "outcome"],
    buckets=_SLOW,
    registry=REGISTRY,
)
CALL_SECONDS: Final = Histogram(
    "countersign_call_seconds",
    "Calls that went out, by receiver (teams, erp, login, webhook) and outcome.",
    ["to", "outcome"],
    buckets=_SLOW,
    registry=REGISTRY,
)
CARD_ERRORS: Final = Counter(
    "countersign_card_errors",
    "Cards that Teams did not take, by the code that it gave.",
    ["code"],
    registry=REGISTRY,
)
EVENTS: Final = Counter(
    "countersign_events",
    "What was put in the audit chain by this process, by kind.",
    ["kind"],
    registry=REGISTRY,
)

_CODE: Final = re.compile("[A-Za-z][A-Za-z0-9 _.-]{0,39}")
_OUTCOMES: Final[Mapping[str, str]] = {
    DECIDED: "decided",
    "retried": "decided",
    "click_refused": "refused",
    "clicked_again": "again",
    "facts_moved": "moved",
}


class _Click:
    """Collects what came of the click in hand; the turn that keeps it runs elsewhere."""

    outcome = "shown"


_click: ContextVar[_Click | None] = ContextVar("click", default=None)


@contextmanager
def clicked(verb: str) -> Iterator[None]:
    """Time a click and count it under what came of it."""
    click = _Click()
    before = _click.set(click)
    started = perf_counter()
    try:
        yield
    except BaseException:
        click.outcome = "failed"
        raise
    finally:
        _click.reset(before)
        CLICK_SECONDS.observe(perf_counter() - started)
        CLICKS.labels(verb=verb, outcome=click.outcome).inc()


def count_event(event: AuditEvent) -> None:
    """Count what was put in the chain; one that answers a click is its outcome."""
    EVENTS.labels(kind=event.kind).inc()
    click = _click.get()
    if click is not None and event.kind in _OUTCOMES:
        click.outcome = _OUTCOMES[event.kind]
    if event.kind == "click_refused":
        REFUSED_CLICKS.labels(reason=str(event.body.get("why"))).inc()


def count_card_error(code: str) -> None:
    """Count a card that Teams did not take; its codes are a list, whatever else is not."""
    CARD_ERRORS.labels(code=code if _CODE.fullmatch(code) else "other").inc()
