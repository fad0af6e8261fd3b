"""What the program is offered: how Tryton is set up, what reads it and what writes it."""

from collections.abc import Mapping
from typing import Final

from erp.ports import Connector, Setting, Surroundings
from erp.tryton.client import LogIn, Place, TrytonClient
from erp.tryton.reader import TrytonReader
from erp.tryton.writer import TrytonWriter

_SETTINGS: Final = (
    Setting(
        name="url", description="Where Tryton is reached, without the database: https://erp:8000."
    ),
    Setting(name="database", description="The name of the database."),
    Setting(
        name="company",
        description="The company, as its party is named; a write never goes to “the first one”.",
    ),
    Setting(
        name="web_client",
        description="Where people use Tryton in a browser; receipts link there. Empty: no links.",
        default="",
    ),
    Setting(name="reader_user", description="The user that reads."),
    Setting(name="reader_password", description="Its password.", secret=True),
    Setting(name="writer_user", description="The user that writes drafts.", held_by="writer"),
    Setting(name="writer_password", description="Its password.", held_by="writer", secret=True),
)


class TrytonConnector:
    """Tryton 8 over JSON-RPC."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return what has to be decided for it."""
        return _SETTINGS

    def problems(self, settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]:
        """Return what cannot be, by setting."""
        found: list[str] = []
        if not settings["url"].startswith(("http://", "https://")):
            found.append(f"url: {settings['url']!r} does not begin with https:// or http://.")
        if writes and settings["reader_user"] == settings["writer_user"]:
            found.append("writer_user: it is the reader's too; each needs one of its own.")
        return tuple(found)

    def company(self, settings: Mapping[str, str]) -> str:
        """Return the company with its database, so that a copy for trying things is another."""
        return _place(settings).label

    def reader(self, around: Surroundings) -> TrytonReader:
        """Return what reads; it is given no secret of the writer's."""
        return TrytonReader(_client(around, "reader"), now=around.now, budget=around.read_within)

    def writer(self, around: Surroundings) -> TrytonWriter:
        """Return what writes, with a log-in of its own."""
        return TrytonWriter(
            _client(around, "writer"), now=around.now, web_client=around.settings["web_client"]
        )


def _place(settings: Mapping[str, str]) -> Place:
    return Place(
        base_url=settings["url"], database=settings["database"], company=settings["company"]
    )


def _client(around: Surroundings, role: str) -> TrytonClient:
    given = around.settings
    log_in = LogIn(user=given[f"{role}_user"], password=given[f"{role}_password"])
    return TrytonClient(around.session, _place(given), log_in)


CONNECTOR: Final[Connector] = TrytonConnector()
"""Offered under the entry point group `countersign.connectors`."""
