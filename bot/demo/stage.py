"""The pieces that the demo is put together from: ERP, settings, channels, key, empty screens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from bot.demo.cast import APP, BOT, CHANNELS, TENANT
from bot.demo.folder import Folder, keep_secret, secrets_of
from bot.demo.playground import service_url
from bot.ports import Clock
from bot.settings import Settings
from bot.workflow import keys, lineup
from bot.workflow.context import Context
from bot.workflow.front import Front
from bot.workflow.keep import note
from decisions.people import Channel
from erp.standin.plant import seed
from erp.standin.server import StandIn
from storage.sources import ApiKey
from storage.unit_of_work import UnitOfWork

PLANNER: Final = "planner"
"""The name of the source that recommends in the demo."""

LOOPBACK: Final = "http://127.0.0.1"

_MOST: Final = 1000


@asynccontextmanager
async def erp_in(folder: Folder, *, port: int, now: Clock) -> AsyncIterator[StandIn]:
    """Run the ERP on loopback until the block ends; the first time it gets its plant."""
    erp = StandIn(now=now, path=folder.erp)
    try:
        if erp.store.empty():
            seed(erp.store, now().date())
        await erp.start(port=port)
        yield erp
    finally:
        await erp.stop()


def settings_for(folder: Folder, erp: StandIn, *, host: str, port: int) -> Settings:
    """Return what an administrator would set; the environment of this process has no say."""
    made = secrets_of(folder)
    return Settings.model_validate(
        {
            "database": f"sqlite:///{folder.database}",
            "routing_file": folder.routing,
            "host": host,
            "port": port,
            "tenant_id": TENANT,
            "app_id": APP,
            "app_secret": made.app,
            "webhook_secret": made.webhook,
            "signing_key": made.signing,
            "service_hosts": (LOOPBACK,),
            "erp": "bc",
            "erp_settings": {
                "url": f"{erp.base_url}/v2.0",
                "environment": erp.environment,
                "login_authority": erp.base_url,
                "company": erp.company_id,
                "tenant_id": TENANT,
                "reader_id": erp.reader.client_id,
                "reader_secret": erp.reader.secret,
                "writer_id": erp.writer.client_id,
                "writer_secret": erp.writer.secret,
                "web_client": "",  # nobody but this program knows the demo's ERP
            },
        }
    )


async def introduce(ctx: Context, folder: Folder, *, client_port: int) -> str:
    """Tell the bot which channels it is in and how they are reached; return the planner's key."""
    front = Front(ctx)
    for channel, name in CHANNELS.items():
        await front.installed(
            Channel(
                id=channel,
                tenant=TENANT,
                service_url=service_url(client_port),
                name=name,
                bot_id=BOT,
            )
        )
    if not folder.key.exists():
        order = keys.KeyOrder(source=PLANNER, plants=tuple(ctx.routing.plants))
        made = await keys.create(order, store=ctx.store, routing=ctx.routing, now=ctx.now())
        keep_secret(folder.key, made.text)
    return folder.key.read_text(encoding="utf-8")


async def post_what_is_open(ctx: Context, *, after: timedelta = timedelta(0)) -> None:
    """Let every open card be posted anew: a client that was just started has empty screens."""

    def turn(unit: UnitOfWork) -> None:
        now = ctx.now()
        for one in unit.recommendations.open_all(_MOST):
            for shown in unit.postings.of(one.id):
                deleted = shown.posting.activity_id
                unit.postings.gone(shown.posting, now)
                note(unit, one, "card_deleted", at=now, body={"activity": deleted})
                lineup.post_again(unit, one, deleted=deleted, due_at=now + after)

    await ctx.store.turn(turn)


async def key_of(ctx: Context) -> ApiKey:
    """Return the record of the planner's key."""
    (key, *_) = await ctx.store.read(lambda unit: unit.sources.of_source(PLANNER))
    return key
