"""Which addresses are the Bot Connector: the only ones that ever see our token."""

import re
from dataclasses import dataclass
from typing import Final, Self

from decisions.errors import CountersignError

TEAMS_HOSTS: Final = ("smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com")
"""Public cloud and GCC (msteams-docs, "Send and receive messages")."""

_URL: Final = re.compile(
    r"(?P<origin>(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+))(?P<port>:[0-9]{1,5})?"
    r"(?P<path>(/[A-Za-z0-9._~-]*)*)"
)
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})


class UntrustedHostError(CountersignError):
    """A setting names a Bot Connector that must not see our token."""

    def __init__(self, host: str) -> None:
        """Say what is allowed."""
        self.host = host
        super().__init__(
            f"{host!r} cannot be a Bot Connector host. Give a bare host name, which is reached "
            "over https, or http://127.0.0.1[:port] for a stand-in on this machine."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceUrls:
    """An allow-list of Bot Connector addresses; an empty one trusts nothing."""

    hosts: frozenset[str]
    loopback: frozenset[str]

    @classmethod
    def of(cls, *allowed: str) -> Self:
        """Make the list from host names, and `http://127.0.0.1[:port]` for tests and the demo.

        Raises:
            UntrustedHostError: an entry is neither.
        """
        hosts = [entry.lower() for entry in allowed if "://" not in entry]
        loopback = [entry.lower() for entry in allowed if "://" in entry]
        for entry in hosts:
            if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", entry):
                raise UntrustedHostError(entry)
        for entry in loopback:
            parts = _URL.fullmatch(entry)
            if not parts or parts["host"] not in _LOOPBACK or parts["path"]:
                raise UntrustedHostError(entry)
        return cls(hosts=frozenset(hosts), loopback=frozenset(loopback))

    def trust(self, url: str) -> bool:
        """Tell whether a service URL belongs to the Bot Connector.

        The whole address must have the plain shape that Teams uses: no user, no query, no
        escapes, so that no two parsers can disagree about its host.
        """
        parts = _URL.fullmatch(url)
        if not parts or ".." in parts["path"]:
            return False
        if parts["scheme"] == "https" and parts["port"] in (None, ":443"):
            return parts["host"].lower() in self.hosts
        origin = parts["origin"].lower()
        return origin in self.loopback or f"{origin}{parts['port'] or ''}" in self.loopback
