"""Sends spans to an OpenTelemetry collector; imported only where one is configured.

It needs the extra `countersign[telemetry]`. Everywhere else the program makes its spans with the
API alone, which does nothing as long as nobody listens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from bot import logs

PATIENCE: Final = 5.0
"""Seconds that a collector has for one batch; spans are worth less than a quick stop."""


class _Correlated(SpanProcessor):
    """Puts the id that the log lines carry on every span that begins under it."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Mark a span."""
        del parent_context
        correlation = logs.fields().get(logs.CORRELATION)
        if isinstance(correlation, str):
            span.set_attribute(logs.CORRELATION, correlation)


@contextmanager
def traced(endpoint: str) -> Iterator[None]:
    """Send what the block does to a collector; at its end, what is left."""
    about = Resource.create(
        {"service.name": "countersign", "service.version": version("countersign")}
    )
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE)
    provider.add_span_processor(_Correlated())
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()
