"""Rows from a REST API: GET only, one page after the other, within limits."""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

import aiohttp
from yarl import URL

from erp.ports import ErpUnreachableError
from erp.sources.mapping import RestAccess, RestPlace, Row, Rows, ScopeMapping, SourceMapping
from erp.sources.paths import Above, rows_at, value_at
from erp.sources.values import written_moment

MAX_PAGES: Final = 1000
CONNECT: Final = 10.0
CHUNK: Final = 65536
OK: Final = 200
REDIRECTS: Final = range(300, 400)
PASSING: Final = frozenset({429, 503})
"""Answers that may say when to come again."""

SINCE: Final = ":since"
NOW: Final = ":now"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRows:
    """Reads the rows of each scope; `secrets` are the headers that the environment gave."""

    mapping: SourceMapping
    access: RestAccess
    secrets: Mapping[str, str]
    session: aiohttp.ClientSession

    async def rows(self, scope: ScopeMapping, *, since: datetime | None, now: datetime) -> Rows:
        """Read every page of a scope.

        Raises:
            ErpUnreachableError: no usable answer, or more of it than the limits allow.
        """
        place = cast("RestPlace", scope.place)  # the file gave each scope a place of its kind
        try:
            async with asyncio.timeout(self.mapping.limits.seconds):
                found = await self._pages(place, self._query(place, since, now))
        except TimeoutError:
            raise self._away(f"no answer within {self.mapping.limits.seconds:g} s") from None
        rows = await asyncio.to_thread(
            lambda: tuple(_row(above, scope, at) for at, above in enumerate(found, start=1))
        )
        by_change = any(SINCE in value for value in place.query.values())
        return Rows(source=self.mapping.name, rows=rows, entered_at=None, whole=not by_change)

    async def _pages(self, place: RestPlace, query: Mapping[str, str]) -> list[Above]:
        found: list[Above] = []
        asked: set[URL] = set()
        bodies: set[bytes] = set()
        left, most = self.mapping.limits.bytes, self.mapping.limits.rows
        url: URL | None = self._first(place, query)
        while url is not None:
            asked.add(url)
            body = await self._get(url, left)
            left -= len(body)
            document, page = await asyncio.to_thread(self._understood, body, place)
            found += page
            if len(found) > most:
                raise self._away(f"it gives more than {most} rows")
            digest = hashlib.sha256(body).digest()
            if page and place.page is not None and digest in bodies:
                raise self._away(f"it gives the same page again, whatever {place.page} says")
            bodies.add(digest)
            url = self._next(url, place, document, page)
            if url in asked or len(asked) > MAX_PAGES:
                raise self._away(f"its pages go in circles, or are more than {MAX_PAGES}")
        return found

    def _first(self, place: RestPlace, query: Mapping[str, str]) -> URL:
        base = URL(f"{str(self.access.url).rstrip('/')}/{place.path}").update_query(query)
        if place.page is None:
            return base
        return base.update_query({place.page: str(place.first_page)})

    def _next(self, url: URL, place: RestPlace, document: object, page: list[Above]) -> URL | None:
        if place.page is not None:
            number = int(url.query[place.page]) + 1
            return url.update_query({place.page: str(number)}) if page else None
        link = value_at((document,), place.next_link) if place.next_link else None
        return None if link is None or link == "" else self._followed(url, link)

    def _query(self, place: RestPlace, since: datetime | None, now: datetime) -> Mapping[str, str]:
        """Return the query with its moments; what asks for changes is left out of a full read."""
        formats = self.mapping.formats
        query: dict[str, str] = {}
        for name, value in place.query.items():
            if SINCE in value and since is None:
                continue
            filled = value.replace(NOW, written_moment(now, formats))
            query[name] = (
                filled if since is None else filled.replace(SINCE, written_moment(since, formats))
            )
        return query

    async def _get(self, url: URL, limit: int) -> bytes:
        body, pause = await self._once(url, limit)
        if pause is not None:
            await asyncio.sleep(pause)
            body, pause = await self._once(url, limit)
        if pause is not None:
            raise self._away("it is busy, and still was when it was asked once more")
        return body

    async def _once(self, url: URL, limit: int) -> tuple[bytes, float | None]:
        """Return the body, or how long to wait where the API says so."""
        try:
            async with self.session.get(
                url,
                headers={"Accept": "application/json", **self.access.headers, **self.secrets},
                allow_redirects=False,  # a redirect would carry the secrets away
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            ) as response:
                pause = _pause(response)
                return (await self._body(response, limit), None) if pause is None else (b"", pause)
        except (aiohttp.ClientError, OSError) as lost:
            raise self._away(f"no connection, or it was lost ({type(lost).__name__})") from lost

    async def _body(self, response: aiohttp.ClientResponse, limit: int) -> bytes:
        if response.status in REDIRECTS:
            raise self._away(
                "it points to another address; name the final one in the mapping file"
            )
        if response.status != OK:
            raise self._away(f"status {response.status} for {response.url.path}")
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > limit:
                raise self._away(
                    f"{response.url.path} is larger than {self.mapping.limits.megabytes} MB"
                )
        return bytes(body)

    def _understood(self, body: bytes, place: RestPlace) -> tuple[object, list[Above]]:
        try:
            document: object = json.loads(
                body, parse_float=Decimal, parse_int=Decimal, parse_constant=Decimal
            )
            return document, rows_at(document, place.rows, self.mapping.limits.rows)
        except LookupError as missing:
            raise self._away(f"{place.path}: {missing.args[0]}") from missing
        except (ValueError, ArithmeticError, RecursionError) as wrong:
            raise self._away(f"its answer is no JSON ({type(wrong).__name__})") from wrong

    def _followed(self, url: URL, link: object) -> URL:
        try:
            target = url.join(URL(str(link)))
            elsewhere = target.origin() != url.origin()
        except ValueError:
            raise self._away("its link to the next page is no address") from None
        if elsewhere:
            raise self._away(f"its next page is on another server, {target.host}")
        return target

    def _away(self, why: str) -> ErpUnreachableError:
        return ErpUnreachableError(self.mapping.name, why)


def _row(above: Above, scope: ScopeMapping, number: int) -> Row:
    place = f"{scope.scope} {number}"
    if not isinstance(above[0], dict):
        return Row(place=place, values={}, broken="the row is no JSON object.")
    return Row(place=place, values={column: value_at(above, column) for column in scope.columns})


def _pause(response: aiohttp.ClientResponse) -> float | None:
    """Return how long to wait before the one further attempt; None where none was offered."""
    after = response.headers.get("Retry-After", "")
    if response.status not in PASSING or not re.fullmatch(r"[0-9]{1,5}", after):
        return None
    return float(after)
