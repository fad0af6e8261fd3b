"""The compose file starts what docs/scaling.md says, and gives each part its own secrets."""

from pathlib import Path

import pytest
import yaml

from bot.settings import PREFIX, ROLES, SECRETS, Settings, settings_from
from erp import connectors

HERE = Path(__file__).parents[1] / "deploy"
COMPOSE = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OF_CONNECTORS = {
    PREFIX + connectors.variable(name, setting).upper(): setting
    for name in connectors.names()
    for setting in connectors.named(name).settings
}
GUID = "0f2d7c64-5c0e-4a8e-9a53-1d3f5c8b7e10"


def role_of(service):
    command = service.get("command", [])
    return command[command.index("--role") + 1] if "--role" in command else None


BY_ROLE = {role: [one for one in SERVICES.values() if role_of(one) == role] for role in ROLES}


def filled(environment, folder):
    """Return the environment as the container would see it, with each secret in its file."""
    values = {}
    for name, value in environment.items():
        if name.endswith("_FILE") and name != "COUNTERSIGN_ROUTING_FILE":
            path = folder / Path(value).name
            path.write_text(f"sqlite:///{path}" if path.name == "database" else "x" * 20)
            values[name] = str(path)
        else:
            values[name] = GUID if value.startswith("${") else value
    return values


def test_there_are_three_web_two_workers_and_one_writer():
    assert {role: len(services) for role, services in BY_ROLE.items()} == {
        "web": 3,
        "worker": 2,
        "writer": 1,
    }


@pytest.mark.parametrize("role", ROLES)
def test_each_role_starts_with_what_it_is_given(role, tmp_path):
    for service in BY_ROLE[role]:
        settings = settings_from(filled(service["environment"], tmp_path), roles=[role])

        assert settings.roles == (role,)


@pytest.mark.parametrize("role", ROLES)
def test_no_role_is_given_a_secret_of_another(role):
    foreign = {
        f"{PREFIX}{name.upper()}_FILE" for name, holders in SECRETS.items() if role not in holders
    }
    foreign |= {
        f"{variable}_FILE"
        for variable, setting in OF_CONNECTORS.items()
        if setting.secret and setting.held_by == "writer" and role != "writer"
    }

    for service in BY_ROLE[role]:
        assert foreign.isdisjoint(service["environment"])
        named = {Path(value).name for value in service["environment"].values() if "/run/" in value}
        assert set(service["secrets"]) == named


def test_every_variable_is_a_setting():
    known = {PREFIX + name.upper() for name in Settings.model_fields} | set(OF_CONNECTORS)

    named = {
        name.removesuffix("_FILE") if name != "COUNTERSIGN_ROUTING_FILE" else name
        for service in SERVICES.values()
        for name in service.get("environment", {})
        if name.startswith(PREFIX)
    }

    assert named <= known


def test_only_the_proxy_is_reached_from_outside_and_only_web_from_the_proxy():
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["proxy"]
    front = {name for name, one in SERVICES.items() if "front" in one["networks"]}
    assert front == {"proxy", "web-1", "web-2", "web-3"}


def test_the_proxy_knows_every_web_process_and_lets_nobody_at_the_operators_pages():
    text = (HERE / "nginx.conf").read_text(encoding="utf-8")

    named = {name for name in SERVICES if f"server {name}:3978;" in text}
    assert named == {name for name, one in SERVICES.items() if role_of(one) == "web"}
    assert "/api/" in text
    assert "metrics" not in text
