"""The stand-in with a plant in it, and a way to call it as an application does."""

import json

import aiohttp
import pytest

from bot.clock import utc_now
from erp.standin.plant import seed
from erp.standin.server import StandIn


@pytest.fixture
async def erp():
    made = StandIn(now=utc_now)
    seed(made.store, utc_now().date())
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def call(erp):
    async with aiohttp.ClientSession() as session:
        tokens = {}
        for one in (erp.reader, erp.writer):
            form = {"client_id": one.client_id, "client_secret": one.secret}
            async with session.post(f"{erp.base_url}/t/oauth2/v2.0/token", data=form) as answer:
                tokens[one.client_id] = (await answer.json())["access_token"]

        async def ask(method, path, body=None, *, who=erp.writer, **headers):
            api = headers.pop("api", "v2.0")
            address = (
                f"{erp.base_url}/v2.0/Production/api/{api}/companies({erp.company_id})/{path}"
            )
            token = {"Authorization": f"Bearer {tokens[who.client_id]}"} if who else {}
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            async with session.request(
                method, address, json=body, headers=token | names
            ) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if text.startswith("{") else text

        yield ask
