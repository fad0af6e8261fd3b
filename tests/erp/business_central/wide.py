"""A reader of the whole plant, over HTTP, with a clock and the stand-in's switches."""

from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp

from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.reader import BusinessCentralReader
from erp.business_central.tokens import ClientCredentialTokens
from erp.standin.plant import seed
from erp.standin.server import StandIn
from tests.build import NOW


class Plant:
    """The stand-in with everything in it, and what reads it."""

    def __init__(self):
        self.now = NOW
        self.erp = StandIn(now=lambda: self.now)
        self.reader = None

    def later(self, **how_much):
        """Let time pass."""
        self.now += timedelta(**how_much)

    async def read(self, *scopes, since=None):
        """Return a snapshot."""
        return await self.reader.snapshot(scopes, since=since)

    def reduced(self):
        """Return what was read in a lesser way."""
        return self.reader.capabilities().reduced

    def asked(self, name):
        """Return how often something was asked for."""
        return sum(request.path == name for request in self.erp.log)


def a_reader(session, base_url, *, now):
    """Return a reader of the stand-in at an address."""
    tokens = ClientCredentialTokens(
        session,
        url=f"{base_url}/tenant/oauth2/v2.0/token",
        client_id=StandIn.reader.client_id,
        client_secret=StandIn.reader.secret,
    )
    company = Company(
        base_url=f"{base_url}/v2.0",
        environment=StandIn.environment,
        company_id=StandIn.company_id,
    )
    return BusinessCentralReader(BusinessCentralClient(session, tokens, company), now=now)


@asynccontextmanager
async def a_plant():
    """Run the plant."""
    plant = Plant()
    seed(plant.erp.store, NOW.date())
    await plant.erp.start()
    async with aiohttp.ClientSession() as session:
        plant.reader = a_reader(session, plant.erp.base_url, now=lambda: plant.now)
        yield plant
    await plant.erp.stop()
