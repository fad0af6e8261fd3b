"""Sends a mail through a mail server; what was sent there cannot be searched for."""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from erp.mail.message import Mail, composed
from erp.mail.settings import Security
from erp.ports import Applied, NotSent, Outcome, Refused, Search, Unknown, Unsearchable

_STEP: Final = 20.0
"""Seconds for each step before the mail itself."""

_DELIVERY: Final = 120.0
"""Seconds for the answer to the mail; giving up early only makes doubts."""

_LOG_IN_AGAIN: Final = timedelta(minutes=1)

_OK: Final = 2
_PERMANENT: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where to hand mail over, and how; without a user there is no log-in."""

    host: str
    port: int
    security: Security = "starttls"
    user: str = ""
    password: str = ""
    trusted_ca: str | None = None


class _EndedError(Exception):
    """The mail server ended it before it had the mail."""

    def __init__(self, outcome: Outcome) -> None:
        """Keep what that means."""
        self.outcome = outcome
        super().__init__(str(outcome))


class SmtpPort:
    """Hands mails to one mail server, one at a time and each on a connection of its own."""

    def __init__(
        self,
        server: MailServer,
        *,
        now: Callable[[], datetime],
        step: float = _STEP,
        delivery: float = _DELIVERY,
    ) -> None:
        """Keep the server and the clock; times in seconds."""
        self._server = server
        self._now = now
        self._step = step
        self._delivery = delivery

    async def send(self, mail: Mail, *, still_ours: Callable[[], bool]) -> Outcome:
        """Hand a mail over, once; `still_ours` is asked last before the mail itself leaves."""
        return await asyncio.to_thread(self._dialogue, mail, still_ours)

    async def search(self, mail: Mail) -> Search:
        """Say that it cannot be known: a mail server tells nobody what it took in."""
        del mail
        return Unsearchable()

    async def read_back(self, mail: Mail) -> Mail | None:
        """Return nothing: the answer of the mail server is all there is."""
        del mail
        return None

    def _dialogue(self, mail: Mail, still_ours: Callable[[], bool]) -> Outcome:
        try:
            connection = self._connected()
        except _EndedError as ended:
            return ended.outcome
        except (OSError, smtplib.SMTPException) as away:
            return NotSent(why=f"the mail server cannot be reached ({_said(away)})")
        try:
            _introduced(connection, mail)
            if not still_ours():
                return NotSent(why="it took too long to reach the mail server")
            return self._handed_over(connection, mail)
        except _EndedError as ended:
            return ended.outcome
        finally:
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
            connection.close()

    def _connected(self) -> smtplib.SMTP:
        """Connect, encrypt and log in.

        Raises:
            _EndedError: the server takes no log-in from us, or does not encrypt.
        """
        server = self._server
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._step, context=self._trust()
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._step)
        try:
            if server.security == "starttls":
                connection.starttls(context=self._trust())
            if server.user:
                connection.login(server.user, server.password)
        except smtplib.SMTPAuthenticationError as refused:
            connection.close()
            raise _EndedError(
                NotSent(
                    why=f"the mail server did not accept the log-in ({_said(refused)})",
                    retry_after=_LOG_IN_AGAIN,
                )
            ) from refused
        except (OSError, smtplib.SMTPException):
            connection.close()
            raise
        return connection

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._server.trusted_ca)

    def _handed_over(self, connection: smtplib.SMTP, mail: Mail) -> Outcome:
        if connection.sock is not None:
            connection.sock.settimeout(self._delivery)
        try:
            _accepted(connection.data(composed(mail, at=self._now())), "the mail")
        except smtplib.SMTPDataError as early:
            return _refused((early.smtp_code, _bytes(early.smtp_error)), "the mail")
        except (OSError, smtplib.SMTPException) as lost:
            return Unknown(
                why=f"the mail server did not say whether it took the mail ({_said(lost)})"
            )
        return Applied(document=mail.to, document_id=mail.message_id)


def _introduced(connection: smtplib.SMTP, mail: Mail) -> None:
    """Say who sends and who receives.

    Raises:
        _EndedError: one of them is not taken, or the server is gone; it has no mail yet.
    """
    try:
        connection.ehlo_or_helo_if_needed()
        _accepted(connection.mail(mail.sender), f"the sender {mail.sender}")
        _accepted(connection.rcpt(mail.to), f"the recipient {mail.to}")
    except (OSError, smtplib.SMTPException) as lost:
        why = f"the mail server was lost before it had the mail ({_said(lost)})"
        raise _EndedError(NotSent(why=why)) from lost


def _accepted(reply: tuple[int, bytes], what: str) -> None:
    """Go on after a positive reply.

    Raises:
        _EndedError: it was another one.
    """
    if reply[0] // 100 != _OK:
        raise _EndedError(_refused(reply, what))


def _refused(reply: tuple[int, bytes], what: str) -> Outcome:
    """Say what a negative reply means: none of them takes responsibility (RFC 5321, 4.2.1)."""
    code, text = reply
    words = f"The mail server did not take {what}: {code} {_readable(text)}".rstrip()
    if code // 100 == _PERMANENT:
        return Refused(code=str(code), text=words)
    return NotSent(why=words)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_readable(_bytes(error.smtp_error))}".rstrip()
    return type(error).__name__


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _readable(text: bytes) -> str:
    return " ".join(text.decode("utf-8", "replace").split())[:300]
