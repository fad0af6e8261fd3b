"""A thin client of the Service Layer: reads may be tried again, a write is sent once.

Facts, with where they stand: “Working with SAP Business One Service Layer” 1.29 (help.sap.com):
paging by `Prefer: odata.maxpagesize`, 20 rows unless asked otherwise, next links relative to the
service root (pages 34-35); `If-Match` and 412 (pages 161-166); error bodies (page 163). An ETag
is good only from a reading of the whole entity: with `$select` the body's ETag never moves and
the header is absent (operator-ita/b1sl-python, docs/18-sap-version-quirks.md, seen on 2511).
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from decisions.errors import CountersignError
from decisions.plan import PlannedRequest
from erp.once import ConnectionLostError, once
from erp.ports import ErpUnreachableError
from erp.sap_business_one.entities import Page
from erp.sap_business_one.sessions import CONNECT, SYSTEM, Sessions, without_jar

T = TypeVar("T")

PAGE_SIZE: Final = 500
MAX_PAGES: Final = 200
"""A collection longer than this is a wrong question, or a server that goes in circles."""

PASSING: Final = frozenset({429, 502, 503, 504})
"""Answers after which a read may be tried again; 503 is a node that is down (page 228)."""

OK: Final = 200
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
"""Seen instead of 401 where the node that ROUTEID names was replaced."""

NOT_FOUND: Final = 404

ROOT: Final = "b1s/v2"

_LOG: Final = logging.getLogger(__name__)


class NoAnswerError(ErpUnreachableError):
    """No answer, or none that can be understood."""

    def __init__(self, why: str) -> None:
        """Say what was seen instead."""
        super().__init__(SYSTEM, why)


class NoConnectionError(NoAnswerError):
    """No connection could be made, so nothing was sent."""


class TooLateError(CountersignError):
    """The right to write ran out before the request could leave."""

    def __init__(self) -> None:
        """Say that nothing was sent."""
        super().__init__("It took too long to get there, so nothing was sent.")


class RefusedReadError(ErpUnreachableError):
    """The Service Layer answered a read with an error."""

    def __init__(self, answer: "Answer") -> None:
        """Keep what it said."""
        self.answer = answer
        said = answer.code or f"status {answer.status}"
        super().__init__(SYSTEM, f"{said}: {answer.text}" if answer.text else said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Where the Service Layer is, and which company database it opens."""

    base_url: str
    company_db: str

    def url(self, path: str, *, query: str = "") -> URL:
        """Return the address of a path under the service root."""
        tail = f"?{query}" if query else ""
        return URL(f"{self.base_url.rstrip('/')}/{ROOT}/{path}{tail}", encoded=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; code and text where it is an OData error, the ETag where there is one."""

    status: int
    body: bytes
    retry_after: timedelta | None = None
    code: str = ""
    text: str = ""
    etag: str = ""


class _Words(msgspec.Struct, frozen=True):
    value: str = ""


class _ErrorDetail(msgspec.Struct, frozen=True):
    code: str | int = ""
    message: str | _Words = ""


class _ErrorBody(msgspec.Struct, frozen=True):
    """Version 4 writes code and message as text, version 3 as a number and an object."""

    error: _ErrorDetail


def odata(options: Mapping[str, str]) -> str:
    """Write query options; spaces as %20, because OData gives `+` no meaning."""
    return "&".join(f"{name}={quote(value, safe='(),$;=')}" for name, value in options.items())


def literal(text: str) -> str:
    """Write a string as OData does, its quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


class ServiceLayerClient:
    """One identity's way into one company."""

    def __init__(
        self, session: aiohttp.ClientSession, sessions: Sessions, company: Company
    ) -> None:
        """Keep what every request needs.

        A client that writes wants a session whose connector has `force_close`: on a connection
        that the server closed meanwhile, a write would be a doubt instead of not sent.
        """
        self._session = session
        self._sessions = sessions
        self.company = company

    async def read(self, url: URL, kind: type[T], *, until: float) -> tuple[T, str]:
        """Return one entity and its ETag, before the event loop's clock reads `until`.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            RefusedReadError: an error instead.
        """
        answer = await self._asked("GET", url, until)
        return _decoded(answer.body, kind), answer.etag

    async def ask(self, url: URL, kind: type[T], *, until: float) -> T:
        """Return what a service function says; these are called by POST and change nothing.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            RefusedReadError: an error instead.
        """
        answer = await self._asked("POST", url, until)
        return _decoded(answer.body, kind)

    async def read_all(self, url: URL, kind: type[Page[T]], *, until: float) -> tuple[T, ...]:
        """Return a whole collection, page by page along the links that the server gives.

        Raises:
            NoAnswerError: none in time, one that cannot be understood, or a link elsewhere.
            RefusedReadError: an error instead.
        """
        found: list[T] = []
        for _ in range(MAX_PAGES):
            page = _decoded((await self._asked("GET", url, until)).body, kind)
            found += page.value
            if page.next_link is None:
                return tuple(found)
            url = self._followed(page.next_link)
        raise NoAnswerError(f"more than {MAX_PAGES} pages")

    async def send(
        self,
        request: PlannedRequest,
        *,
        if_match: str | None,
        within: float,
        still_ours: Callable[[], bool],
    ) -> Answer:
        """Send a planned request once, and return whatever came back.

        `still_ours` is asked last of all, when the log-in is done: a process that slept there
        for too long must not send. From then on `within` bounds everything: a process that
        sleeps later wakes up to a request that has run out.

        Raises:
            TooLateError: it was no longer ours to send; nothing was sent.
            LogInError: no session; nothing was sent.
            NoConnectionError: nothing was sent.
            NoAnswerError: it was sent, and what became of it is not known.
        """
        url = self.company.url(request.path)
        cookie = await self._sessions.cookie()
        headers = _headers(cookie) | {"Content-Type": "application/json"}
        if if_match is not None:
            headers["If-Match"] = if_match
        if not still_ours():
            raise TooLateError
        answer = await self._exchange(
            request.method, url, headers, body=request.body, within=within
        )
        if answer.status in {UNAUTHORIZED, FORBIDDEN}:
            self._sessions.forget(cookie)
        return answer

    async def _asked(self, method: str, url: URL, until: float) -> Answer:
        clock = asyncio.get_running_loop().time
        attempt = 0
        try:
            async with asyncio.timeout_at(until):
                while True:
                    cookie = await self._sessions.cookie()
                    headers = _headers(cookie) | {"Prefer": f"odata.maxpagesize={PAGE_SIZE}"}
                    answer = await self._exchange(method, url, headers)
                    if answer.status == OK:
                        return answer
                    if answer.status in {UNAUTHORIZED, FORBIDDEN}:
                        self._sessions.forget(cookie)
                    pause = _pause(answer, attempt)
                    if pause is None or clock() + pause >= until:
                        raise RefusedReadError(answer)
                    await asyncio.sleep(pause)
                    attempt += 1
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None

    def _followed(self, link: str) -> URL:
        """Follow a next link; it is relative to the service root, not to the page."""
        root = self.company.url("")
        target = root.join(URL(link, encoded=True))
        if target.origin() != root.origin():
            raise NoAnswerError(f"it pointed to another server, {target.host}")
        return target

    async def _exchange(
        self,
        method: str,
        url: URL,
        headers: Mapping[str, str],
        *,
        body: str = "",
        within: float | None = None,
    ) -> Answer:
        try:
            async with self._session.request(
                method,
                url,
                data=body.encode() or None,
                headers=headers,
                allow_redirects=False,  # a redirect would carry the session away, or send twice
                timeout=aiohttp.ClientTimeout(total=within, sock_connect=CONNECT),
                middlewares=(once,),  # the retries are ours
            ) as response:
                answer = _answer(response, await response.read())
                without_jar(self._session, url)
                return answer
        except ConnectionLostError as lost:
            if lost.before_sending:
                raise NoConnectionError(f"no connection ({lost})") from lost
            raise NoAnswerError(f"the connection was lost ({lost})") from lost
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None
        except (aiohttp.ClientError, OSError) as lost:
            raise NoAnswerError(f"the connection was lost ({type(lost).__name__})") from lost


def _headers(cookie: str) -> dict[str, str]:
    return {"Cookie": cookie, "Accept": "application/json"}


def _answer(response: aiohttp.ClientResponse, body: bytes) -> Answer:
    after = response.headers.get("Retry-After", "")
    # The other form, a date, is not worth reading; more digits are a mistake.
    retry_after = timedelta(seconds=int(after)) if re.fullmatch(r"[0-9]{1,5}", after) else None
    detail = _ErrorDetail()
    if not response.ok:
        # A load balancer answers in HTML; the status is then all there is to know.
        with contextlib.suppress(msgspec.DecodeError):
            detail = msgspec.json.decode(body, type=_ErrorBody).error
    words = detail.message
    answer = Answer(
        status=response.status,
        body=body,
        retry_after=retry_after,
        code=str(detail.code),
        text=words if isinstance(words, str) else words.value,
        etag=response.headers.get("ETag", ""),
    )
    if not response.ok:
        _LOG.warning(
            "SAP Business One answered %s %s: %d, code %s",
            response.method,
            response.url.path,
            answer.status,
            answer.code or "none",
        )
    return answer


def _pause(answer: Answer, attempt: int) -> float | None:
    if answer.status in {UNAUTHORIZED, FORBIDDEN} and attempt == 0:
        return 0.0  # with a new session
    if answer.status not in PASSING:
        return None
    if answer.retry_after is not None:
        return answer.retry_after.total_seconds()
    return 0.2 * 2.0**attempt


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as wrong:
        raise NoAnswerError(f"an answer that cannot be understood: {wrong}") from wrong
