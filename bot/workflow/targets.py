"""Where webhooks may go: to the public internet, and to this machine only where a setting says so.

An administrator writes the address, but whoever holds the name behind it decides where it leads,
and may decide otherwise tomorrow. So the address is judged twice: as it is written, when a key is
made, and as it is connected to, for each connection. Nothing lies between that and the socket.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from aiohttp.abc import AbstractResolver
from yarl import URL

HTTPS_PORT: Final = 443
_FIRST_FREE_PORT: Final = 1024
"""Below it are the services that a request must never be smuggled into: mail, SSH, databases."""

_LONGEST_URL: Final = 2000
_ANSWER_BUFFER: Final = 4096
"""Bytes of an answer that are held at once; only its status and headers are looked at."""

_TRICK: Final = re.compile(r"[\s\\]|^[^/]*//[^/?#]*@")
"""A blank, a backslash that some parsers take for a slash, or a user before the host."""

_NAME: Final = re.compile(r"(?!.*\.[0-9x][0-9a-fx]*\.?$)([a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}\.?")
"""A host name with a dot in it; one whose last part is a number would be read as an address."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NEVER: Final = (
    *map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "168.63.129.16/32")),
    *map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")),
)
"""Not in every Python's list: relays into IPv4, shared address space, Azure's own services."""


_Found: TypeAlias = tuple[int, int, int, str, tuple[object, ...]]
"""Family, kind, protocol, name and address, as getaddrinfo gives them."""


class NotPublicError(OSError):
    """A name led to an address that webhooks are not sent to."""

    def __init__(self, address: str) -> None:
        """Name the address."""
        super().__init__(f"it leads to {address}, which is not on the public internet")


def may_be_told(url: str) -> bool:
    """Tell whether decisions may be sent to an address: public https, or http on loopback."""
    if len(url) > _LONGEST_URL or not url.isprintable() or _TRICK.search(url):
        return False
    try:
        parts = URL(url)
        host, port = (parts.raw_host or "").lower(), parts.port or 0
    except ValueError:
        return False
    if is_loopback(host):
        return parts.scheme in ("http", "https") and port > 0
    fitting = port == HTTPS_PORT or port >= _FIRST_FREE_PORT
    return parts.scheme == "https" and fitting and _may_be_public(host)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, by its name or address alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _may_be_public(host: str) -> bool:
    """Tell whether a host, as it is written, may turn out to be public."""
    try:
        return is_public(ip_address(host))
    except ValueError:
        return _NAME.fullmatch(host) is not None


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is one of the public internet, and no way around into another."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False  # also what maps or translates to IPv4: ::ffff:0:0/96, 64:ff9b::/96
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    return not any(address in network for network in _NEVER if network.version == address.version)


def webhook_session(
    *, loopback: bool = False, resolver: AbstractResolver | None = None
) -> ClientSession:
    """Return a client that reaches public addresses only, and this machine with `loopback`.

    The guard makes the sockets, so it sees each address that is connected to: a name that leads
    elsewhere the second time gains nothing.
    """

    def guarded(found: _Found) -> socket.socket:
        family, kind, protocol, _, where = found
        address = ip_address(str(where[0]))
        if not is_public(address) and not (loopback and address.is_loopback):
            raise NotPublicError(str(address))
        return socket.socket(family, kind, protocol)

    return ClientSession(
        connector=TCPConnector(
            resolver=resolver, socket_factory=guarded, force_close=True, use_dns_cache=False
        ),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=_ANSWER_BUFFER,
        trust_env=False,
    )
