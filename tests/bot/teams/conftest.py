"""A bot that listens on loopback, the Teams that talks to it, and the keys between them."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.http.messages import message_routes
from bot.teams.edge import Edge
from bot.teams.handler import Surface
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import TokenVerifier
from tests.bot.teams.recorder import RecordingWorkflow
from tests.bot.teams.stopped_clock import StoppedClock
from tests.build import TENANT
from tests.fakes.entra import APP_ID, FakeIdentity
from tests.fakes.teams import FakeTeams


@pytest.fixture
def clock():
    return StoppedClock()


@pytest.fixture
def workflow():
    return RecordingWorkflow()


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def identity(clock):
    async with FakeIdentity(now=clock) as identity:
        yield identity


@pytest.fixture
async def verifier(identity, session, clock):
    verifier = TokenVerifier(
        app_id=APP_ID,
        tenants=[TENANT],
        service_urls=ServiceUrls.of("smba.trafficmanager.net", "http://127.0.0.1"),
        session=session,
        now=clock,
        metadata_url=identity.metadata_url,
    )
    yield verifier
    await verifier.close()


@pytest.fixture
async def serve():
    """Return a function that starts an edge and returns its address."""
    servers = []

    async def start(gate, workflow) -> str:
        app = web.Application()
        app.add_routes(message_routes(Edge(gate=gate, surface=Surface(workflow)).process))
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return str(server.make_url("/api/messages"))

    yield start
    for server in servers:
        await server.close()


@pytest.fixture
async def teams(identity, verifier, workflow, serve):
    async with FakeTeams(identity) as teams:
        teams.bot_url = await serve(verifier, workflow)
        yield teams
