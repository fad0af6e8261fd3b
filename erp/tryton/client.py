"""A thin client of Tryton's JSON-RPC: reads may be tried again, a write is sent once."""

import asyncio
import base64
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from decisions.errors import CountersignError
from decisions.plan import PlannedRequest
from erp.ports import ErpUnreachableError
from erp.tryton.entities import Company, fields_of

T = TypeVar("T", bound=msgspec.Struct)

SYSTEM: Final = "Tryton"

PAGE_SIZE: Final = 500
MAX_PAGES: Final = 200
"""A collection longer than this is a wrong question."""

CONNECT: Final = 10.0
AT_ONCE: Final = 4
"""Calls in flight; a Tryton server often has only a few workers for everybody."""

PASSING: Final = frozenset({429, 502, 503, 504})
"""Answers after which a read may be tried again."""

_LOG: Final = logging.getLogger(__name__)


class NoAnswerError(ErpUnreachableError):
    """No answer, or none that can be understood."""

    def __init__(self, why: str) -> None:
        """Say what was seen instead."""
        super().__init__(SYSTEM, why)


class NoConnectionError(NoAnswerError):
    """No connection could be made, so nothing was sent."""


class LogInError(ErpUnreachableError):
    """No session was given, so nothing was asked of Tryton."""

    def __init__(self, why: str) -> None:
        """Say what was answered; never what was sent."""
        super().__init__(SYSTEM, f"the log-in failed: {why}")


class TooLateError(CountersignError):
    """The right to write ran out before the request could leave."""

    def __init__(self) -> None:
        """Say that nothing was sent."""
        super().__init__("It took too long to get there, so nothing was sent.")


class RefusedReadError(ErpUnreachableError):
    """Tryton answered a read with an error."""

    def __init__(self, answer: "Answer") -> None:
        """Keep what it said."""
        self.answer = answer
        said = answer.code or f"status {answer.status}"
        super().__init__(SYSTEM, f"{said}: {answer.text}" if answer.text else said)


class NoSuchCompanyError(ErpUnreachableError):
    """The company that was configured is not there, or not for this log-in."""

    def __init__(self, name: str, found: int) -> None:
        """Say what to do."""
        super().__init__(
            SYSTEM,
            f"it shows {found} companies named “{name}” to this log-in; name the one company as "
            "its party is named in Tryton, and give the log-in this company",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one company's data is; the company is named as its party is."""

    base_url: str
    database: str
    company: str

    @property
    def label(self) -> str:
        """Return what plans name: the same company in a copy of the database is another one."""
        return f"{self.company} ({self.database})"

    @property
    def url(self) -> URL:
        """Return the address that every call goes to."""
        root = self.base_url.rstrip("/")
        return URL(f"{root}/{quote(self.database, safe='')}/rpc/", encoded=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """One identity's name and password."""

    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; a result, or the code and text of an error. Both arrive with status 200."""

    status: int
    result: msgspec.Raw | None = None
    code: str = ""
    text: str = ""
    retry_after: timedelta | None = None


class _Envelope(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw()
    error: list[Any] | None = None


class TrytonClient:
    """One identity's way into one company."""

    def __init__(self, session: aiohttp.ClientSession, place: Place, log_in: LogIn) -> None:
        """Keep what every request needs.

        A client that writes wants a session whose connector has `force_close`: on a connection
        that the server closed meanwhile, a write would be a doubt instead of not sent.
        """
        self._session = session
        self._log_in = log_in
        self._key = ""
        self._logging_in = asyncio.Lock()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._company_id: int | None = None
        self.place = place

    async def company(self, *, until: float) -> Company:
        """Return the company that was configured.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            NoSuchCompanyError: none of this name, or several.
        """
        found = await self._search(
            "company.company", Company, [["party.name", "=", self.place.company]], until
        )
        if len(found) != 1:
            raise NoSuchCompanyError(self.place.company, len(found))
        self._company_id = found[0].id
        return found[0]

    async def call(
        self,
        method: str,
        *params: object,
        kind: type[Any],
        until: float,
        context: Mapping[str, object] | None = None,
    ) -> Any:  # noqa: ANN401  what `kind` says; a generic type would lose `tuple[X, ...]`
        """Return the result of a reading method, before the event loop's clock reads `until`.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            RefusedReadError: an error instead.
        """
        if self._company_id is None:
            await self.company(until=until)
        asked = list(params)
        return _decoded(await self._read(method, asked, until, context or {}), kind)

    async def search(
        self, model: str, kind: type[T], domain: Sequence[object], *, until: float
    ) -> tuple[T, ...]:
        """Return everything of a model that matches, page by page.

        Raises:
            NoAnswerError: none in time, or one that cannot be understood.
            RefusedReadError: an error instead.
        """
        if self._company_id is None:
            await self.company(until=until)
        return await self._search(model, kind, domain, until)

    async def send(
        self,
        request: PlannedRequest,
        *,
        stamps: Mapping[str, str],
        within: float,
        still_ours: Callable[[], bool],
    ) -> Answer:
        """Send a planned call once, and return whatever came back.

        `stamps` are the time stamps that the records must still have, by `model,id`.
        `still_ours` is asked last of all, when the log-in is done.

        Raises:
            TooLateError: it was no longer ours to send; nothing was sent.
            LogInError: no session; nothing was sent.
            NoConnectionError: nothing was sent.
            NoAnswerError: it was sent, and what became of it is not known.
        """
        context = msgspec.json.encode(self._context({"_timestamp": dict(stamps)})).decode()
        body = f"{request.body[:-1]},{context}]"
        key = await self._session_key(within)
        if not still_ours():
            raise TooLateError
        answer = await self._exchange(request.path, body, key, within=within)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._forget(key)
        return answer

    async def _search(
        self, model: str, kind: type[T], domain: Sequence[object], until: float
    ) -> tuple[T, ...]:
        # Page by page along the ids: with an offset, a record that somebody deletes meanwhile
        # would push another one out of sight.
        found: list[T] = []
        after = 0
        asked = fields_of(kind)
        for _ in range(MAX_PAGES):
            params = [[*domain, ["id", ">", after]], 0, PAGE_SIZE, [["id", "ASC"]], asked]
            raw = await self._read(f"model.{model}.search_read", params, until, {})
            page = cast("tuple[T, ...]", _decoded(raw, tuple[kind, ...]))  # type: ignore[valid-type]
            found += page
            if len(page) < PAGE_SIZE:
                return tuple(found)
            after = cast("int", getattr(page[-1], "id"))  # noqa: B009  every record has one
        raise NoAnswerError(f"more than {MAX_PAGES} pages of {model}")

    def _context(self, more: Mapping[str, object]) -> dict[str, object]:
        own = {} if self._company_id is None else {"company": self._company_id}
        return {"language": "en", **own, **more}

    async def _read(
        self, method: str, params: Sequence[object], until: float, context: Mapping[str, object]
    ) -> msgspec.Raw:
        body = msgspec.json.encode([*params, self._context(context)]).decode()
        clock = asyncio.get_running_loop().time
        attempt = 0
        try:
            async with asyncio.timeout_at(until), self._at_once:
                while True:
                    key = await self._session_key(until - clock())
                    answer = await self._exchange(method, body, key)
                    if answer.result is not None:
                        return answer.result
                    pause = _pause(answer, attempt)
                    if pause is None or clock() + pause >= until:
                        raise RefusedReadError(answer)
                    if answer.status == HTTPStatus.UNAUTHORIZED:
                        self._forget(key)
                    await asyncio.sleep(pause)
                    attempt += 1
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None

    async def _session_key(self, within: float) -> str:
        """Return the session at hand, or log in; one at a time, each costs the server a hash."""
        async with self._logging_in:
            if not self._key:
                self._key = await self._fresh_session(within)
            return self._key

    def _forget(self, key: str) -> None:
        """Drop a session that was not accepted; not one that somebody fetched meanwhile."""
        if self._key == key:
            self._key = ""

    async def _fresh_session(self, within: float) -> str:
        log_in = self._log_in
        params = [log_in.user, {"password": log_in.password}, "en"]
        body = msgspec.json.encode(params).decode()
        try:
            answer = await self._exchange("common.db.login", body, "", within=within)
        except NoConnectionError:
            raise
        except NoAnswerError as lost:
            raise LogInError(lost.why) from lost
        if answer.result is None:
            raise LogInError(
                _LOG_IN_WORDS.get(answer.status) or answer.text or f"status {answer.status}"
            )
        number, token, *_ = _decoded(answer.result, tuple[int, str, str | None])
        return base64.b64encode(f"{log_in.user}:{number}:{token}".encode()).decode()

    async def _exchange(
        self, method: str, params: str, key: str, *, within: float | None = None
    ) -> Answer:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            headers["Authorization"] = f"Session {key}"
        name = msgspec.json.encode(method).decode()
        try:
            async with self._session.post(
                self.place.url,
                data=f'{{"id":1,"method":{name},"params":{params}}}'.encode(),
                headers=headers,
                allow_redirects=False,  # a redirect would carry the session away, or send twice
                timeout=aiohttp.ClientTimeout(total=within, sock_connect=CONNECT),
            ) as response:
                return _answer(method, response, await response.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as refused:
            raise NoConnectionError(f"no connection ({type(refused).__name__})") from refused
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None
        except (aiohttp.ClientError, OSError) as lost:
            raise NoAnswerError(f"the connection was lost ({type(lost).__name__})") from lost


_LOG_IN_WORDS: Final[dict[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "the user or the password is not accepted",
    HTTPStatus.NOT_FOUND: "there is no such database",
    HTTPStatus.TOO_MANY_REQUESTS: "too many attempts, Tryton wants a pause",
}


def _answer(method: str, response: aiohttp.ClientResponse, body: bytes) -> Answer:
    after = response.headers.get("Retry-After", "")
    retry_after = timedelta(seconds=int(after)) if re.fullmatch(r"[0-9]{1,5}", after) else None
    if response.status != HTTPStatus.OK:
        # Tryton and what stands before it answer in HTML; the status is all there is to know.
        _LOG.warning("Tryton answered %s with status %d", method, response.status)
        return Answer(status=response.status, retry_after=retry_after)
    try:
        said = msgspec.json.decode(body, type=_Envelope)
    except msgspec.DecodeError:
        _LOG.warning("Tryton answered %s with something that is no JSON-RPC", method)
        return Answer(status=response.status, text="an answer that is no JSON-RPC")
    if said.error is None:
        if not bytes(said.result):  # JSON from elsewhere, in which nothing says that it was done
            return Answer(status=response.status, text="an answer that is no JSON-RPC")
        return Answer(status=response.status, result=said.result)
    answer = Answer(status=response.status, code=_code(said.error), text=_text(said.error))
    _LOG.warning("Tryton answered %s: %s", method, answer.code or "an unforeseen error")
    return answer


KNOWN: Final = frozenset({"UserError", "UserWarning", "ConcurrencyException", "LoginException"})
"""Errors that Tryton means; of any other, the first word is a Python error's text."""


def _code(error: list[Any]) -> str:
    return error[0] if error and error[0] in KNOWN else ""


def _text(error: list[Any]) -> str:
    """Return what a person may read; never a traceback."""
    match error:
        case ["UserWarning", [_, str(message), *more]]:
            parts = [message, *more]
        case ["UserError", [str(message), *more]]:
            parts = [message, *more[:1]]
        case ["ConcurrencyException", str(message)]:
            parts = [message]
        case [str(message), *_] if message not in KNOWN:
            parts = [message]
        case _:
            parts = []
    return " ".join(part for part in parts if isinstance(part, str) and part)


def _pause(answer: Answer, attempt: int) -> float | None:
    if answer.status == HTTPStatus.UNAUTHORIZED and attempt == 0:
        return 0.0  # with a new session
    if answer.status not in PASSING:
        return None
    if answer.retry_after is not None:
        return answer.retry_after.total_seconds()
    return 0.2 * 2.0**attempt


def _decoded(raw: msgspec.Raw, kind: type[Any]) -> Any:  # noqa: ANN401  what `kind` says
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as wrong:
        raise NoAnswerError(f"an answer that cannot be understood: {wrong}") from wrong
