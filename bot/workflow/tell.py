"""Telling a source what was decided and why, by a signed webhook, until it has heard.

Signed and retried as Standard Webhooks describes.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from bot.workflow import lineup
from bot.workflow.context import Context
from bot.workflow.keep import note
from bot.workflow.keys import webhook_secret
from bot.workflow.retry import RetryLaterError
from bot.workflow.targets import NotPublicError, may_be_told
from bot.workflow.track import status_of
from decisions.canonical import Plain, utc_text
from decisions.recommendation import Recommendation
from storage.unit_of_work import UnitOfWork

TIMEOUT: Final = timedelta(seconds=10)

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long to wait after each failed attempt: a little more than three days in all."""

_GONE: Final = 410
"""The receiver asks for no more: the status that the scheme keeps for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhooks:
    """With what webhooks are sent; `http_too` lets plain http through, to loopback only.

    `session` comes from `targets.webhook_session`: no other keeps inside addresses safe.
    """

    session: ClientSession
    master_secret: bytes
    http_too: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver took it."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It did not get through; `final` when the receiver will never take it."""

    why: str
    retry_after: timedelta = timedelta(0)
    final: bool = False


Delivery: TypeAlias = Delivered | Failed


async def tell(
    payload: Mapping[str, Plain], ctx: Context, webhooks: Webhooks, *, attempt: int
) -> None:
    """Tell a source what became of its recommendation; `attempt` counts from 1.

    Raises:
        RetryLaterError: the receiver did not take it this time.
    """
    subject = lineup.job_subject(payload)
    one, url = await ctx.store.read(
        lambda unit: _with_address(unit.recommendations.get(subject), unit)
    )
    if one is None or url is None:
        return
    message = _message(payload, one)
    outcome = await _deliver(url, message, one.source, webhooks, now=ctx.now())
    match outcome:
        case Delivered(status=status):
            await _noted(ctx, one, "told", {"message": message.id, "status": status})
        case Failed(final=True, why=why):
            await _noted(ctx, one, "telling_given_up", {"message": message.id, "why": why})
        case Failed(why=why) if attempt > len(WAITS):
            await _noted(ctx, one, "telling_given_up", {"message": message.id, "why": why})
        case Failed(why=why, retry_after=asked):
            wait = max(WAITS[attempt - 1], min(asked, WAITS[-1]))
            raise RetryLaterError(wait, f"The webhook of {one.source} did not take it: {why}")


def _with_address(
    one: Recommendation | None, unit: UnitOfWork
) -> tuple[Recommendation | None, str | None]:
    """Return the record and where its source wants to hear: the newest key says."""
    if one is None:
        return None, None
    told = [key.webhook_url for key in unit.sources.of_source(one.source) if key.webhook_url]
    return one, told[-1] if told else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """What is sent; the id is the same in every attempt, so that it is taken once."""

    id: str
    body: Mapping[str, Plain]


def _message(payload: Mapping[str, Plain], one: Recommendation) -> _Message:
    state, revision = str(payload["state"]), payload["revision"]
    happened = one.history[-1][1] if one.history else one.received_at
    return _Message(
        id=f"msg_{one.id}_{revision}",
        body={
            "type": f"recommendation.{state}",
            "timestamp": utc_text(happened),
            "data": status_of(one),
        },
    )


async def _deliver(
    url: str, message: _Message, source: str, webhooks: Webhooks, *, now: datetime
) -> Delivery:
    if not may_be_told(url) or (not webhooks.http_too and not url.lower().startswith("https:")):
        return Failed(why="its address is not one that decisions may be sent to", final=True)
    body = json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()
    timestamp = str(int(now.timestamp()))
    secret = webhook_secret(webhooks.master_secret, source)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Countersign",
        "webhook-id": message.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, message.id, timestamp, body),
    }
    try:
        async with webhooks.session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=ClientTimeout(total=TIMEOUT.total_seconds()),
        ) as answer:
            return _judged(answer.status, answer.headers)
    except TimeoutError:
        return Failed(why=f"no answer within {TIMEOUT.total_seconds():.0f} s")
    except ClientConnectorError as error:
        refused = isinstance(error.os_error, NotPublicError)
        return Failed(why=str(error.os_error) if refused else type(error).__name__)
    except (ClientError, OSError) as error:
        return Failed(why=type(error).__name__)


def signature(secret: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a message, version 1."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode()


def _judged(status: int, headers: Mapping[str, str]) -> Delivery:
    if 200 <= status < 300:  # noqa: PLR2004  the class of statuses that means success
        return Delivered(status=status)
    asked = headers.get("Retry-After", "")
    wait = timedelta(seconds=int(asked[:6])) if asked.isascii() and asked.isdigit() else None
    return Failed(
        why=f"it answered {status}",
        retry_after=wait or timedelta(0),
        final=status == _GONE,
    )


async def _noted(ctx: Context, one: Recommendation, kind: str, body: dict[str, Plain]) -> None:
    now = ctx.now()
    await ctx.store.turn(lambda unit: note(unit, one, kind, at=now, body=body))
