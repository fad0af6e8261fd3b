"""What Sage X3 offers to the program: its settings, and a reader."""

from collections.abc import Mapping
from typing import Final

from yarl import URL

from erp.ports import Connector, Reader, Setting, Surroundings, Writer
from erp.sage_x3.client import ConnectedApp, X3Client
from erp.sage_x3.reader import SageX3Reader
from erp.sage_x3.writer import SageX3Writer

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_SETTINGS: Final = (
    Setting(
        name="url",
        description="The full address of the API, such as https://x3.example:8124/xtrem/api; "
        "the connected application has to name it so, to the letter.",
    ),
    Setting(name="folder", description="The endpoint, which is the folder; never guessed."),
    Setting(name="user", description="The connected application's allowed user; reads only."),
    Setting(name="client_id", description="The connected application's client id."),
    Setting(
        name="client_secret",
        description="The connected application's secret.",
        secret=True,
    ),
)


class SageX3Connector:
    """See `erp.ports.Connector`."""

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Return what has to be decided for it."""
        return _SETTINGS

    def problems(self, settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]:
        """Return what cannot be, by setting; `writes` makes no difference here."""
        del writes
        url = URL(settings["url"])
        if url.scheme != "https" and url.host not in _LOOPBACK:
            return ("url: must be https; the token is good for whoever reads it.",)
        return ()

    def company(self, settings: Mapping[str, str]) -> str:
        """Return the folder."""
        return settings["folder"]

    def reader(self, around: Surroundings) -> Reader:
        """Return what reads."""
        app = ConnectedApp(
            **{setting.name: around.settings[setting.name] for setting in _SETTINGS}
        )
        return SageX3Reader(X3Client(around.session, app, now=around.now), now=around.now)

    def writer(self, around: Surroundings) -> Writer:
        """Return what refuses to write."""
        del around
        return SageX3Writer()


CONNECTOR: Final[Connector] = SageX3Connector()
