"""Logging in to the Service Layer: one session per identity, made anew when it has ended.

Facts, with where they stand: “Working with SAP Business One Service Layer” 1.29 (help.sap.com),
chapter 3.1, pages 16-17: `POST Login` with CompanyDB, UserName and Password answers 200 with
SessionId and SessionTimeout in minutes (30 unless b1s.conf says otherwise), and sets the cookies
B1SESSION, without which nothing is answered, and ROUTEID, which names the node behind the load
balancer. An ended session is answered with 401 and code 301.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from erp.ports import ErpUnreachableError

SYSTEM: Final = "SAP Business One"

LOG_IN_TIME: Final = 30.0
"""Seconds for one log-in; the Service Layer opens the company first, which takes a while."""

CONNECT: Final = 10.0

EARLY: Final = timedelta(minutes=2)
"""A session is not used any more this long before it would end."""

_OK: Final = 200
_SHORTEST: Final = timedelta(minutes=1)


class LogInError(ErpUnreachableError):
    """No session could be had, so nothing else was sent."""

    def __init__(self, why: str) -> None:
        """Say what was seen instead."""
        super().__init__(SYSTEM, f"the log-in did not succeed: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """Who logs in, and to which company database."""

    company_db: str
    user: str
    password: str = field(repr=False)


class _Session(msgspec.Struct, frozen=True, rename="pascal"):
    session_id: str
    session_timeout: int = 30


@dataclass(frozen=True, slots=True)
class _Held:
    cookie: str
    ends_after: timedelta


class Sessions:
    """Gives the cookies of a live session; logs in when there is none."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        log_in: LogIn,
        *,
        url: URL,
        now: Callable[[], datetime],
        within: float = LOG_IN_TIME,
    ) -> None:
        """Keep who logs in, and where; seconds for one log-in."""
        self._session = session
        self._log_in = log_in
        self._url = url
        self._now = now
        self._within = within
        self._held: _Held | None = None
        self._used = now()
        self._one_at_a_time = asyncio.Lock()

    async def cookie(self) -> str:
        """Return the Cookie header of a session that has not ended.

        Raises:
            LogInError: none could be had.
        """
        async with self._one_at_a_time:
            now = self._now()
            if self._held is None or now - self._used >= self._held.ends_after:
                self._held = await self._logged_in()
            self._used = now
            return self._held.cookie

    def forget(self, cookie: str) -> None:
        """Log in anew next time, unless somebody did so already."""
        if self._held is not None and self._held.cookie == cookie:
            self._held = None

    async def _logged_in(self) -> _Held:
        body = {
            "CompanyDB": self._log_in.company_db,
            "UserName": self._log_in.user,
            "Password": self._log_in.password,
        }
        try:
            async with self._session.post(
                self._url,
                data=msgspec.json.encode(body),
                headers={"Content-Type": "application/json", "Accept": "application/json"},
                allow_redirects=False,  # a redirect would carry the password away
                timeout=aiohttp.ClientTimeout(total=self._within, sock_connect=CONNECT),
            ) as response:
                answer = await response.read()
                without_jar(self._session, self._url)
                if response.status != _OK:
                    raise LogInError(f"status {response.status}")
                return _held(answer, response.headers.getall("Set-Cookie", []))
        except TimeoutError:
            raise LogInError("no answer in time") from None
        except (aiohttp.ClientError, OSError) as lost:
            raise LogInError(type(lost).__name__) from lost


def without_jar(session: aiohttp.ClientSession, url: URL) -> None:
    """Let the HTTP session keep no cookies of this server: what it keeps, it sends by itself.

    Two identities over one HTTP session would else write in each other's name.
    """
    session.cookie_jar.clear_domain(url.host or "")


def _held(answer: bytes, set_cookies: list[str]) -> _Held:
    """Read the cookies by hand, because B1SESSION comes without a path and jars differ on it."""
    try:
        session = msgspec.json.decode(answer, type=_Session)
        cookies = {
            name: morsel.value
            for line in set_cookies
            for name, morsel in SimpleCookie(line).items()
        }
    except (msgspec.DecodeError, CookieError) as wrong:
        raise LogInError("an answer that cannot be understood") from wrong
    parts = [f"B1SESSION={cookies.get('B1SESSION') or session.session_id}"]
    if "ROUTEID" in cookies:
        parts.append(f"ROUTEID={cookies['ROUTEID']}")
    ends_after = max(timedelta(minutes=session.session_timeout) - EARLY, _SHORTEST)
    return _Held("; ".join(parts), ends_after)
