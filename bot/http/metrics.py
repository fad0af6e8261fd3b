"""`/metrics` for Prometheus: what this process counted, and what stands in the database.

It holds no personal data: no name, no id of a person, no text that somebody wrote.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder

from bot import measure
from bot.ports import Clock
from bot.workflow.context import Context
from storage.figures import Figures

FRESH: Final = timedelta(seconds=5)
"""How long figures are good for; several scrapers cost the database no more than one."""

PATIENCE: Final = 5.0
"""Seconds that the database has; a scrape that finds it away shows the rest."""

_ORDERS: Final = ("sending", "not_sent", "refused", "not_written", "unknown")
_RECOMMENDATIONS: Final = (
    "proposed",
    "awaiting",
    "approved",
    "writing",
    "refused",
    "conflict",
    "unknown",
    "not_written",
    "shelved",
)


class Gauges:
    """Reads the figures, at most once in a while."""

    def __init__(self, ctx: Context) -> None:
        """Read them from this store."""
        self._ctx = ctx
        self._lock = asyncio.Lock()
        self._read_at: datetime | None = None
        self._figures: Figures | None = None

    async def read(self) -> Figures | None:
        """Return the figures, a few seconds old at most; None when the database is away."""
        async with self._lock:
            now = self._ctx.now()
            if self._read_at is None or now - self._read_at >= FRESH:
                self._figures = await self._fresh(now)
                self._read_at = now
            return self._figures

    async def _fresh(self, now: datetime) -> Figures | None:
        try:
            reading = self._ctx.store.read(lambda unit: unit.figures(now))
            return await asyncio.wait_for(reading, PATIENCE)
        except Exception:  # noqa: BLE001  the figure that says so is what an operator needs now
            return None


class Standing:
    """What stood in the database, as Prometheus reads it."""

    def __init__(self, figures: Figures | None, now: Clock) -> None:
        """Show these figures."""
        self._figures = figures
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Return each metric."""
        up = 0 if self._figures is None else 1
        yield GaugeMetricFamily(
            "countersign_database_up", "1 when the database could be read.", value=up
        )
        if self._figures is not None:
            yield from self._jobs(self._figures)
            yield from _states(self._figures)
            yield from _counted(self._figures)

    def _jobs(self, figures: Figures) -> Iterator[Metric]:
        lag = GaugeMetricFamily(
            "countersign_job_lag_seconds",
            "How long the oldest due job of a kind has waited.",
            labels=["kind"],
        )
        waiting = GaugeMetricFamily(
            "countersign_jobs_waiting", "Jobs that are not done, due or not.", labels=["kind"]
        )
        failing = GaugeMetricFamily(
            "countersign_jobs_failing", "Jobs whose last attempt failed.", labels=["kind"]
        )
        for kind, one in sorted(figures.jobs.items()):
            age = self._now() - one.oldest_due if one.oldest_due else timedelta(0)
            lag.add_metric([kind], max(age.total_seconds(), 0))
            waiting.add_metric([kind], one.waiting)
            failing.add_metric([kind], one.failing)
        yield from (lag, waiting, failing)


def _states(figures: Figures) -> Iterator[Metric]:
    orders = GaugeMetricFamily(
        "countersign_orders",
        "Orders that are not (yet) written, by state; unknown means a lost answer.",
        labels=["state"],
    )
    for state in _ORDERS:
        orders.add_metric([state], figures.orders.get(state, 0))
    open_ = GaugeMetricFamily(
        "countersign_recommendations",
        "Recommendations that are not over, by state.",
        labels=["state"],
    )
    for state in _RECOMMENDATIONS:
        open_.add_metric([state], figures.recommendations.get(state, 0))
    yield from (orders, open_)


def _counted(figures: Figures) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "countersign_quarantine_held",
        "What could not be understood and waits for a person.",
        value=figures.quarantined,
    )
    yield GaugeMetricFamily(
        "countersign_audit_entries",
        "Length of the audit chain; it never shrinks.",
        value=figures.audit_entries,
    )
    yield CounterMetricFamily(
        "countersign_alarms",
        "Alarms in the audit chain: something that must not happen, happened.",
        value=figures.alarms,
    )


class _Both:
    """The registry of the process and the figures, as one."""

    def __init__(self, standing: Standing) -> None:
        self._standing = CollectorRegistry()
        self._standing.register(standing)

    def collect(self) -> Iterator[Metric]:
        yield from measure.REGISTRY.collect()
        yield from self._standing.collect()


def metrics_routes(ctx: Context, gauges: Gauges) -> tuple[web.RouteDef, ...]:
    """Return `/metrics`."""

    async def metrics(request: web.Request) -> web.Response:
        standing = Standing(await gauges.read(), ctx.now)
        encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(
            body=encode(_Both(standing)), headers={hdrs.CONTENT_TYPE: content_type}
        )

    return (web.get("/metrics", metrics),)
