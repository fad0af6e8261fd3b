"""What SAP Business One offers to the program: its settings, a reader, a writer."""

from collections.abc import Mapping
from typing import Final

from erp.ports import Connector, Reader, Setting, Surroundings, Writer
from erp.sap_business_one.client import Company, ServiceLayerClient
from erp.sap_business_one.reader import SapBusinessOneReader
from erp.sap_business_one.sessions import LogIn, Sessions
from erp.sap_business_one.snapshots import Snapshots
from erp.sap_business_one.writer import SapBusinessOneWriter

_SETTINGS: Final = (
    Setting(
        name="url",
        description="Address of the Service Layer without the path, as https://b1.example:50000",
    ),
    Setting(name="company_db", description="Name of the company database"),
    Setting(name="user", description="User that reads; give it no authorization to change"),
    Setting(name="password", description="Password of the user that reads", secret=True),
    Setting(
        name="writer_user",
        description="User that saves drafts; give it purchase order drafts and nothing else",
        held_by="writer",
    ),
    Setting(
        name="writer_password",
        description="Password of the user that saves drafts",
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

    def company(self, settings: Mapping[str, str]) -> str:
        """Return the name of the company database."""
        return settings["company_db"]

    def reader(self, around: Surroundings) -> Reader:
        """Return what reads."""
        client = _client(around, whose="")
        return SapBusinessOneReader(
            client, snapshots=Snapshots(client, now=around.now), budget=around.read_within
        )

    def writer(self, around: Surroundings) -> Writer:
        """Return what writes, with a log-in of its own."""
        client = _client(around, whose="writer_")
        return SapBusinessOneWriter(client, now=around.now)


def _client(around: Surroundings, *, whose: str) -> ServiceLayerClient:
    company = Company(base_url=around.settings["url"], company_db=around.settings["company_db"])
    log_in = LogIn(
        company_db=company.company_db,
        user=around.settings[f"{whose}user"],
        password=around.settings[f"{whose}password"],
    )
    sessions = Sessions(around.session, log_in, url=company.url("Login"), now=around.now)
    return ServiceLayerClient(around.session, sessions, company)


CONNECTOR: Final[Connector] = SapBusinessOneConnector()
