"""Sends a mail from a mailbox in Microsoft 365, whose sent items can be searched for it.

Exchange may give a mail another Message-ID than the one it was handed, so the copy is found by a
property of ours (microsoftgraph/microsoft-graph-docs issue 3766), not by that.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from erp.business_central.tokens import LogInError, Tokens
from erp.mail.message import Mail
from erp.once import ConnectionLostError, once
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    NotSent,
    Outcome,
    Refused,
    Search,
    Unknown,
)

SYSTEM: Final = "Microsoft Graph"

_PROPERTY: Final = "String {9b5f2d4e-3c1a-4f0e-8a77-51c6d0a4e2b9} Name CountersignMessageId"
"""A named property in a namespace of our own (MAPI: any GUID)."""

_READ_TIME: Final = 20.0
_SEND_TIME: Final = 120.0
_LOG_IN_AGAIN: Final = timedelta(minutes=1)
_LOOKS: Final = 5
_BETWEEN_LOOKS: Final = 1.0
_CLIENT_ERROR: Final = 4

_STATUS_WORDS: Final[dict[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "Microsoft Graph did not accept the mail application's log-in. "
    "An administrator must check the app registration.",
    HTTPStatus.FORBIDDEN: "The mail application may not send from this mailbox. "
    "An administrator must grant it Mail.Send and Mail.Read for it.",
    HTTPStatus.NOT_FOUND: "Microsoft 365 has no such mailbox to send from.",
}


class _Address(msgspec.Struct, frozen=True):
    address: str = ""


class _Mailbox(msgspec.Struct, frozen=True, rename="camel"):
    email_address: _Address = _Address()


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    content: str = ""


class _Sent(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    subject: str = ""
    sender: _Mailbox = msgspec.field(name="from", default=_Mailbox())
    to_recipients: tuple[_Mailbox, ...] = ()
    reply_to: tuple[_Mailbox, ...] = ()
    body: _Body = _Body()


class _Page(msgspec.Struct, frozen=True):
    value: tuple[_Sent, ...]


class _Detail(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Detail = _Detail()


class _TooLateError(Exception):
    """The right to send ran out before the request left."""


class GraphPort:
    """Sends from one mailbox, and reads what that mailbox sent."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: Tokens,
        *,
        url: str,
        send_time: float = _SEND_TIME,
        read_time: float = _READ_TIME,
        between_looks: float = _BETWEEN_LOOKS,
    ) -> None:
        """Keep the session, which keeps no connections, and the log-in; times in seconds."""
        self._session = session
        self._tokens = tokens
        self._root = f"{url.rstrip('/')}/v1.0/users"
        self._send_time = send_time
        self._read_time = read_time
        self._between_looks = between_looks

    async def send(self, mail: Mail, *, still_ours: Callable[[], bool]) -> Outcome:
        """Send a mail and keep a copy of it in the sent items, with one request."""
        try:
            status, body, wait = await self._post(mail, still_ours)
        except LogInError as refused:
            return NotSent(why=refused.why, retry_after=_LOG_IN_AGAIN)
        except _TooLateError:
            return NotSent(why="it took too long to log in")
        except ConnectionLostError as lost:
            if lost.before_sending:
                return NotSent(why=f"{SYSTEM} cannot be reached ({lost})")
            return Unknown(why=f"the answer was lost ({lost})")
        except (aiohttp.ClientError, TimeoutError) as lost:
            return Unknown(why=f"no answer ({type(lost).__name__})")
        return _outcome(mail, status, body, wait)

    async def _post(
        self, mail: Mail, still_ours: Callable[[], bool]
    ) -> tuple[int, bytes, timedelta | None]:
        token = await self._tokens.token()
        if not still_ours():
            raise _TooLateError
        async with self._session.post(
            URL(f"{self._of(mail)}/sendMail", encoded=True),
            data=msgspec.json.encode(_request(mail)),
            headers=self._headers(token) | {"Content-Type": "application/json"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=self._send_time),
            middlewares=(once,),
        ) as answer:
            if answer.status == HTTPStatus.UNAUTHORIZED:
                self._tokens.forget()
            return answer.status, await answer.read(), _wait(answer)

    async def search(self, mail: Mail) -> Search:
        """Look for the mail among what the mailbox sent."""
        try:
            copy = await self._copy(mail)
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        if copy is None:
            return NotFound()
        return Found(document=mail.to, document_id=mail.message_id)

    async def read_back(self, mail: Mail) -> Mail | None:
        """Return the mail as it stands in the sent items; Graph puts it there a little later.

        Raises:
            ErpUnreachableError: it is not there yet, or no usable answer.
        """
        for look in range(_LOOKS):
            if look:
                await asyncio.sleep(self._between_looks)
            copy = await self._copy(mail)
            if copy is not None:
                return _as_mail(copy, mail)
        raise ErpUnreachableError(SYSTEM, "the sent mail does not stand in the sent items yet")

    async def _copy(self, mail: Mail) -> _Sent | None:
        query = {
            "$filter": f"singleValueExtendedProperties/Any(ep: ep/id eq '{_PROPERTY}' "
            f"and ep/value eq '{mail.message_id}')",
            "$select": "id,subject,from,toRecipients,replyTo,body",
        }
        where = (
            f"{self._of(mail)}/mailFolders/sentitems/messages?{urlencode(query, quote_via=quote)}"
        )
        token = await self._tokens.token()
        try:
            async with self._session.get(
                URL(where, encoded=True),
                headers=self._headers(token) | {"Prefer": 'outlook.body-content-type="text"'},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self._read_time),
            ) as answer:
                status, body = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError) as lost:
            raise ErpUnreachableError(SYSTEM, type(lost).__name__) from lost
        if status == HTTPStatus.UNAUTHORIZED:
            self._tokens.forget()
        if status != HTTPStatus.OK:
            raise ErpUnreachableError(SYSTEM, f"{SYSTEM} answered with status {status}")
        try:
            found = msgspec.json.decode(body, type=_Page).value
        except msgspec.DecodeError as wrong:
            raise ErpUnreachableError(SYSTEM, f"{SYSTEM} said what cannot be read") from wrong
        return found[0] if found else None

    def _of(self, mail: Mail) -> str:
        return f"{self._root}/{quote(mail.sender, safe='@')}"

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"{self._tokens.scheme} {token}"}


def _request(mail: Mail) -> dict[str, object]:
    def mailbox(address: str) -> dict[str, object]:
        return {"emailAddress": {"address": address}}

    return {
        "message": {
            "subject": mail.subject,
            "body": {"contentType": "Text", "content": mail.text},
            "from": mailbox(mail.sender),
            "toRecipients": [mailbox(mail.to)],
            "replyTo": [mailbox(mail.reply_to)] if mail.reply_to else [],
            "internetMessageId": mail.message_id,
            # Graph takes no Auto-Submitted; this is what Exchange knows instead.
            "internetMessageHeaders": [
                {"name": "X-Auto-Response-Suppress", "value": "OOF, AutoReply"}
            ],
            "singleValueExtendedProperties": [{"id": _PROPERTY, "value": mail.message_id}],
        },
        "saveToSentItems": True,
    }


def _outcome(mail: Mail, status: int, body: bytes, wait: timedelta | None) -> Outcome:
    """Say what became of the mail; only a refusal is certain before Graph has accepted it."""
    if status == HTTPStatus.ACCEPTED:
        return Applied(document=mail.to, document_id=mail.message_id)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotSent(why=f"{SYSTEM} is busy and did not take the mail in", retry_after=wait)
    try:
        said = msgspec.json.decode(body, type=_ErrorBody).error
    except msgspec.DecodeError:
        said = _Detail()
    if status // 100 == _CLIENT_ERROR and status != HTTPStatus.REQUEST_TIMEOUT:
        words = _STATUS_WORDS.get(
            status, f"{SYSTEM} did not take the mail: {said.message or said.code or status}"
        )
        return Refused(code=said.code or str(status), text=words)
    return Unknown(why=f"{SYSTEM} answered with status {status}")


def _as_mail(copy: _Sent, mail: Mail) -> Mail:
    """Return the copy in our terms; Exchange ends lines in its own way, and adds one."""
    text = copy.body.content.replace("\r\n", "\n")
    same = _lines(text) == _lines(mail.text)
    return Mail(
        sender=_spelled((copy.sender,), mail.sender),
        to=_spelled(copy.to_recipients, mail.to),
        subject=copy.subject,
        text=mail.text if same else text,
        message_id=mail.message_id,
        reply_to=_spelled(copy.reply_to, mail.reply_to),
    )


def _spelled(found: tuple[_Mailbox, ...], planned: str) -> str:
    """Return addresses as planned where only capitals differ: Exchange has its own of them."""
    text = ", ".join(one.email_address.address for one in found)
    return planned if text.casefold() == planned.casefold() else text


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.rstrip().split("\n")]


def _wait(answer: aiohttp.ClientResponse) -> timedelta | None:
    seconds = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds[:5])) if seconds.isascii() and seconds.isdigit() else None
