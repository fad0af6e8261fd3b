"""The API for senders: recommendations in, their state out; each answer can be acted on.

POST /api/v1/recommendations, GET /api/v1/recommendations/{id}, and what docs/api.md lists.
"""

import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import unquote

from aiohttp import hdrs, web

from bot import measure
from bot.http.openapi import API, openapi_document
from bot.http.page import page_of
from bot.logs import about
from bot.workflow.context import Context
from bot.workflow.envelope import (
    BadCountError,
    MixedListError,
    NotJsonError,
    One,
    Request,
    Several,
    enveloped,
    fields_of,
    read_request,
)
from bot.workflow.ingest import Accepted, Conflicting, Held, ItemVerdict, Known
from bot.workflow.intake import Intake
from bot.workflow.keys import UnauthorisedError
from bot.workflow.limits import Limits, TooOftenError
from bot.workflow.track import (
    BadWithdrawalError,
    NotOpenError,
    NotYoursError,
    track,
    track_by_source,
    withdraw,
)
from decisions.canonical import Plain
from decisions.errors import CountersignError
from storage.sources import ApiKey

MAX_BODY: Final = 8 * 1024 * 1024

_JSON_TYPES: Final = frozenset(
    {
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
    }
)

Json: TypeAlias = dict[str, Plain]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class TooLargeError(CountersignError):
    """A body that is longer than what is taken."""

    def __init__(self) -> None:
        """Say how much is taken."""
        mebibytes = MAX_BODY // 1024**2
        super().__init__(
            f"A body has at most {mebibytes} MiB. Send it in parts. Nothing was kept."
        )


class NotJsonTypeError(CountersignError):
    """A body that does not say that it is plain JSON."""

    def __init__(self) -> None:
        """Say which types are taken."""
        super().__init__(
            f"Send one of {', '.join(sorted(_JSON_TYPES))}, in UTF-8 and not compressed."
        )


class WhichOneError(CountersignError):
    """A question for a recommendation that names none."""

    def __init__(self) -> None:
        """Say how one is named."""
        super().__init__("Name one: ?source_id=<your id>, or /recommendations/<our id>.")


_STATUS: Final[Mapping[type[CountersignError], HTTPStatus]] = {
    NotJsonError: HTTPStatus.BAD_REQUEST,
    BadCountError: HTTPStatus.BAD_REQUEST,
    MixedListError: HTTPStatus.BAD_REQUEST,
    WhichOneError: HTTPStatus.BAD_REQUEST,
    UnauthorisedError: HTTPStatus.UNAUTHORIZED,
    NotYoursError: HTTPStatus.NOT_FOUND,
    NotOpenError: HTTPStatus.CONFLICT,
    TooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NotJsonTypeError: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    BadWithdrawalError: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def api_routes(ctx: Context, limits: Limits) -> tuple[web.RouteDef, ...]:
    """Return the routes of the API, and of the two documents that describe it."""
    intake = Intake(ctx)

    def with_key(
        handler: Callable[[web.Request, ApiKey, Intake], Awaitable[web.Response]],
    ) -> Handler:
        async def answered(request: web.Request) -> web.StreamResponse:
            try:
                key = await intake.authenticate(request.headers.get(hdrs.AUTHORIZATION))
                limits.check(key.id, ctx.now())
                return await handler(request, key, intake)
            except TooOftenError as error:
                answer = problem_answer(HTTPStatus.TOO_MANY_REQUESTS, str(error))
                answer.headers[hdrs.RETRY_AFTER] = str(error.seconds)
                return answer
            except CountersignError as error:
                status = _STATUS.get(type(error))
                if status is None:
                    raise
                return problem_answer(status, str(error))

        return answered

    one = f"{API}/recommendations/{{id}}"
    return (
        web.post(f"{API}/recommendations", with_key(submit)),
        web.get(f"{API}/recommendations", with_key(look_up)),
        web.get(one, with_key(look)),
        web.post(f"{one}/withdraw", with_key(take_back)),
        web.get(f"{API}/openapi.json", describe),
        web.get(f"{API}/", explain),
    )


async def submit(request: web.Request, key: ApiKey, intake: Intake) -> web.Response:
    """Take one recommendation or a list of them."""
    sent = await _sent(request)
    items = (sent.item,) if isinstance(sent, One) else sent.items
    verdicts = await intake.ingest(items, key)
    if len(verdicts) == 1 and not isinstance(verdicts[0], Held):
        about(verdicts[0].id)
    counts = Counter(_WORDS[type(verdict)] for verdict in verdicts)
    for word, number in counts.items():
        measure.INTAKE.labels(verdict=word).inc(number)
    log.info("intake from %s: %s", key.source, dict(counts))
    return (
        _verdict_answer(verdicts[0]) if isinstance(sent, One) else _list_answer(verdicts, counts)
    )


async def look(request: web.Request, key: ApiKey, intake: Intake) -> web.Response:
    """Tell where a recommendation stands."""
    return json_answer(HTTPStatus.OK, await track(_named(request), key, intake.ctx))


async def look_up(request: web.Request, key: ApiKey, intake: Intake) -> web.Response:
    """Tell where the recommendation with the sender's own id stands."""
    source_id = request.query.get("source_id")
    if source_id is None:
        raise WhichOneError
    return json_answer(HTTPStatus.OK, await track_by_source(source_id, key, intake.ctx))


async def take_back(request: web.Request, key: ApiKey, intake: Intake) -> web.Response:
    """Withdraw a recommendation that nobody has decided."""
    sent = await _sent(request)
    fields = fields_of(sent.item.value) if isinstance(sent, One) else None
    reason = fields["reason"] if fields is not None and set(fields) == {"reason"} else None
    return json_answer(HTTPStatus.OK, await withdraw(_named(request), reason, key, intake.ctx))


def _named(request: web.Request) -> str:
    """Return the id that a request names, and let its log lines carry it."""
    wanted = request.match_info["id"]
    about(wanted.removeprefix("CS-"))
    return wanted


async def describe(request: web.Request) -> web.Response:
    """Serve the OpenAPI document."""
    del request
    return web.json_response(openapi_document(), headers=_HEADERS)


async def explain(request: web.Request) -> web.Response:
    """Serve the same document as a page to read."""
    del request
    page = page_of(openapi_document())
    return web.Response(
        text=page.html,
        content_type="text/html",
        headers={**_HEADERS, "Content-Security-Policy": page.policy},
    )


async def _sent(request: web.Request) -> Request:
    """Read what a request holds.

    Raises:
        NotJsonTypeError: it is of another type, or compressed.
        TooLargeError: it is too long.
        NotJsonError: it cannot be read.
        BadCountError: a list with no item, or with too many.
        MixedListError: a list with something beside it.
    """
    plain_text = hdrs.CONTENT_ENCODING not in request.headers
    utf8 = (request.charset or "utf-8").lower() in ("utf-8", "utf8")
    if request.content_type not in _JSON_TYPES or not plain_text or not utf8:
        raise NotJsonTypeError
    sent = read_request(await _body(request))
    event = {
        name.lower().removeprefix("ce-"): unquote(value)
        for name, value in request.headers.items()
        if name.lower().startswith("ce-")
    }
    if not event:
        return sent
    if isinstance(sent, Several):
        raise NotJsonError("an event in headers carries one recommendation, not a list")
    return One(item=enveloped(sent.item, event))


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise TooLargeError
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLargeError
    return bytes(body)


_WORDS: Final[Mapping[type[ItemVerdict], str]] = {
    Accepted: "accepted",
    Known: "same",
    Conflicting: "conflict",
    Held: "quarantined",
}
_VERDICT_STATUS: Final[Mapping[type[ItemVerdict], HTTPStatus]] = {
    Accepted: HTTPStatus.ACCEPTED,
    Known: HTTPStatus.OK,
    Conflicting: HTTPStatus.CONFLICT,
    Held: HTTPStatus.UNPROCESSABLE_ENTITY,
}


def _verdict(verdict: ItemVerdict) -> Json:
    said: Json = {"verdict": _WORDS[type(verdict)], "source_id": verdict.source_id}
    if isinstance(verdict, Held):
        problems: list[Plain] = [{"path": one.path, "what": one.what} for one in verdict.problems]
        return said | {"quarantine": verdict.quarantine, "problems": problems}
    said |= {
        "id": verdict.id,
        "marker": f"CS-{verdict.id}",
        "status_url": f"{API}/recommendations/{verdict.id}",
    }
    if isinstance(verdict, Conflicting):
        said["differs"] = [*verdict.paths]
    if isinstance(verdict, Accepted) and verdict.superseded:
        said["superseded"] = verdict.superseded
    return said


def _verdict_answer(verdict: ItemVerdict) -> web.Response:
    said, status = _verdict(verdict), _VERDICT_STATUS[type(verdict)]
    match verdict:
        case Accepted() | Known():
            return json_answer(status, said, location=str(said["status_url"]))
        case Conflicting(source_id=name):
            return problem_answer(
                status,
                f"You sent {name} before with another content, and that one stands. "
                "Send a changed recommendation under a new id that supersedes it.",
                said,
            )
        case Held(quarantine=number, problems=problems):
            return problem_answer(
                status,
                f"It could not be understood ({len(problems)} problems) and waits in "
                f"quarantine as number {number}. Mend it and send it again.",
                said,
            )


def _list_answer(verdicts: tuple[ItemVerdict, ...], counts: Mapping[str, int]) -> web.Response:
    said: Json = {
        "counts": {word: counts.get(word, 0) for word in _WORDS.values()},
        "verdicts": [_verdict(verdict) for verdict in verdicts],
    }
    if any(isinstance(verdict, Accepted | Known) for verdict in verdicts):
        return json_answer(HTTPStatus.ACCEPTED, said)
    return problem_answer(
        HTTPStatus.UNPROCESSABLE_ENTITY, "None of them was taken; each verdict says why.", said
    )


_HEADERS: Final[Mapping[str, str]] = {
    hdrs.CACHE_CONTROL: "no-store",
    "X-Content-Type-Options": "nosniff",
}


def json_answer(status: HTTPStatus, said: Json, *, location: str | None = None) -> web.Response:
    """Return JSON that no cache keeps."""
    headers = dict(_HEADERS)
    if location is not None:
        headers[hdrs.LOCATION] = location
    return web.json_response(said, status=status, headers=headers)


def problem_answer(status: HTTPStatus, detail: str, more: Json | None = None) -> web.Response:
    """Return a problem as RFC 9457 lays it out; `more` are members of its own."""
    headers = dict(_HEADERS)
    if status is HTTPStatus.UNAUTHORIZED:
        headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="countersign"'
    said: Json = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    return web.Response(
        body=json.dumps(said | (more or {})).encode(),
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )
