"""Spans, as a collector gets them."""

import signal

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.stories.served import serving
from tests.stories.world import ANA


class Collector:
    """Takes spans as OTLP over HTTP."""

    def __init__(self):
        self.spans = []
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self.server = TestServer(app)

    async def _take(self, request):
        sent = ExportTraceServiceRequest.FromString(await request.read())
        for resource in sent.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")

    def of(self, correlation):
        """Return the names of the spans that carry an id."""
        return {
            span.name
            for span in self.spans
            if any(
                one.key == "correlation" and one.value.string_value == correlation
                for one in span.attributes
            )
        }


async def test_one_id_finds_requests_jobs_turns_and_calls(world):
    collector = Collector()
    await collector.server.start_server()

    async with serving(
        world, COUNTERSIGN_OTLP_ENDPOINT=str(collector.server.make_url("/"))
    ) as served:
        message = await world.recommend()
        await world.teams.press(ANA, message, "approve")
        await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
        served.process.send_signal(signal.SIGTERM)
        code = await served.ended()
    await collector.server.close()

    assert code == 0
    assert {
        "POST /api/messages",
        "job post",
        "job write",
        "turn",
        "POST teams",
        "POST erp",
    } <= collector.of(f"CS-{world.id}")


async def test_a_collector_that_is_away_holds_up_nothing(world):
    async with serving(world, COUNTERSIGN_OTLP_ENDPOINT="http://127.0.0.1:9") as served:
        await world.recommend()
        served.process.send_signal(signal.SIGTERM)
        code = await served.ended()

    assert code == 0
