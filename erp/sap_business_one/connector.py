"""What SAP Business One offers to the program: its settings, a reader, a writer."""

from collections.abc import Mapping
from typing import Final

from yarl import URL

from erp.ports import Connector, Reader, Setting, Surroundings, Writer
from erp.sap_business_one.client import Company, ServiceLayerClient
from erp.sap_business_one.reader import SapBusinessOneReader
from erp.sap_business_one.sessions import LogIn, Sessions
from erp.sap_business_one.snapshots import Snapshots
from erp.sap_business_one.writer import SapBusinessOneWriter

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_SETTINGS: Final = (
    Setting(
        name="url",
        description="The Service Layer without the path, such as https://b1.example:50000.",
    ),
    Setting(name="company_db", description="The company database; never guessed."),
    Setting(name="reader_user", description="The user who reads; needs no right to change."),
    Setting(name="reader_password", description="The password of reader_user.", secret=True),
    Setting(
        name="writer_user",
        description="The user who saves drafts of purchase orders, and needs no other right.",
    ),
    Setting(
        name="writer_password",
        description="The password of writer_user.",
        held_by="writer",
        secret=True,
    ),
)


class SapBusinessOneConnector:
    """See `erp.ports.Connector`."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return what has to be decided for it."""
        return _SETTINGS

    def problems(self, settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]:
        """Return what cannot be, by setting; `writes` makes no difference here."""
        del writes
        url = URL(settings["url"])
        found: list[str] = []
        if url.scheme != "https" and url.host not in _LOOPBACK:
            found.append("url: the Service Layer speaks https only.")
        if url.path not in {"", "/"}:
            found.append("url: give it without the path; /b1s/v2 is added here.")
        if settings["reader_user"] == settings["writer_user"]:
            found.append("writer_user: must be another user than reader_user.")
        return tuple(found)

    def company(self, settings: Mapping[str, str]) -> str:
        """Return the name of the company database."""
        return settings["company_db"]

    def reader(self, around: Surroundings) -> Reader:
        """Return what reads."""
        client = _client(around, whose="reader")
        return SapBusinessOneReader(
            client, snapshots=Snapshots(client, now=around.now), budget=around.read_within
        )

    def writer(self, around: Surroundings) -> Writer:
        """Return what writes, with a log-in of its own."""
        client = _client(around, whose="writer")
        return SapBusinessOneWriter(client, now=around.now)


def _client(around: Surroundings, *, whose: str) -> ServiceLayerClient:
    company = Company(base_url=around.settings["url"], company_db=around.settings["company_db"])
    log_in = LogIn(
        company_db=company.company_db,
        user=around.settings[f"{whose}_user"],
        password=around.settings[f"{whose}_password"],
    )
    sessions = Sessions(around.session, log_in, url=company.url("Login"), now=around.now)
    return ServiceLayerClient(around.session, sessions, company)


CONNECTOR: Final[Connector] = SapBusinessOneConnector()
