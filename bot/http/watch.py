"""Around each request that comes in: its id on every log line, a span, and how long it took."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Final

from aiohttp import web
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from bot import measure
from bot.logs import bound

REQUEST_ID: Final = "X-Request-Id"

_TRACER: Final = trace.get_tracer("countersign.http")
_LOG: Final = logging.getLogger(__name__)


@web.middleware
async def watch(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Give a request an id of its own; the answer names it, so that a sender can quote it."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    method = request.method if resource else "any"
    number = secrets.token_hex(8)
    started = perf_counter()
    status = 500
    with (
        bound(request=number),
        _TRACER.start_as_current_span(
            f"{method} {route}",
            kind=SpanKind.SERVER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
    ):
        try:
            answer = await handler(request)
            status = answer.status
        except web.HTTPException as refused:
            status = refused.status
            raise
        except Exception:
            _LOG.exception("a request broke")
            raise
        finally:
            seconds = perf_counter() - started
            measure.REQUEST_SECONDS.labels(method=method, route=route, status=status).observe(
                seconds
            )
            span.set_attribute("http.response.status_code", status)
        answer.headers[REQUEST_ID] = number
        return answer
