"""Business Central as a connector: its settings, its log-ins, its reader and its writer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.reader import BusinessCentralReader
from erp.business_central.subscriptions import Subscriptions
from erp.business_central.tokens import (
    BasicKey,
    ClientCredentialTokens,
    EntraTokens,
    Tokens,
)
from erp.business_central.writer import BusinessCentralWriter
from erp.ports import Hints, Reader, Setting, Surroundings, Writer

_SHORTEST: Final = 16
_WAYS: Final = "Give {0}_secret or {0}_certificate, or on premises {0}_user with {0}_key."


def _log_in(who: str, *, held: Literal["everybody", "writer"]) -> tuple[Setting, ...]:
    return (
        Setting(
            name=f"{who}_id",
            description=f"The Entra application of the {who}; not needed with {who}_user.",
            default="",
        ),
        Setting(
            name=f"{who}_secret",
            description=f"The {who}'s client secret.",
            held_by=held,
            secret=True,
            default="",
        ),
        Setting(
            name=f"{who}_certificate",
            description=f"Instead of a secret: the {who}'s private key and certificate, in PEM.",
            held_by=held,
            secret=True,
            default="",
        ),
        Setting(
            name=f"{who}_user",
            description=f"On premises with NavUserPassword: the {who}'s user name.",
            default="",
        ),
        Setting(
            name=f"{who}_key",
            description=f"On premises: the web service access key of {who}_user.",
            held_by=held,
            secret=True,
            default="",
        ),
    )


@dataclass(frozen=True, slots=True)
class BusinessCentralConnector:
    """See `erp.ports.Connector`."""

    settings: tuple[Setting, ...] = (
        Setting(
            name="url",
            description="The service, or https://host:7048/instance on premises.",
            default="https://api.businesscentral.dynamics.com/v2.0",
        ),
        Setting(
            name="environment",
            description="The environment; empty on premises.",
            default="Production",
        ),
        Setting(
            name="company",
            description="The id of the company; never guessed.",
        ),
        Setting(
            name="tenant_id",
            description="The Entra tenant of Business Central; not needed with a user and a key.",
            default="",
        ),
        Setting(
            name="login_authority",
            description="Where tokens are asked for.",
            default="https://login.microsoftonline.com",
        ),
        Setting(
            name="web_client",
            description="Where people use Business Central; receipts link there. On premises "
            "https://host/instance; empty for no links.",
            default="https://businesscentral.dynamics.com",
        ),
        Setting(
            name="notices_url",
            description="This program's /api/erp/notices as Business Central reaches it, by "
            "https, the same for every process; empty to be told of no changes.",
            default="",
        ),
        Setting(
            name="notices_secret",
            description="What Business Central gives back with each notice, at least 16 "
            "characters.",
            secret=True,
            default="",
        ),
        *_log_in("reader", held="everybody"),
        *_log_in("writer", held="writer"),
    )

    def problems(self, settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]:
        """Return what is missing or cannot be, by setting."""
        found = [
            f"{name}: {settings[name]!r} is no GUID."
            for name in ("company", "tenant_id", "reader_id", "writer_id")
            if settings.get(name) and not _is_guid(settings[name])
        ]
        for who in ("reader", "writer") if writes else ("reader",):
            found += _unable(settings, who)
        found += _unheard(settings)
        return tuple(dict.fromkeys(found))

    def company(self, settings: Mapping[str, str]) -> str:
        """Return the id of the company."""
        return str(UUID(settings["company"]))

    def reader(self, around: Surroundings) -> Reader:
        """Return what reads."""
        return BusinessCentralReader(
            _client(around, "reader"), now=around.now, budget=around.read_within
        )

    def writer(self, around: Surroundings) -> Writer:
        """Return what writes, logged in as another application than the reader."""
        return BusinessCentralWriter(
            _client(around, "writer"), now=around.now, web_client=_web_client(around.settings)
        )

    def hints(self, around: Surroundings) -> Hints | None:
        """Return what keeps notices of changes coming, asked for with the reader's log-in."""
        address = around.settings.get("notices_url", "")
        if not address:
            return None
        return Subscriptions(
            _client(around, "reader"),
            now=around.now,
            address=address,
            secret=around.settings["notices_secret"],
        )


CONNECTOR: Final = BusinessCentralConnector()


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _unable(settings: Mapping[str, str], who: str) -> list[str]:
    """Say what this log-in lacks; nothing when it is complete."""
    user, key = f"{who}_user", f"{who}_key"
    if settings.get(user) or settings.get(key):
        return [f"{name} is not set." for name in (user, key) if not settings.get(name)]
    missing = [
        f"{name} is not set." for name in (f"{who}_id", "tenant_id") if not settings.get(name)
    ]
    if not (settings.get(f"{who}_secret") or settings.get(f"{who}_certificate")):
        missing.append(f"{who}_secret is not set. {_WAYS.format(who)}")
    return missing


def _unheard(settings: Mapping[str, str]) -> list[str]:
    """Say what keeps notices from coming, or from being believed."""
    address = settings.get("notices_url", "")
    if not address:
        return []
    found: list[str] = []
    if not address.startswith(("https://", "http://127.0.0.1")):
        found.append("notices_url: it has to begin with https://.")
    if len(settings.get("notices_secret", "")) < _SHORTEST:
        found.append(f"notices_secret: it needs at least {_SHORTEST} characters.")
    return found


def _web_client(settings: Mapping[str, str]) -> str:
    parts = (settings["web_client"], settings.get("tenant_id"), settings["environment"])
    return "/".join(part.strip("/") for part in parts if part) if parts[0] else ""


def _client(around: Surroundings, who: str) -> BusinessCentralClient:
    settings = around.settings
    company = Company(
        base_url=settings["url"],
        environment=settings["environment"],
        company_id=str(UUID(settings["company"])),
    )
    return BusinessCentralClient(around.session, _tokens(around, who), company)


def _tokens(around: Surroundings, who: str) -> Tokens:
    settings = around.settings
    if user := settings.get(f"{who}_user"):
        return BasicKey(user=user, key=settings[f"{who}_key"])
    authority = f"{settings['login_authority'].rstrip('/')}/{settings['tenant_id']}"
    client_id, secret = settings[f"{who}_id"], settings.get(f"{who}_secret", "")
    if authority.startswith("https://"):
        return EntraTokens(
            authority=authority,
            client_id=client_id,
            client_secret=secret,
            certificate=settings.get(f"{who}_certificate", ""),
            verify=around.trusted_ca or True,
        )
    return ClientCredentialTokens(
        around.session,
        url=f"{authority}/oauth2/v2.0/token",
        client_id=client_id,
        client_secret=secret,
    )
