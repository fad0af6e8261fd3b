"""The environment, read once into a frozen record; every problem is reported at once."""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Protocol, TypeAlias, cast

from pydantic import AfterValidator, Field, JsonValue, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from decisions.errors import CountersignError
from erp import connectors
from erp.mail import settings as mail
from erp.ports import Setting

PREFIX = "COUNTERSIGN_"

Role: TypeAlias = Literal["web", "worker", "writer"]
"""Takes clicks and recommendations; does what happens later; writes the ERP."""

ROLES: Final[tuple[Role, ...]] = ("web", "worker", "writer")


class SettingsError(CountersignError):
    """The environment does not say everything that is needed."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """List every problem, one a line."""
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"These settings need attention (docs/settings.md):\n{lines}")


def _guid(value: str) -> str:
    import uuid  # noqa: PLC0415  used once, when the program starts

    return str(uuid.UUID(value))


Guid = Annotated[str, AfterValidator(_guid)]

_SHORTEST: Final = 16


def _long(value: SecretStr) -> SecretStr:
    if 0 < len(value) < _SHORTEST:
        raise ValueError(f"it needs at least {_SHORTEST} characters")
    return value


LongSecret = Annotated[SecretStr, AfterValidator(_long)]


def _held_by(*roles: Role) -> dict[str, JsonValue]:
    """Mark a secret that only these roles read; a process without them never holds it."""
    return {"roles": [*roles]}


_NOTHING: Final = SecretStr("")

ELSEWHERE: Final = frozenset({"erp_settings", "mail"})
"""Fields that are made of variables of their own."""


class Settings(BaseSettings):
    """Everything an installation decides; each field's description is its documentation."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    database: str = Field(
        description="Where records are kept: sqlite:///countersign.db or "
        "postgresql+psycopg://user:password@host/name.",
    )
    routing_file: Path = Field(
        description="The YAML file with plants, people, channels and rules (docs/routing.md).",
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(
        3978, ge=0, le=65535, description="The port to listen on; 0 takes a free one."
    )
    tenant_id: Guid = Field(description="The Microsoft Entra tenant whose people may click.")
    app_id: Guid = Field(description="The Microsoft Entra application id of the bot.")
    roles: tuple[Role, ...] = Field(
        ROLES,
        description="What this process does: web, worker, writer, separated by commas. "
        "`serve --role` says the same (docs/scaling.md).",
    )
    app_secret: SecretStr = Field(
        _NOTHING,
        description="The client secret of the bot's application.",
        json_schema_extra=_held_by("worker"),
    )
    signing_key: SecretStr = Field(
        _NOTHING,
        description="The private key that decisions are signed with, in PEM; made by "
        "`countersign keys signing`.",
        json_schema_extra=_held_by("web"),
    )
    verify_keys: str = Field(
        "",
        description="The public keys whose signatures count, in PEM, one after another. Where "
        "one process has both roles, web and writer, its own key counts without being listed.",
    )
    webhook_secret: LongSecret = Field(
        _NOTHING,
        json_schema_extra=_held_by("worker"),
        description="The master secret from which each source's webhook secret is derived.",
    )
    webhook_http: bool = Field(
        default=False,
        description="Let webhooks reach receivers on this machine too, by plain http; "
        "elsewhere they only ever go to public addresses, by https.",
    )
    openid_metadata: str = Field(
        "https://login.botframework.com/v1/.well-known/openidconfiguration",
        description="Where the Bot Framework publishes its signing keys.",
    )
    login_authority: str = Field(
        "https://login.microsoftonline.com", description="Where tokens are asked for."
    )
    trusted_ca: Path | None = Field(
        None,
        description="A PEM file of certificate authorities to trust when asking for tokens, "
        "where a proxy has its own.",
    )
    service_hosts: tuple[str, ...] = Field(
        ("smba.trafficmanager.net", "smba.infra.gcc.teams.microsoft.com"),
        description="The Bot Connector hosts that may see our token, separated by commas.",
    )
    erp: str = Field(
        "bc",
        description="The connector to the ERP: bc (Business Central), or another one that is "
        "installed (docs/erp.md).",
    )
    erp_settings: Mapping[str, str] = Field(
        default_factory=dict[str, str],
        repr=False,
        description="What the connector wants to know; each has a variable of its own, below.",
    )
    mail: Mapping[str, str] = Field(
        default_factory=dict[str, str],
        repr=False,
        description="How mail to vendors leaves; each has a variable of its own, below.",
    )
    quiet_period: timedelta = Field(
        timedelta(minutes=15),
        description="How long a write without an answer may still arrive in the ERP (ISO 8601).",
    )
    api_rate: float = Field(
        50,
        gt=0,
        description="How many requests a second one API key may send to one replica; four times "
        "as many at once after a rest. A list counts as one.",
    )
    click_rate: float = Field(
        5,
        gt=0,
        description="How many clicks and messages a second one person may send to one replica; "
        "four times as many at once after a rest.",
    )
    workers: int = Field(8, ge=1, le=64, description="How many jobs run at once.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged."
    )
    otlp_endpoint: str | None = Field(
        None,
        description="An OpenTelemetry collector to send spans to, such as "
        "http://127.0.0.1:4318; needs countersign[telemetry] (docs/operations.md).",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `settings_from` has read: it knows `_FILE` too, and lists."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def settings_from(
    environment: Mapping[str, str], *, roles: Collection[Role] | None = None
) -> Settings:
    """Read the settings; a variable that ends in _FILE names a file that holds the value.

    `roles` stand in for what the environment says of them. A secret that belongs to other roles
    is not read at all.

    Raises:
        SettingsError: something is missing or unreadable; lists every problem.
    """
    values, problems = _values(environment)
    if roles is not None:
        values["roles"] = tuple(roles)
    mine = frozenset(cast("Collection[str]", values.get("roles", ROLES)))
    values["erp_settings"], wrong = _of_connector(
        str(values.get("erp", Settings.model_fields["erp"].default)), environment, mine
    )
    writes = "writer" in mine
    values["mail"], no_mail = _asked(
        mail.NAME, mail.SETTINGS, mail.problems, environment, writes=writes
    )
    problems = (*problems, *wrong, *no_mail)
    for name, holders in SECRETS.items():
        if not holders & mine:
            values.pop(name, None)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as invalid:
        raise SettingsError((*problems, *_in_words(invalid), *_missing(values, mine))) from None
    problems = (*problems, *_missing(values, mine))
    if problems:
        raise SettingsError(problems)
    return settings


def settings_from_environment(*, roles: Collection[Role] | None = None) -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: something is missing or unreadable; lists every problem.
    """
    return settings_from(os.environ, roles=roles)


def holders_of(field: FieldInfo) -> frozenset[str]:
    """Return the roles that need a secret; none where every process reads it."""
    extra = field.json_schema_extra
    found = extra.get("roles") if isinstance(extra, dict) else None
    return frozenset(str(role) for role in found) if isinstance(found, list) else frozenset()


SECRETS: Final[Mapping[str, frozenset[str]]] = {
    name: holders
    for name, field in Settings.model_fields.items()
    if (holders := holders_of(field))
}
"""Which roles hold which secret."""


def _missing(values: Mapping[str, object], roles: frozenset[str]) -> Iterator[str]:
    """Name what these roles cannot do without."""
    for name, holders in SECRETS.items():
        if holders & roles and not values.get(name):
            yield _not_set(name)
    if "writer" in roles and "web" not in roles and not values.get("verify_keys"):
        yield _not_set("verify_keys")


def _of_connector(
    name: str, environment: Mapping[str, str], roles: frozenset[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read what a connector wants to know, and say what is missing or wrong."""
    try:
        connector = connectors.named(name)
    except connectors.UnknownConnectorError as unknown:
        return {}, (f"{PREFIX}ERP: {unknown}",)
    return _asked(
        name, connector.settings, connector.problems, environment, writes="writer" in roles
    )


class _Problems(Protocol):
    """Says what is wrong with settings, each by the name of one."""

    def __call__(self, settings: Mapping[str, str], *, writes: bool) -> tuple[str, ...]: ...


def _asked(
    name: str,
    wanted: Collection[Setting],
    problems_of: _Problems,
    environment: Mapping[str, str],
    *,
    writes: bool,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read what a part of the program wants to know, and say what is missing or wrong."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for setting in wanted:
        if setting.held_by == "writer" and not writes:
            continue
        variable = PREFIX + connectors.variable(name, setting).upper()
        try:
            found = _value(environment, variable)
        except _UnreadableError as unreadable:
            problems.append(str(unreadable))
            continue
        if found is None and setting.default is None:
            problems.append(f"{variable} is not set. {setting.description}")
        values[setting.name] = (found if found is not None else setting.default) or ""
    start = f"{PREFIX}{name}_".upper()
    for problem in problems_of(values, writes=writes):
        setting_name, rest = re.split(r"(?=[: ])", problem, maxsplit=1)
        problems.append(f"{start}{setting_name.upper()}{rest}")
    return values, tuple(problems)


def _not_set(name: str) -> str:
    return f"{PREFIX}{name.upper()} is not set. {Settings.model_fields[name].description}"


class _UnreadableError(Exception):
    """A variable names a file that cannot be read."""


def _value(environment: Mapping[str, str], variable: str) -> str | None:
    if variable in environment:
        return environment[variable]
    if f"{variable}_FILE" not in environment:
        return None
    path = Path(environment[f"{variable}_FILE"])
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise _UnreadableError(
            f"{variable}_FILE: {path} cannot be read ({error.strerror})."
        ) from error


def _values(environment: Mapping[str, str]) -> tuple[dict[str, object], tuple[str, ...]]:
    values: dict[str, object] = {}
    problems: list[str] = []
    for name in Settings.model_fields.keys() - ELSEWHERE:
        try:
            found = _value(environment, PREFIX + name.upper())
        except _UnreadableError as unreadable:
            problems.append(str(unreadable))
            continue
        if found is not None:
            values[name] = found
    return _parsed(values), tuple(problems)


def _parsed(values: dict[str, object]) -> dict[str, object]:
    for name in ("service_hosts", "roles"):
        listed = values.get(name)
        if isinstance(listed, str):
            values[name] = tuple(part.strip() for part in listed.split(",") if part.strip())
    return values


def _in_words(invalid: ValidationError) -> Iterator[str]:
    for error in invalid.errors():
        variable = PREFIX + str(error["loc"][0]).upper()
        if error["type"] == "missing":
            yield _not_set(str(error["loc"][0]))
        else:
            yield f"{variable}: {error['msg']}."
