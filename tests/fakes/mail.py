"""A mail server on loopback, as RFC 5321 has it, that refuses and loses what a test tells it to.

::

    async with FakeMailServer() as server:
        ...
        assert server.mails[0].to == "orders@vendor.example"
"""

import asyncio
import base64
import contextlib
import ssl
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import SMTP


@dataclass(frozen=True)
class Received:
    """A mail that the server took, with its envelope."""

    sender: str
    to: str
    data: bytes

    @property
    def message(self):
        return message_from_bytes(self.data, policy=SMTP)


class FakeMailServer:
    """Keeps every mail that it took responsibility for."""

    def __init__(self, *, tls=None, log_in=None, tls_at_once=False):
        self.mails: list[Received] = []
        self.commands: list[str] = []
        self.tls = tls
        self.log_in = log_in
        self.tls_at_once = tls_at_once
        """Whether it speaks TLS from the first byte on, instead of after STARTTLS."""
        self.replies: dict[str, str] = {}
        """What to answer to a command instead: MAIL, RCPT, DATA, and "." after the mail."""
        self.losing: set[str] = set()
        """Commands after which the connection is lost without an answer; "." after the mail."""
        self.silent: set[str] = set()
        """Commands that are never answered."""

    async def __aenter__(self):
        self._talks: set[asyncio.Task[None]] = set()
        tls = self.tls if self.tls_at_once else None
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=tls)
        self.host, self.port = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    async def _talk(self, reader, writer):
        task = asyncio.current_task()
        self._talks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await _Conversation(self, reader, writer).run()
        finally:
            self._talks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


class _LostError(ConnectionError):
    """The server hung up."""


class _Conversation:
    def __init__(self, server, reader, writer):
        self.server = server
        self.reader = reader
        self.writer = writer
        self.sender = self.to = ""
        self.encrypted = server.tls_at_once

    async def run(self):
        await self.say("220 mail.plant.example ESMTP")
        while True:
            line = (await self.reader.readuntil(b"\r\n")).decode("ascii").rstrip("\r\n")
            word = line.split(":")[0].split(" ")[0].upper()
            self.server.commands.append(line)
            await self.answer(word, line)
            if word == "QUIT":
                return

    async def answer(self, word, line):
        match word:
            case "EHLO":
                await self.greet()
            case "STARTTLS":
                await self.say("220 go ahead")
                await self.writer.start_tls(self.server.tls)
                self.encrypted = True
            case "AUTH":
                await self.authenticate(line)
            case "MAIL":
                self.sender = _between_angles(line)
                await self.reply(word, "250 ok")
            case "RCPT":
                self.to = _between_angles(line)
                await self.reply(word, "250 ok")
            case "DATA":
                if (await self.reply(word, "354 end with a dot")).startswith("354"):
                    await self.take()
            case "QUIT":
                await self.say("221 bye")
            case _:
                await self.say("250 ok")

    async def greet(self):
        lines = ["mail.plant.example", "8BITMIME"]
        if self.server.tls and not self.encrypted:
            lines.append("STARTTLS")
        if self.server.log_in:
            lines.append("AUTH PLAIN")
        for line in lines[:-1]:
            await self.say(f"250-{line}")
        await self.say(f"250 {lines[-1]}")

    async def authenticate(self, line):
        _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
        good = (user, password) == self.server.log_in
        await self.say("235 welcome" if good else "535 authentication failed")

    async def take(self):
        data = await self.reader.readuntil(b"\r\n.\r\n")
        body = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        mail = Received(sender=self.sender, to=self.to, data=body)
        if not self.server.replies.get(".", "250").startswith("2"):
            await self.reply(".", "")
            return
        self.server.mails.append(mail)
        await self.reply(".", "250 queued")

    async def reply(self, word, usual):
        if word in self.server.losing:
            self.server.losing.discard(word)
            self.writer.transport.abort()
            raise _LostError
        if word in self.server.silent:
            await asyncio.Event().wait()
        said = self.server.replies.get(word, usual)
        await self.say(said)
        return said

    async def say(self, line):
        self.writer.write(f"{line}\r\n".encode())
        await self.writer.drain()


def _between_angles(line):
    return line.partition("<")[2].partition(">")[0]
