"""What an installation decides about mail, and what is wrong with it."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias
from uuid import UUID

from erp.mail.message import Letterhead, is_address
from erp.ports import Setting

Security: TypeAlias = Literal["starttls", "tls", "none"]

NAME: Final = "mail"
"""What the variables begin with: COUNTERSIGN_MAIL_VIA and so on."""

_WAYS: Final = ("", "smtp", "graph")
_SECURITY: Final[Mapping[str, Security]] = {"starttls": "starttls", "tls": "tls", "none": "none"}
_LAST_PORT: Final = 65535

SETTINGS: Final = (
    Setting(
        name="via",
        description="How mail to vendors leaves: smtp, graph (Microsoft 365), or empty for no "
        "mail (docs/mail.md).",
        default="",
    ),
    Setting(name="from", description="The address that mail comes from.", default=""),
    Setting(name="reply_to", description="Where answers go, if not to the sender.", default=""),
    Setting(name="smtp_host", description="The mail server.", default=""),
    Setting(name="smtp_port", description="Its port.", default="587"),
    Setting(
        name="smtp_security",
        description="starttls, tls (from the first byte on, port 465), or none for a mail server "
        "on this machine.",
        default="starttls",
    ),
    Setting(name="smtp_user", description="The log-in; empty for none.", default=""),
    Setting(
        name="smtp_password",
        description="The password of smtp_user.",
        held_by="writer",
        secret=True,
        default="",
    ),
    Setting(name="graph_tenant_id", description="The Entra tenant of the mailbox.", default=""),
    Setting(
        name="graph_app_id",
        description="The Entra application that may send and read as the sender's mailbox: "
        "Mail.Send and Mail.Read, for that mailbox alone.",
        default="",
    ),
    Setting(
        name="graph_app_secret",
        description="Its client secret.",
        held_by="writer",
        secret=True,
        default="",
    ),
    Setting(
        name="graph_url", description="Microsoft Graph.", default="https://graph.microsoft.com"
    ),
    Setting(
        name="graph_login_authority",
        description="Where its tokens are asked for.",
        default="https://login.microsoftonline.com",
    ),
)


def problems(settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]:
    """Return what is missing or cannot be, by setting; nothing where no mail is sent."""
    via = settings.get("via", "")
    if via not in _WAYS:
        return (f"via: {via!r} is none of smtp, graph and empty.",)
    if not via:
        return ()
    own = _of_smtp if via == "smtp" else _of_graph
    return (*_of_addresses(settings), *own(settings, writes=writes))


def letterhead(settings: Mapping[str, str]) -> Letterhead | None:
    """Return whom mail comes from; None where no mail is sent."""
    if not settings.get("via"):
        return None
    return Letterhead(sender=settings["from"], reply_to=settings.get("reply_to", ""))


def security_of(settings: Mapping[str, str]) -> Security:
    """Return how the mail server is spoken to."""
    return _SECURITY[settings["smtp_security"]]


def _of_addresses(settings: Mapping[str, str]) -> Iterator[str]:
    if not settings.get("from"):
        yield "from is not set."
    for name in ("from", "reply_to"):
        address = settings.get(name, "")
        if address and not is_address(address):
            yield f"{name}: {address!r} is no single e-mail address."


def _of_smtp(settings: Mapping[str, str], *, writes: bool) -> Iterator[str]:
    host, port = settings.get("smtp_host", ""), settings.get("smtp_port", "")
    if not host:
        yield "smtp_host is not set."
    if not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT):
        yield f"smtp_port: {port!r} is no port."
    security = settings.get("smtp_security")
    if security not in _SECURITY:
        yield f"smtp_security: {security!r} is none of {', '.join(_SECURITY)}."
    elif security == "none" and not _is_loopback(host):
        yield "smtp_security: only a mail server on this machine may do without encryption."
    if not writes:
        return
    user, password = settings.get("smtp_user"), settings.get("smtp_password")
    if user and not password:
        yield "smtp_password is not set."
    if password and not user:
        yield "smtp_user is not set."


def _of_graph(settings: Mapping[str, str], *, writes: bool) -> Iterator[str]:
    for name in ("graph_tenant_id", "graph_app_id"):
        value = settings.get(name, "")
        if not value:
            yield f"{name} is not set."
        elif not _is_guid(value):
            yield f"{name}: {value!r} is no GUID."
    if writes and not settings.get("graph_app_secret"):
        yield "graph_app_secret is not set."
    for name in ("graph_url", "graph_login_authority"):
        if not _is_safe(settings.get(name, "")):
            yield f"{name}: it has to begin with https://."


def _is_safe(url: str) -> bool:
    return url.startswith(("https://", "http://127.0.0.1:"))


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
