"""What an operator types, and what is answered."""

import asyncio
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner

from bot.cli.commands import cli, main
from bot.cli.signing import KeyThereError
from decisions.normalise import Problem
from decisions.signature import Keyring, SigningKey
from storage.sources import NoSuchKeyError
from storage.store import Store
from tests.bot.test_routing_file import GOOD as ROUTING
from tests.bot.test_settings import GOOD as SETTINGS
from tests.build import NOW, an_event
from tests.fakes.databases import fresh_sqlite


@pytest.fixture
def database(tmp_path):
    return fresh_sqlite(tmp_path)


@pytest.fixture
def run(tmp_path, database):
    (tmp_path / "routing.yaml").write_text(ROUTING, encoding="utf-8")
    environment = SETTINGS | {
        "COUNTERSIGN_DATABASE": database,
        "COUNTERSIGN_ROUTING_FILE": str(tmp_path / "routing.yaml"),
    }

    def command(*words):
        return CliRunner(env=environment).invoke(cli, words, catch_exceptions=False)

    return command


def in_a_turn(database, work):
    store = Store.open(database)
    result = asyncio.run(store.turn(work))
    store.close()
    return result


def test_a_pair_of_signing_keys_is_made_and_a_second_one_joins_the_public_list(run, tmp_path):
    public = tmp_path / "verify.pem"

    made = run("keys", "signing", "--private", tmp_path / "one.pem", "--public", public).output
    run("keys", "signing", "--private", tmp_path / "two.pem", "--public", public)

    pairs = [SigningKey.read((tmp_path / name).read_text()) for name in ("one.pem", "two.pem")]
    assert Keyring.read(public.read_text()).keys.keys() == {pair.id for pair in pairs}
    assert pairs[0].id in made
    assert stat.S_IMODE((tmp_path / "one.pem").stat().st_mode) == 0o600


def test_a_private_key_is_never_overwritten(run, tmp_path):
    private = tmp_path / "one.pem"
    private.write_text("the key that signed what still waits")

    with pytest.raises(KeyThereError, match="there already"):
        run("keys", "signing", "--private", private, "--public", tmp_path / "verify.pem")

    assert private.read_text() == "the key that signed what still waits"
    assert not (tmp_path / "verify.pem").exists()


def test_a_key_is_shown_once_listed_without_its_text_and_revoked(run):
    made = run("keys", "create", "--source", "acme", "--plant", "GDN").output
    text = re.search(r"cs_live_\S+", made)[0]
    name = re.search(r"Key (\S+) for acme", made)[1]

    listed = run("keys", "list").output
    revoked = run("keys", "revoke", name).output

    assert text not in listed
    assert name in listed
    assert "no longer opens anything" in revoked
    with pytest.raises(NoSuchKeyError):
        run("keys", "revoke", name)


def test_a_webhook_comes_with_the_secret_that_signs_it(run):
    made = run(
        "keys", "create", "--source", "a", "--plant", "GDN", "--webhook", "https://a.example/h"
    )

    assert "whsec_" in made.output


def test_an_untouched_chain_holds_and_a_tampered_one_is_named(run, database):
    in_a_turn(database, lambda unit: [unit.audit.append(an_event()) for _ in range(3)])
    good = run("audit", "verify")
    path = database.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for (trigger,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            file.execute(f"DROP TRIGGER {trigger}")
        file.execute("UPDATE audit SET kind = 'forged' WHERE seq = 2")
    bad = run("audit", "verify")

    assert (good.exit_code, good.output) == (0, "3 entries: the chain holds.\n")
    assert bad.exit_code == 1
    assert "entry 2: changed" in bad.output


def test_status_names_the_channel_that_the_bot_is_not_in(run, database):
    in_a_turn(
        database, lambda unit: unit.jobs.add("post", "post:X", {"id": "X"}, due_at=NOW, lane="x")
    )

    output = run("status").output

    assert "post" in output
    assert "The bot is not in 19:purchasing@thread.tacv2" in output


def test_what_is_in_quarantine_can_be_listed_shown_and_dropped(run, database):
    number = in_a_turn(
        database,
        lambda unit: unit.quarantine.add(
            source="acme",
            source_id="A-1",
            body='{"id": "A-1", "kind": "?"}',
            problems=(Problem(path="/kind", what="is not known."),),
            received_at=NOW,
        ),
    )

    listed = run("quarantine", "list").output
    shown = run("quarantine", "show", str(number)).output
    retried = run("quarantine", "retry", str(number)).output
    dropped = run("quarantine", "drop", str(number)).output

    assert "acme" in listed
    assert '"kind": "?"' in shown
    assert "stays" in retried
    assert "put aside" in dropped


def test_a_routing_file_is_checked(run, tmp_path):
    assert "Good" in run("routing", "check", str(tmp_path / "routing.yaml")).output


def test_migrating_twice_does_no_harm(run):
    assert run("migrate").output == run("migrate").output


def test_what_is_missing_is_said_in_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["countersign", "status"])
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SystemExit) as stopped:
        main()

    assert stopped.value.code == 1
    assert "COUNTERSIGN_DATABASE is not set" in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "bot", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr

    for heavy in ("sqlalchemy", "botbuilder", "aiohttp", "msal", "pydantic"):
        assert f"| {heavy}\n" not in loaded.replace("|   ", "| ")
