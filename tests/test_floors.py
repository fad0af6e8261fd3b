"""The walls between the modules stand: whatever reaches for the gate fails in CI."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
PACKAGES = ("bot", "cards", "decisions", "erp", "storage")

REACHING = {
    "the write gate": ("bot/workflow/sneaky.py", "from erp.gate import WriteGate\n"),
    "the write gate, from a surface": ("bot/http/sneaky.py", "import erp.gate\n"),
    "the write gate, from a job": ("bot/jobs.py", "import erp.gate\n"),
    "the write gate, from a connector": (
        "erp/business_central/sneaky.py",
        "from erp.gate import WriteGate\n",
    ),
    "a connector that writes": (
        "bot/workflow/sneaky.py",
        "from erp.business_central.writer import BusinessCentralWriter\n",
    ),
    "a connector that writes, from a card": (
        "cards/sneaky.py",
        "from erp.business_central import writer\n",
    ),
    "mail that is sent, from the workflow": (
        "bot/workflow/sneaky.py",
        "from erp.mail.writer import mailing_writer\n",
    ),
    "a mail server, past the gate": (
        "bot/http/sneaky.py",
        "from erp.mail.smtp import SmtpPort\n",
    ),
    "Microsoft Graph, from a card": ("cards/sneaky.py", "from erp.mail import graph\n"),
    "the key that signs": (
        "erp/business_central/sneaky.py",
        "from decisions.signature import SigningKey\n",
    ),
}


def kept(folder):
    """Run the import contracts as CI does; return whether they hold, and what they say."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(  # noqa: S603  our own tool on our own files
        [command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout


@pytest.fixture
def copy(tmp_path):
    """A copy of the program that may be spoilt."""
    for package in PACKAGES:
        shutil.copytree(HERE / package, tmp_path / package)
    shutil.copy(HERE / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold_for_the_program_as_it_is(copy):
    holds, said = kept(copy)

    assert holds, said


@pytest.mark.parametrize("what", REACHING)
def test_a_module_that_reaches_for(copy, what):
    path, code = REACHING[what]
    file = copy / path
    file.write_text(code + (file.read_text() if file.exists() else ""))

    holds, said = kept(copy)

    assert not holds
    assert "BROKEN" in said


@pytest.mark.parametrize(
    "code",
    [
        "import importlib\n\nimportlib.import_module('erp.gate')\n",
        "from importlib import import_module\n\nimport_module('erp.gate')\n",
    ],
)
def test_an_import_that_is_hidden_from_the_contracts_does_not_pass_the_linter(copy, code):
    file = copy / "bot" / "workflow" / "sneaky.py"
    file.write_text(f'"""Sneaky."""\n\n{code}')
    ruff = Path(sys.executable).with_name("ruff")

    done = subprocess.run(  # noqa: S603  our own tool on our own files
        [ruff, "check", "--no-cache", "--output-format", "concise", file],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "TID251" in done.stdout


def test_nothing_that_runs_looks_modules_up_by_other_ways():
    hidden = ("__import__", "sys.modules", "get_objects", "import_module", "spec_from")
    found = [
        (path, word)
        for package in PACKAGES
        for path in (HERE / package).rglob("*.py")
        for word in hidden
        if word in path.read_text()
    ]

    assert found == []
