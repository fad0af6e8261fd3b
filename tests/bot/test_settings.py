"""The environment is read once, and every problem is said at once."""

from datetime import timedelta

import pytest

from bot.settings import (
    PREFIX,
    ROLES,
    SECRETS,
    Settings,
    SettingsError,
    settings_from,
    settings_from_environment,
)

GUID = "0f2d7c64-5c0e-4a8e-9a53-1d3f5c8b7e10"
GOOD = {
    "COUNTERSIGN_DATABASE": "sqlite:///countersign.db",
    "COUNTERSIGN_ROUTING_FILE": "routing.yaml",
    "COUNTERSIGN_TENANT_ID": GUID.upper(),
    "COUNTERSIGN_APP_ID": GUID,
    "COUNTERSIGN_APP_SECRET": "s3cret-of-the-app",
    "COUNTERSIGN_SIGNING_KEY": "the-private-key",
    "COUNTERSIGN_WEBHOOK_SECRET": "0123456789abcdef",
    "COUNTERSIGN_BC_COMPANY": GUID,
    "COUNTERSIGN_BC_TENANT_ID": GUID,
    "COUNTERSIGN_BC_READER_ID": GUID,
    "COUNTERSIGN_BC_READER_SECRET": "r",
    "COUNTERSIGN_BC_WRITER_ID": GUID,
    "COUNTERSIGN_BC_WRITER_SECRET": "w",
}


def test_a_complete_environment_is_taken_with_its_defaults():
    settings = settings_from(GOOD)

    assert (settings.tenant_id, settings.host, settings.quiet_period) == (
        GUID,
        "127.0.0.1",
        timedelta(minutes=15),
    )


def test_all_that_is_missing_is_named_together():
    with pytest.raises(SettingsError) as caught:
        settings_from({})

    required = {
        PREFIX + name.upper()
        for name, field in Settings.model_fields.items()
        if field.is_required() or name in SECRETS
    }
    required |= {
        f"COUNTERSIGN_BC_{name}" for name in ("COMPANY", "TENANT_ID", "READER_ID", "READER_SECRET")
    } | {"COUNTERSIGN_BC_WRITER_ID", "COUNTERSIGN_BC_WRITER_SECRET"}
    assert {problem.split()[0] for problem in caught.value.problems} == required


def test_what_is_wrong_is_named_with_what_is_missing():
    broken = GOOD | {"COUNTERSIGN_TENANT_ID": "contoso", "COUNTERSIGN_PORT": "many"}
    del broken["COUNTERSIGN_APP_SECRET"]

    with pytest.raises(SettingsError) as caught:
        settings_from(broken)

    assert len(caught.value.problems) == 3


SECRET_NAMES = {name: PREFIX + name.upper() for name in SECRETS}


@pytest.mark.parametrize("role", ROLES)
def test_a_process_holds_the_secrets_of_its_own_role_and_no_others(role):
    settings = settings_from(GOOD | {"COUNTERSIGN_VERIFY_KEYS": "keys"}, roles=[role])

    held = {name for name in SECRETS if getattr(settings, name).get_secret_value()}
    assert held == {name for name, holders in SECRETS.items() if role in holders}
    assert settings.roles == (role,)


@pytest.mark.parametrize("role", ROLES)
def test_a_process_needs_the_secrets_of_its_own_role_and_no_others(role):
    bare = {name: value for name, value in GOOD.items() if name not in SECRET_NAMES.values()}

    with pytest.raises(SettingsError) as caught:
        settings_from(bare, roles=[role])

    needed = {SECRET_NAMES[name] for name, holders in SECRETS.items() if role in holders}
    if role == "writer":
        needed |= {"COUNTERSIGN_VERIFY_KEYS"}
    assert {problem.split()[0] for problem in caught.value.problems} == needed


def test_roles_may_stand_in_the_environment():
    settings = settings_from(GOOD | {"COUNTERSIGN_ROLES": "web, worker"})

    assert settings.roles == ("web", "worker")
    assert "writer_secret" not in settings.erp_settings


def test_only_the_writer_is_given_the_writers_secret():
    assert (
        settings_from(GOOD).erp_settings["writer_secret"] == GOOD["COUNTERSIGN_BC_WRITER_SECRET"]
    )
    for role in ("web", "worker"):
        assert "writer_secret" not in settings_from(GOOD, roles=[role]).erp_settings


def test_a_connector_that_nobody_brings_is_named_with_those_that_are_there():
    with pytest.raises(SettingsError, match=r"'oracle'; there are .*bc"):
        settings_from(GOOD | {"COUNTERSIGN_ERP": "oracle"})


def test_an_id_that_is_none_is_said_with_its_variable():
    with pytest.raises(SettingsError, match="COUNTERSIGN_BC_COMPANY: 'Contoso' is no GUID"):
        settings_from(GOOD | {"COUNTERSIGN_BC_COMPANY": "Contoso"})


def test_on_premises_a_user_and_a_key_stand_in_for_entra():
    bare = {name: value for name, value in GOOD.items() if "_BC_" not in name}
    keys = {
        "COUNTERSIGN_BC_COMPANY": GUID,
        "COUNTERSIGN_BC_ENVIRONMENT": "",
        "COUNTERSIGN_BC_READER_USER": "READER",
        "COUNTERSIGN_BC_READER_KEY": "key",
        "COUNTERSIGN_BC_WRITER_USER": "WRITER",
    }

    with pytest.raises(SettingsError, match="COUNTERSIGN_BC_WRITER_KEY is not set") as caught:
        settings_from(bare | keys)

    assert len(caught.value.problems) == 1
    assert settings_from(bare | keys | {"COUNTERSIGN_BC_WRITER_KEY": "key"}).erp == "bc"


def test_a_role_that_does_not_exist_is_refused():
    with pytest.raises(SettingsError, match="ROLES"):
        settings_from(GOOD | {"COUNTERSIGN_ROLES": "web,king"})


def test_a_webhook_secret_that_can_be_guessed_is_refused():
    with pytest.raises(SettingsError, match="at least 16"):
        settings_from(GOOD | {"COUNTERSIGN_WEBHOOK_SECRET": "short"})


def test_a_secret_may_come_from_a_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("from-a-file\n")
    filed = {name: value for name, value in GOOD.items() if name != "COUNTERSIGN_APP_SECRET"}

    settings = settings_from(filed | {"COUNTERSIGN_APP_SECRET_FILE": str(path)})

    assert settings.app_secret.get_secret_value() == "from-a-file"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    filed = {name: value for name, value in GOOD.items() if name != "COUNTERSIGN_APP_SECRET"}

    with pytest.raises(SettingsError, match="nowhere cannot be read"):
        settings_from(filed | {"COUNTERSIGN_APP_SECRET_FILE": str(tmp_path / "nowhere")})


def test_no_secret_is_shown_when_settings_are_printed():
    printed = repr(settings_from(GOOD | {"COUNTERSIGN_BC_WRITER_SECRET": "of-the-writer"}))

    assert "s3cret-of-the-app" not in printed
    assert "of-the-writer" not in printed


def test_hosts_are_separated_by_commas():
    settings = settings_from(GOOD | {"COUNTERSIGN_SERVICE_HOSTS": "a.example, b.example"})

    assert settings.service_hosts == ("a.example", "b.example")


def test_the_environment_of_the_process_is_read_in_the_same_way(monkeypatch):
    for name, value in (GOOD | {"COUNTERSIGN_SERVICE_HOSTS": "a.example, b.example"}).items():
        monkeypatch.setenv(name, value)

    assert settings_from_environment().service_hosts == ("a.example", "b.example")


MAIL = {
    "COUNTERSIGN_MAIL_VIA": "smtp",
    "COUNTERSIGN_MAIL_FROM": "purchasing@plant.example",
    "COUNTERSIGN_MAIL_SMTP_HOST": "mail.plant.example",
    "COUNTERSIGN_MAIL_SMTP_USER": "countersign",
    "COUNTERSIGN_MAIL_SMTP_PASSWORD": "a-password",
}
GRAPH = {
    "COUNTERSIGN_MAIL_VIA": "graph",
    "COUNTERSIGN_MAIL_FROM": "purchasing@plant.example",
    "COUNTERSIGN_MAIL_GRAPH_TENANT_ID": GUID,
    "COUNTERSIGN_MAIL_GRAPH_APP_ID": GUID,
    "COUNTERSIGN_MAIL_GRAPH_APP_SECRET": "a-secret",
}


def test_no_mail_is_sent_unless_it_is_set_up():
    assert settings_from(GOOD).mail["via"] == ""


@pytest.mark.parametrize("mail", [MAIL, GRAPH])
def test_mail_that_is_set_up_is_taken(mail):
    assert settings_from(GOOD | mail).mail["from"] == "purchasing@plant.example"


@pytest.mark.parametrize("mail", [MAIL, GRAPH])
@pytest.mark.parametrize("role", ROLES)
def test_only_the_writer_can_log_in_to_send_mail(mail, role):
    settings = settings_from(GOOD | mail | {"COUNTERSIGN_VERIFY_KEYS": "keys"}, roles=[role])

    secrets = {"a-password", "a-secret"} & set(settings.mail.values())
    assert bool(secrets) == (role == "writer")
    assert "a-password" not in repr(settings)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"VIA": "pigeon"}, {"VIA"}),
        ({"FROM": "", "SMTP_HOST": ""}, {"FROM", "SMTP_HOST"}),
        ({"FROM": "a@b, c@d", "REPLY_TO": "x\nBcc: y"}, {"FROM", "REPLY_TO"}),
        ({"SMTP_PORT": "many", "SMTP_SECURITY": "maybe"}, {"SMTP_PORT", "SMTP_SECURITY"}),
        ({"SMTP_SECURITY": "none"}, {"SMTP_SECURITY"}),
        ({"SMTP_PASSWORD": ""}, {"SMTP_PASSWORD"}),
        ({"SMTP_USER": ""}, {"SMTP_USER"}),
        (
            {"VIA": "graph"},
            {"GRAPH_TENANT_ID", "GRAPH_APP_ID", "GRAPH_APP_SECRET"},
        ),
        (
            {"VIA": "graph", "GRAPH_TENANT_ID": "contoso", "GRAPH_APP_ID": GUID}
            | {"GRAPH_APP_SECRET": "s", "GRAPH_URL": "http://elsewhere"},
            {"GRAPH_TENANT_ID", "GRAPH_URL"},
        ),
    ],
)
def test_every_problem_with_mail_is_named_at_once(changes, named):
    wrong = {f"COUNTERSIGN_MAIL_{name}": value for name, value in changes.items()}

    with pytest.raises(SettingsError) as caught:
        settings_from(GOOD | MAIL | wrong)

    found = {problem.split()[0].rstrip(":") for problem in caught.value.problems}
    assert found == {f"COUNTERSIGN_MAIL_{name}" for name in named}


def test_a_mail_server_on_this_machine_may_do_without_encryption():
    local = {"COUNTERSIGN_MAIL_SMTP_HOST": "127.0.0.1", "COUNTERSIGN_MAIL_SMTP_SECURITY": "none"}

    assert settings_from(GOOD | MAIL | local).mail["smtp_security"] == "none"
