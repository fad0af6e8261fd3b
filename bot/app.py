"""The composition root: the only place that knows which part stands behind which port."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
from aiohttp import web

from bot.calls import erp_session, receiver, watched
from bot.clock import utc_now
from bot.events import heard
from bot.http.api import api_routes
from bot.http.health import health_routes
from bot.http.messages import message_routes
from bot.http.metrics import Gauges, metrics_routes
from bot.http.notices import notice_routes
from bot.http.watch import watch
from bot.jobs import Step, Worker
from bot.ports import Clock, Poster
from bot.routing_file import read_routing
from bot.settings import Settings
from bot.teams.connector import TeamsPoster
from bot.teams.credentials import AppCredentials, Credentials, NoCredentials
from bot.teams.edge import Edge, Gate
from bot.teams.handler import Surface
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import LoopbackOnly, TokenVerifier
from bot.workflow import clockwork, lineup
from bot.workflow.balance import nightly
from bot.workflow.context import Context
from bot.workflow.front import Front
from bot.workflow.hints import begin_listening, keep_listening, look
from bot.workflow.ids import new_id
from bot.workflow.limits import Limits
from bot.workflow.prepare import prepare
from bot.workflow.show import post, remove, repaint, say
from bot.workflow.targets import webhook_session
from bot.workflow.tell import Webhooks, tell
from bot.workflow.write import Patience, reconcile, write
from decisions.countersign import Authority
from decisions.errors import CountersignError
from decisions.people import TenantId
from decisions.signature import Keyring, SigningKey
from erp import connectors
from erp.gate import WriteGate
from erp.mail.reader import mailing_reader
from erp.mail.writer import mailing_writer
from erp.ports import Hinting, Hints, Reader, Surroundings
from storage.store import Store
from storage.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

LARGEST_REQUEST = 8 * 1024 * 1024
"""Bytes; a batch of a thousand recommendations fits, what is larger is refused."""

CLICK_READS = 2.0
"""Seconds that the ERP has for one plan while a person waits."""

LAST_ANSWERS = 15.0
"""Seconds that requests in hand have when the program is told to stop; Teams waits no longer."""

GATE_READS = 20.0
"""Seconds that it has before a write, when nobody waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Who may come in from Teams, and with which token we go out to it."""

    gate: Gate
    credentials: Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The program while it runs; `worker` can be drained by hand where none runs by itself."""

    url: str
    ctx: Context
    worker: Worker


def demo_doors(settings: Settings) -> Doors:
    """Return doors without tokens, for a client on this machine; refused for any other address.

    Raises:
        NotOnLoopbackError: others could reach the bot.
    """
    gate = LoopbackOnly(
        listening_on=settings.host,
        tenants=[settings.tenant_id],
        service_urls=ServiceUrls.of(*settings.service_hosts),
    )
    return Doors(gate=gate, credentials=NoCredentials())


@asynccontextmanager
async def context(settings: Settings, *, now: Clock = utc_now) -> AsyncIterator[Context]:
    """Open the store and the ERP's reader, for steps that need no more.

    Raises:
        RoutingFileError: the routing file cannot be used.
    """
    async with AsyncExitStack() as stack:
        session = await erp_session(stack)
        store = Store.open(settings.database)
        stack.callback(store.close)
        yield _context(settings, store, session, now)


def _context(
    settings: Settings, store: Store, session: aiohttp.ClientSession, now: Clock
) -> Context:
    return Context(
        store=store,
        routing=read_routing(settings.routing_file),
        erp=_reader(settings, session, now, within=CLICK_READS),
        now=now,
        new_id=new_id,
        signing=_signing(settings),
    )


def _reader(
    settings: Settings, session: aiohttp.ClientSession, now: Clock, *, within: float
) -> Reader:
    connector = connectors.named(settings.erp)
    known = connectors.for_reading(connector, settings.erp_settings)
    reader = connector.reader(_around(settings, known, session, now, within))
    company = connector.company(settings.erp_settings)
    return mailing_reader(reader, settings.mail, company=company)


def _hints(settings: Settings, session: aiohttp.ClientSession, now: Clock) -> Hints | None:
    """Return what keeps the ERP telling us of changes; None where it cannot, or need not."""
    connector = connectors.named(settings.erp)
    if not isinstance(connector, Hinting):
        return None
    known = connectors.for_reading(connector, settings.erp_settings)
    return connector.hints(_around(settings, known, session, now, GATE_READS))


def _listening(ctx: Context, hints: Hints | None) -> Mapping[str, Step]:
    """Return the steps that follow from word of the ERP, also those left when it was set up."""
    return {
        lineup.LOOK: lambda _: look(ctx),
        lineup.LISTEN: lambda _: keep_listening(ctx, hints),
    }


def _around(
    settings: Settings,
    known: Mapping[str, str],
    session: aiohttp.ClientSession,
    now: Clock,
    within: float,
) -> Surroundings:
    return Surroundings(
        settings=known,
        session=session,
        now=now,
        read_within=within,
        trusted_ca=str(settings.trusted_ca) if settings.trusted_ca else None,
    )


def _authority(settings: Settings) -> Authority:
    """Return which approvals count; this process's own key is one of those that do.

    Raises:
        BadKeyError: a key cannot be read.
    """
    listed = Keyring.read(settings.verify_keys).keys if settings.verify_keys else {}
    own = _signing(settings)
    mine = Keyring.read(own.public_pem).keys if own else {}
    return Authority(
        keyring=Keyring({**listed, **mine}),
        tenant=TenantId(settings.tenant_id),
        company=connectors.named(settings.erp).company(settings.erp_settings),
    )


def _signing(settings: Settings) -> SigningKey | None:
    pem = settings.signing_key.get_secret_value()
    return SigningKey.read(pem) if pem else None


def _gate(
    settings: Settings, ctx: Context, session: aiohttp.ClientSession, authority: Authority
) -> WriteGate:
    """Return the write gate; its writer logs in as another application than its reader.

    `session` must not keep connections: on one that the ERP has closed meanwhile, a write that
    was never sent would look like one whose answer was lost.
    """
    connector = connectors.named(settings.erp)
    reader = _reader(settings, session, ctx.now, within=GATE_READS)
    known = connectors.for_writing(connector, settings.erp_settings)
    writer = connector.writer(_around(settings, known, session, ctx.now, GATE_READS))
    mail = _around(settings, settings.mail, session, ctx.now, GATE_READS)
    return WriteGate(reader, mailing_writer(writer, mail, company=authority.company), authority)


def _writing(
    settings: Settings, ctx: Context, session: aiohttp.ClientSession
) -> Mapping[str, Step]:
    """Return the steps of the role that writes the ERP, the only ones that hold the gate."""
    authority = _authority(settings)
    gate = _gate(settings, ctx, session, authority)
    patience = Patience(quiet=settings.quiet_period)
    return {
        lineup.WRITE: lambda job: write(job, ctx, gate, authority, patience),
        lineup.RECONCILE: lambda job: reconcile(job.payload, ctx, gate, patience),
    }


def _working(ctx: Context, poster: Poster, webhooks: Webhooks) -> Mapping[str, Step]:
    """Return the steps of the role that does everything else that happens later."""
    return {
        lineup.PREPARE: lambda job: prepare(job.payload, ctx),
        lineup.POST: lambda job: post(job.payload, ctx, poster),
        lineup.REPAINT: lambda job: repaint(job.payload, ctx, poster),
        lineup.REMOVE: lambda job: remove(job.payload, ctx, poster),
        lineup.ESCALATE: lambda job: clockwork.escalate(job.payload, ctx),
        lineup.EXPIRE: lambda job: clockwork.expire(job.payload, ctx),
        lineup.RETURN: lambda job: clockwork.bring_back(job.payload, ctx),
        lineup.TELL: lambda job: tell(job.payload, ctx, webhooks, attempt=job.attempts),
        lineup.SAY: lambda job: say(job.payload, poster),
        lineup.SWEEP: lambda _: clockwork.sweep(ctx),
        lineup.BALANCE: lambda _: nightly(ctx),
    }


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    doors: Doors | None = None,
    now: Clock = utc_now,
    poster: Poster | None = None,
    work: bool = True,
) -> AsyncIterator[Running]:
    """Run the bot until the block ends; then finish what is in hand.

    `poster` stands in for Teams, and `work=False` runs no jobs by itself.

    Raises:
        RoutingFileError: the routing file cannot be used.
        NotMigratedError: a PostgreSQL database has an older layout.
    """
    async with AsyncExitStack() as stack:
        service_urls = ServiceUrls.of(*settings.service_hosts)
        calls = [_watched(settings, service_urls)]
        session = await stack.enter_async_context(aiohttp.ClientSession(trace_configs=calls))
        store = Store.open(settings.database)
        stack.callback(store.close)
        store.on_events(heard)
        _ready(store, settings.database)
        ctx = _context(settings, store, await erp_session(stack), now)
        hints = _hints(settings, await erp_session(stack, keeps=False), now)
        doors = doors or _signed_doors(settings, session, now, stack)
        steps: dict[str, Step] = {}
        if "worker" in settings.roles:
            poster = poster or TeamsPoster(
                session=session,
                credentials=doors.credentials,
                service_urls=service_urls,
                now=now,
            )
            webhooks = await stack.enter_async_context(
                webhook_session(loopback=settings.webhook_http)
            )
            steps |= _working(ctx, poster, _webhooks(settings, webhooks))
            steps |= _listening(ctx, hints)
        if "writer" in settings.roles:
            steps |= _writing(settings, ctx, await erp_session(stack, keeps=False))
        front = Front(ctx, clicks=Limits(settings.click_rate))
        worker = Worker(
            store, steps, now=now, at_once=settings.workers, people_wait=front.people_wait
        )
        await store.turn(lambda unit: _nightly(unit, now()))
        if work and steps:
            stack.push_async_callback(_finished, worker, asyncio.create_task(worker.run()))
            stack.push_async_callback(_stopped, asyncio.create_task(store.listen(worker.wake)))
            store.on_jobs(worker.wake)
        # In the order of leaving: nothing new is begun, then the last requests are answered, and
        # only then the jobs in hand are waited for.
        edge = Edge(gate=doors.gate, surface=Surface(front))
        url = await _listen(settings, application(settings, ctx, edge, hints), stack)
        stack.callback(worker.stop)
        if hints:  # only now, for the ERP asks back at once whether the address is ours
            await begin_listening(ctx)
        yield Running(url=url, ctx=ctx, worker=worker)


def _watched(settings: Settings, service_urls: ServiceUrls) -> aiohttp.TraceConfig:
    logins = (settings.login_authority, settings.openid_metadata)
    return watched(receiver(logins, service_urls.trust))


def _webhooks(settings: Settings, session: aiohttp.ClientSession) -> Webhooks:
    secret = settings.webhook_secret.get_secret_value().encode()
    return Webhooks(session=session, master_secret=secret, http_too=settings.webhook_http)


def _nightly(unit: UnitOfWork, now: datetime) -> None:
    """Line up what is done once a day; the ERP is compared first when a night has passed."""
    lineup.sweep(unit, due_at=now)
    lineup.balance(unit, due_at=now + timedelta(days=1))


class NotMigratedError(CountersignError):
    """The database has an older layout than this program."""

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "The database has another layout than this version. Run `countersign migrate` first."
        )


def _ready(store: Store, url: str) -> None:
    """Bring an embedded database up to date; leave a shared one to its operator."""
    if url.startswith("sqlite"):
        store.migrate()
    elif not store.is_current():
        raise NotMigratedError


def _signed_doors(
    settings: Settings,
    session: aiohttp.ClientSession,
    now: Clock,
    stack: AsyncExitStack,
) -> Doors:
    verifier = TokenVerifier(
        app_id=settings.app_id,
        tenants=[settings.tenant_id],
        service_urls=ServiceUrls.of(*settings.service_hosts),
        session=session,
        now=now,
        metadata_url=settings.openid_metadata,
    )
    credentials = AppCredentials(
        app_id=settings.app_id,
        tenant_id=settings.tenant_id,
        secret=settings.app_secret.get_secret_value(),
        now=now,
        authority=settings.login_authority,
        trusted_ca=str(settings.trusted_ca) if settings.trusted_ca else None,
    )
    stack.push_async_callback(verifier.close)
    stack.push_async_callback(credentials.close)
    return Doors(gate=verifier, credentials=credentials)


def application(
    settings: Settings, ctx: Context, edge: Edge, hints: Hints | None = None
) -> web.Application:
    """Return everything that can be asked over HTTP."""
    app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[watch])
    gauges = Gauges(ctx)
    if "web" in settings.roles:
        app.add_routes(message_routes(edge.process))
        app.add_routes(api_routes(ctx, Limits(settings.api_rate)))
        app.add_routes(notice_routes(ctx, hints) if hints else ())
    app.add_routes(health_routes(ctx, gauges))
    app.add_routes(metrics_routes(ctx, gauges))
    return app


async def _listen(settings: Settings, app: web.Application, stack: AsyncExitStack) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWERS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, settings.host, settings.port)
    await site.start()
    host, port = runner.addresses[0][:2]
    return f"http://{host}:{port}"


async def _finished(worker: Worker, running: "asyncio.Task[None]") -> None:
    worker.stop()
    await running


async def _stopped(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
