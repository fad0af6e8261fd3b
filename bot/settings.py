"""The environment, read once into a frozen record; every problem is reported at once."""

import os
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from decisions.errors import CountersignError

PREFIX = "COUNTERSIGN_"


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
    app_secret: SecretStr = Field(description="The client secret of the bot's application.")
    webhook_secret: SecretStr = Field(
        min_length=16,
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
    bc_url: str = Field(
        "https://api.businesscentral.dynamics.com/v2.0",
        description="The Business Central service, or https://host:7048/instance on premises.",
    )
    bc_environment: str = Field(
        "Production", description="The Business Central environment; empty on premises."
    )
    bc_login_authority: str = Field(
        "https://login.microsoftonline.com",
        description="Where tokens for Business Central are asked for.",
    )
    bc_company: Guid = Field(description="The id of the Business Central company; never guessed.")
    bc_tenant_id: Guid = Field(description="The Entra tenant of Business Central.")
    bc_reader_id: Guid = Field(description="The application that may read Business Central.")
    bc_reader_secret: SecretStr = Field(description="The reader's client secret.")
    bc_writer_id: Guid = Field(description="The application that may write Business Central.")
    bc_writer_secret: SecretStr = Field(description="The writer's client secret.")
    quiet_period: timedelta = Field(
        timedelta(minutes=15),
        description="How long a write without an answer may still arrive in the ERP (ISO 8601).",
    )
    workers: int = Field(8, ge=1, le=64, description="How many jobs run at once.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="How much is logged."
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


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings; a variable that ends in _FILE names a file that holds the value.

    Raises:
        SettingsError: something is missing or unreadable; lists every problem.
    """
    values, problems = _values(environment)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as invalid:
        raise SettingsError((*problems, *_in_words(invalid))) from None
    if problems:
        raise SettingsError(problems)
    return settings


def settings_from_environment() -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: something is missing or unreadable; lists every problem.
    """
    return settings_from(os.environ)


def _values(environment: Mapping[str, str]) -> tuple[dict[str, object], tuple[str, ...]]:
    values: dict[str, object] = {}
    problems: list[str] = []
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if variable in environment:
            values[name] = environment[variable]
        elif f"{variable}_FILE" in environment:
            path = Path(environment[f"{variable}_FILE"])
            try:
                values[name] = path.read_text(encoding="utf-8").strip()
            except OSError as error:
                problems.append(f"{variable}_FILE: {path} cannot be read ({error.strerror}).")
    return _parsed(values), tuple(problems)


def _parsed(values: dict[str, object]) -> dict[str, object]:
    hosts = values.get("service_hosts")
    if isinstance(hosts, str):
        values["service_hosts"] = tuple(part.strip() for part in hosts.split(",") if part.strip())
    return values


def _in_words(invalid: ValidationError) -> Iterator[str]:
    for error in invalid.errors():
        variable = PREFIX + str(error["loc"][0]).upper()
        if error["type"] == "missing":
            described = Settings.model_fields[str(error["loc"][0])].description
            yield f"{variable} is not set. {described}"
        else:
            yield f"{variable}: {error['msg']}."
