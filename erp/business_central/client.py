"""A thin client of API v2.0: reads may be tried again, a write is sent once."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Final, Literal, TypeVar
from urllib.parse import quote
from uuid import UUID

import aiohttp
import msgspec
from yarl import URL

from decisions.errors import CountersignError
from decisions.plan import PlannedRequest
from erp.business_central.entities import Page
from erp.business_central.request_budget import RequestBudget
from erp.business_central.tokens import SYSTEM, Tokens
from erp.once import ConnectionLostError, once
from erp.ports import ErpUnreachableError

T = TypeVar("T")

PAGE_SIZE: Final = 500
WIDE_PAGE_SIZE: Final = 2_000
MAX_PAGES: Final = 200
"""A collection longer than this is a wrong question, or a server that goes in circles."""

CONNECT: Final = 10.0
PASSING: Final = frozenset({429, 502, 503, 504})
"""Answers after which a read may be tried again (operational-limits-online.md)."""

OK: Final = 200
UNAUTHORIZED: Final = 401

STANDARD: Final = "api/v2.0"
ANALYTICS: Final = "api/microsoft/analytics/v1.0"
"""Queries of the Power BI app; read-only, and not always there."""

FINANCE: Final = "api/microsoft/reportsFinance/beta"
"""Queries of the app API Reports - Finance; read-only, and not always there."""

EXTENSION: Final = "api/countersign/actions/v1.0"
"""The Countersign extension, where it is installed."""

_NARROW: Final = {"Prefer": f"odata.maxpagesize={PAGE_SIZE}"}
_WIDE: Final = {
    "Prefer": f"odata.maxpagesize={WIDE_PAGE_SIZE}",
    "Data-Access-Intent": "ReadOnly",
}
_CORRELATION: Final = re.compile(r"\s*CorrelationId:\s*([0-9A-Za-z-]+)\.?\s*$")
_LOG: Final = logging.getLogger(__name__)


class BadCompanyError(CountersignError):
    """The company is not named by its id."""

    def __init__(self, company_id: str) -> None:
        """Say what is asked for."""
        super().__init__(
            f"“{company_id}” is no company id. Name the Business Central company by the GUID "
            "that GET companies shows; a write never goes to “the first one”."
        )


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
    """Business Central answered a read with an error."""

    def __init__(self, answer: "Answer") -> None:
        """Keep what it said."""
        self.answer = answer
        said = answer.code or f"status {answer.status}"
        super().__init__(SYSTEM, f"{said}: {answer.text}" if answer.text else said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Where one company's data is; `environment` is empty on premises."""

    base_url: str
    environment: str
    company_id: str

    def __post_init__(self) -> None:
        """Refuse a company that is not named by its id.

        Raises:
            BadCompanyError: no GUID.
        """
        try:
            UUID(self.company_id)
        except ValueError:
            raise BadCompanyError(self.company_id) from None

    def url(self, path: str, *, api: str = STANDARD, query: str = "") -> URL:
        """Return the address of a path inside the company."""
        tail = f"?{query}" if query else ""
        return self.beside(f"companies({self.company_id})/{path}{tail}", api=api)

    def beside(self, path: str, *, api: str = STANDARD) -> URL:
        """Return the address of a path that belongs to no company."""
        root = "/".join(part.strip("/") for part in (self.base_url, self.environment) if part)
        return URL(f"{root}/{api}/{path}", encoded=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; code, text and correlation id where it is an OData error."""

    status: int
    body: bytes
    retry_after: timedelta | None = None
    code: str = ""
    text: str = ""
    correlation_id: str = ""


class _ErrorDetail(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _ErrorDetail


def odata(options: Mapping[str, str]) -> str:
    """Write query options; spaces as %20, because OData gives `+` no meaning."""
    return "&".join(f"{name}={quote(value, safe='(),$;=')}" for name, value in options.items())


def literal(text: str) -> str:
    """Write a string as OData does, its quotes doubled."""
    return "'" + text.replace("'", "''") + "'"


class BusinessCentralClient:
    """One identity's way into one company."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: Tokens,
        company: Company,
        *,
        budget: RequestBudget | None = None,
    ) -> None:
        """Keep what every request needs; all reads share one budget.

        A client that writes wants a session whose connector has `force_close`: on a connection
        that the server closed meanwhile, a write would be a doubt instead of not sent.
        """
        self._session = session
        self._tokens = tokens
        self._budget = budget or RequestBudget()
        self.company = company

    async def read(self, url: URL, kind: type[T], *, until: float) -> T:
        """Return one entity, before the event loop's clock reads `until`.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            RefusedReadError: an error instead.
        """
        return _decoded(await self._get(url, until), kind)

    async def read_all(
        self, url: URL, kind: type[Page[T]], *, until: float, wide: bool = False
    ) -> tuple[T, ...]:
        """Return a whole collection, page by page along the links that the server gives.

        A wide read has large pages, stands back for requests that a person waits for, and may be
        answered by a replica that lags behind: nothing is promised from it.

        Raises:
            NoAnswerError: none in time, one that cannot be understood, or a link elsewhere.
            RefusedReadError: an error instead.
        """
        found: list[T] = []
        for _ in range(MAX_PAGES):
            page = _decoded(await self._get(url, until, wide=wide), kind)
            found += page.value
            if page.next_link is None:
                return tuple(found)
            url = _followed(url, page.next_link)
        raise NoAnswerError(f"more than {MAX_PAGES} pages")

    async def send(
        self,
        request: PlannedRequest,
        *,
        within: float,
        still_ours: Callable[[], bool],
        tag: str = "",
        api: str = STANDARD,
    ) -> Answer:
        """Send a planned request once, and return whatever came back.

        With a `tag`, Business Central refuses it when the entity has another one by now.
        `still_ours` is asked last of all, when the log-in is done: a process that slept there
        for too long must not send. From then on `within` bounds everything: a process that
        sleeps later wakes up to a request that has run out.

        Raises:
            TooLateError: it was no longer ours to send; nothing was sent.
            LogInError: no token; nothing was sent.
            NoConnectionError: nothing was sent.
            NoAnswerError: it was sent, and what became of it is not known.
        """
        url = self.company.url(request.path, api=api)
        headers = await self._headers() | {"Content-Type": "application/json"}
        if tag:
            headers["If-Match"] = tag
        if not still_ours():
            raise TooLateError
        answer = await self._exchange(
            request.method, url, headers, body=request.body, within=within
        )
        if answer.status == UNAUTHORIZED:
            self._tokens.forget()
        return answer

    async def subscribe(
        self, method: Literal["POST", "PATCH"], url: URL, body: str, *, within: float, tag: str
    ) -> Answer:
        """Ask for notices, once; this changes nothing that anybody approves.

        Raises:
            NoAnswerError: none in time.
        """
        headers = await self._headers() | {"Content-Type": "application/json"}
        if tag:
            headers["If-Match"] = tag
        return await self._exchange(method, url, headers, body=body, within=within)

    async def _get(self, url: URL, until: float, *, wide: bool = False) -> bytes:
        clock = asyncio.get_running_loop().time
        attempt = 0
        try:
            async with asyncio.timeout_at(until):
                while True:
                    asked = await self._headers() | (_WIDE if wide else _NARROW)
                    async with self._budget.turn(wide=wide):
                        answer = await self._exchange("GET", url, asked)
                    if answer.status == OK:
                        return answer.body
                    pause = _pause(answer, attempt)
                    if pause is None or clock() + pause >= until:
                        raise RefusedReadError(answer)
                    if answer.status == UNAUTHORIZED:
                        self._tokens.forget()
                    await asyncio.sleep(pause)
                    attempt += 1
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None

    async def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"{self._tokens.scheme} {await self._tokens.token()}",
            "Accept": "application/json",
            "Accept-Language": "en-US",
        }

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
                allow_redirects=False,  # a redirect would carry the token away, or send twice
                timeout=aiohttp.ClientTimeout(total=within, sock_connect=CONNECT),
                middlewares=(once,),  # the retries are ours
            ) as response:
                return _answer(response, await response.read())
        except ConnectionLostError as lost:
            if lost.before_sending:
                raise NoConnectionError(f"no connection ({lost})") from lost
            raise NoAnswerError(f"the connection was lost ({lost})") from lost
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None
        except (aiohttp.ClientError, OSError) as lost:
            raise NoAnswerError(f"the connection was lost ({type(lost).__name__})") from lost


def _answer(response: aiohttp.ClientResponse, body: bytes) -> Answer:
    after = response.headers.get("Retry-After", "")
    # The other form, a date, is not used by Business Central; more digits are a mistake.
    retry_after = timedelta(seconds=int(after)) if re.fullmatch(r"[0-9]{1,5}", after) else None
    detail = _ErrorDetail()
    if not response.ok:
        # Gateways answer in HTML; the status is then all there is to know.
        with contextlib.suppress(msgspec.DecodeError):
            detail = msgspec.json.decode(body, type=_ErrorBody).error
    correlation = _CORRELATION.search(detail.message)
    answer = Answer(
        status=response.status,
        body=body,
        retry_after=retry_after,
        code=detail.code,
        text=_CORRELATION.sub("", detail.message),
        correlation_id=correlation[1] if correlation else "",
    )
    if not response.ok:
        # That something is not there is an answer: a query that is not installed is looked for.
        looked = (response.method, response.status) == ("GET", HTTPStatus.NOT_FOUND)
        _LOG.log(
            logging.INFO if looked else logging.WARNING,
            "Business Central answered %s %s: %d %s, correlation %s",
            response.method,
            response.url.path,
            answer.status,
            answer.code or "without a code",
            answer.correlation_id or "unknown",
        )
    return answer


def _pause(answer: Answer, attempt: int) -> float | None:
    if answer.status == UNAUTHORIZED and attempt == 0:
        return 0.0  # with a new token
    if answer.status not in PASSING:
        return None
    if answer.retry_after is not None:
        return answer.retry_after.total_seconds()
    return 0.2 * 2.0**attempt


def _followed(url: URL, link: str) -> URL:
    target = url.join(URL(link, encoded=True))
    if target.origin() != url.origin():
        raise NoAnswerError(f"it pointed to another server, {target.host}")
    return target


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as wrong:
        raise NoAnswerError(f"an answer that cannot be understood: {wrong}") from wrong
