"""Calls that go out: each is timed, counted by receiver and outcome, and has a span."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import perf_counter
from types import SimpleNamespace
from typing import Final

import aiohttp
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from yarl import URL

from bot import measure

_TRACER: Final = trace.get_tracer("countersign.calls")


def receiver(logins: tuple[str, ...], is_teams: Callable[[str], bool]) -> Callable[[URL], str]:
    """Return what names the receiver of a call by its address."""
    entrances = {URL(login).origin() for login in logins}

    def name(url: URL) -> str:
        origin = url.origin()
        if is_teams(str(origin)):
            return "teams"
        return "login" if origin in entrances else "webhook"

    return name


@dataclass(slots=True, kw_only=True)
class _Call:
    to: str
    span: Span
    started: float


def watched(name: Callable[[URL], str]) -> aiohttp.TraceConfig:
    """Return what watches the calls of a session."""

    async def begun(
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        sent: aiohttp.TraceRequestStartParams,
    ) -> None:
        to = name(sent.url)
        span = _TRACER.start_span(
            f"{sent.method} {to}",
            kind=SpanKind.CLIENT,
            attributes={"http.request.method": sent.method, "server.address": sent.url.host or ""},
        )
        context.call = _Call(to=to, span=span, started=perf_counter())

    async def answered(
        _: aiohttp.ClientSession, context: SimpleNamespace, got: aiohttp.TraceRequestEndParams
    ) -> None:
        context.call.span.set_attribute("http.response.status_code", got.response.status)
        _over(context.call, f"{got.response.status // 100}xx")

    async def failed(
        _: aiohttp.ClientSession,
        context: SimpleNamespace,
        lost: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        context.call.span.set_status(Status(StatusCode.ERROR, type(lost.exception).__name__))
        _over(context.call, "no_answer")

    config = aiohttp.TraceConfig()
    config.on_request_start.append(begun)
    config.on_request_end.append(answered)
    config.on_request_exception.append(failed)
    return config


def _over(call: _Call, outcome: str) -> None:
    call.span.end()
    seconds = perf_counter() - call.started
    measure.CALL_SECONDS.labels(to=call.to, outcome=outcome).observe(seconds)


async def erp_session(stack: AsyncExitStack, *, keeps: bool = True) -> aiohttp.ClientSession:
    """Open a session to the ERP, closed with the stack; one that writes keeps no connections."""
    connector = aiohttp.TCPConnector(force_close=not keeps)
    calls = [watched(lambda _: "erp")]
    return await stack.enter_async_context(
        aiohttp.ClientSession(connector=connector, trace_configs=calls)
    )
