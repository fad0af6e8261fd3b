"""The running program with Teams, Entra and Business Central around it, all over real HTTP."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import aiohttp

from bot.app import running
from bot.clock import utc_now
from bot.settings import settings_from
from bot.workflow import keys
from decisions.people import Person, PersonId
from erp.standin.plant import seed
from erp.standin.server import StandIn
from storage.audit import verify_chain
from tests.build import SIGNING_KEY, TENANT
from tests.fakes.entra import APP_ID, FakeIdentity
from tests.fakes.hurry import hurry_jobs, is_busy
from tests.fakes.screens import actions
from tests.fakes.teams import FakeTeams

ANA = Person(id=PersonId("a11ce000-0000-4000-8000-000000000001"), name="Ana Ruiz")
BO = Person(id=PersonId("b0b00000-0000-4000-8000-000000000002"), name="Bo Lind")
DEV = Person(id=PersonId("de000000-0000-4000-8000-000000000004"), name="Dev Patel")
"""Ana owns, Bo is her deputy, Dev is in the team and nothing more."""

ROUTING = f"""
plants:
  GDN: {{name: Gdańsk works, timezone: Europe/Warsaw, language: en}}
people:
  ana: {{id: {ANA.id}, name: {ANA.name}}}
  bo: {{id: {BO.id}, name: {BO.name}}}
channels: {{purchasing: "19:purchasing@thread.tacv2"}}
rates: {{base: EUR, per_unit: {{USD: "0.92", PLN: "0.23"}}}}
everything_else:
  {{channel: purchasing, owner: ana, deputies: [bo], sla: PT4H}}
"""


def when(**ahead):
    """Return a moment as the API writes it."""
    return (utc_now() + timedelta(**ahead)).isoformat()


class World:
    """One plant, one channel, one ERP, and as many replicas of the bot as a story wants."""

    def __init__(self, database, folder, *, routing=ROUTING):
        self.database = database
        self.folder = folder
        self.routing = routing
        self.url = ""
        self.bot = None
        self.headers = {}
        self.quiet = "PT0.3S"
        self.api_rate = self.click_rate = 100_000
        self.signing_key = SIGNING_KEY
        self.verify_keys = ""
        self.more = {}
        self.sent = {}
        self.item = {"number": "BRG-6205", "baseUnitOfMeasureCode": "PCS"}
        self.vendor = {"number": "V1010"}
        self.location = "GDN-RAW"
        self.id = self.first = ""

    async def __aenter__(self):
        self._stack = AsyncExitStack()
        enter = self._stack.enter_async_context
        self.identity = await enter(FakeIdentity())
        self.teams = await enter(FakeTeams(self.identity))
        self.erp = StandIn(now=utc_now)
        seed(self.erp.store, utc_now().date())
        await self.erp.start()
        self._stack.push_async_callback(self.erp.stop)
        self.http = await enter(aiohttp.ClientSession())
        (self.folder / "routing.yaml").write_text(self.routing, encoding="utf-8")
        await self.start()
        await self.teams.install(ANA)
        ctx = self.bot.ctx
        made = await keys.create(
            keys.KeyOrder(source="planner", plants=["GDN"]),
            store=ctx.store,
            routing=ctx.routing,
            now=utc_now(),
        )
        self.headers = {"Authorization": f"Bearer {made.text}"}
        return self

    async def __aexit__(self, *_):
        await self.stop()
        await self._stack.aclose()

    def environment(self):
        """Return the environment that points the production clients at the stand-ins."""
        values = {
            "DATABASE": self.database,
            "ROUTING_FILE": str(self.folder / "routing.yaml"),
            "PORT": "0",
            "TENANT_ID": TENANT,
            "APP_ID": APP_ID,
            "APP_SECRET": "secret",
            "SIGNING_KEY": self.signing_key.pem,
            "VERIFY_KEYS": self.verify_keys,
            "WEBHOOK_SECRET": "0123456789abcdef",
            "WEBHOOK_HTTP": "true",
            "API_RATE": self.api_rate,
            "CLICK_RATE": self.click_rate,
            "OPENID_METADATA": self.identity.metadata_url,
            "LOGIN_AUTHORITY": self.identity.authority,
            "TRUSTED_CA": self.identity.ca_file,
            "SERVICE_HOSTS": self.teams.origin,
            "BC_URL": f"{self.erp.base_url}/v2.0",
            "BC_ENVIRONMENT": self.erp.environment,
            "BC_LOGIN_AUTHORITY": self.erp.base_url,
            "BC_COMPANY": self.erp.company_id,
            "BC_TENANT_ID": TENANT,
            "BC_READER_ID": self.erp.reader.client_id,
            "BC_READER_SECRET": self.erp.reader.secret,
            "BC_WRITER_ID": self.erp.writer.client_id,
            "BC_WRITER_SECRET": self.erp.writer.secret,
            "QUIET_PERIOD": self.quiet,
        } | self.more
        return {f"COUNTERSIGN_{name}": str(value) for name, value in values.items()}

    async def start(self):
        """Start the bot."""
        self._bots = AsyncExitStack()
        self.bot = await self._bots.enter_async_context(running(settings_from(self.environment())))
        self.url = self.bot.url
        self.teams.bot_url = f"{self.url}/api/messages"

    async def another(self):
        """Start one more replica on the same database; return its address."""
        replica = await self._bots.enter_async_context(running(settings_from(self.environment())))
        return replica.url

    async def stop(self):
        """Stop the bot and its replicas."""
        await self._bots.aclose()

    async def send(self, body, *, url=None):
        """Send a recommendation; return status and answer."""
        address = f"{url or self.url}/api/v1/recommendations"
        async with self.http.post(address, json=body, headers=self.headers) as answer:
            return answer.status, await answer.json()

    async def recommend(self, **changes):
        """Send a stockout that an order of bearings prevents; return the message in Teams."""
        self.sent = self.stockout(**changes)
        status, answer = await self.send(self.sent)
        assert status == 202, answer
        self.id = answer["id"]
        self.first = self.first or self.id
        return await self.teams.wait_for(lambda: self.message_of(answer["id"]), within=20)

    def message_of(self, recommendation_id):
        """Return the message whose buttons are about a recommendation."""
        return next(
            (
                message
                for message in self.teams.messages()
                if any(one["data"]["rec"] == recommendation_id for one in actions(message.card))
            ),
            None,
        )

    def stockout(self, **changes):
        """Return a recommendation about the plant's own items."""
        body = {
            "id": "planner-1",
            "kind": "stockout_risk",
            "plant": "GDN",
            "headline": "Bearings 6205 run out on Thursday",
            "subject": {"item": self.item["number"], "vendor": self.vendor["number"]},
            "facts": [
                {
                    "name": "Stock",
                    "value": "40",
                    "unit": "PCS",
                    "source": "Business Central",
                    "observed_at": when(minutes=-12),
                    "recorded_at": when(minutes=-12),
                }
            ],
            "confidence": "0.86",
            "impact": {
                "lines": [
                    {
                        "kind": "downtime",
                        "amount": {"amount": "4600.00", "currency": "EUR"},
                        "per": "hour",
                        "probability": "0.7",
                        "basis": "Line 2 stands still at 4,600 EUR an hour",
                        "bites_at": when(hours=2),
                        "ends_at": when(hours=8),
                    }
                ]
            },
            "action": {
                "kind": "create_purchase_order",
                "vendor": self.vendor["number"],
                "currency": "EUR",
                "lines": [
                    {
                        "item": self.item["number"],
                        "quantity": "400",
                        "unit": self.item["baseUnitOfMeasureCode"],
                        "unit_cost": {"amount": "2.85", "currency": "EUR"},
                        "location": self.location,
                        "expected_receipt_date": f"{utc_now() + timedelta(days=9):%Y-%m-%d}",
                    }
                ],
            },
            "valid_until": when(hours=20),
            "rationale": "Consumption of the last ten days",
        }
        return body | changes

    @property
    def valid_until(self):
        """Return until when the last recommendation counts."""
        return datetime.fromisoformat(self.sent["valid_until"])

    def orders(self):
        """Return the purchase orders that Countersign wrote."""
        return [order for order in self.erp.orders() if "CS-" in str(order)]

    def teams_data(self, message, verb="why"):
        """Return what a button of a card carries."""
        return next(one["data"] for one in actions(message.card) if one["verb"] == verb)

    def verbs(self, message):
        """Return what can be pressed on a card that everybody sees."""
        return [one["verb"] for one in actions(message.card)]

    async def hurry(self):
        """Let what waits for another try be due now."""
        await self.bot.ctx.store.turn(hurry_jobs)

    async def settled(self, *, within=10.0):
        """Wait until no job runs and none is due."""
        deadline = asyncio.get_running_loop().time() + within
        while await self.bot.ctx.store.read(is_busy):
            assert asyncio.get_running_loop().time() < deadline, "jobs are still at work"
            await asyncio.sleep(0.02)

    async def story(self, recommendation_id=None):
        """Return the kinds of the audit entries, in order; the chain must hold."""
        broken, entries = await self.bot.ctx.store.read(
            lambda unit: (list(verify_chain(unit)), list(unit.audit.walk()))
        )
        assert broken == []
        return [
            entry.event.kind
            for entry in entries
            if recommendation_id in (None, entry.event.recommendation)
        ]

    async def tell(self, recommendation_id):
        """Return what the API says of a recommendation."""
        address = f"{self.url}/api/v1/recommendations/{recommendation_id}"
        async with self.http.get(address, headers=self.headers) as answer:
            assert answer.status == 200
            return await answer.json()
