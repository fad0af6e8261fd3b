"""The page for those who write a connector is tried as they would: typed out, installed, used."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import settings_from
from erp import connectors
from erp.connectors import for_reading
from tests.bot.test_settings import GOOD

HERE = Path(__file__).parents[1]
PAGE = HERE / "docs" / "writing-a-connector.md"
MINE = {
    "COUNTERSIGN_ERP": "myerp",
    "COUNTERSIGN_MYERP_URL": "https://erp.example",
    "COUNTERSIGN_MYERP_COMPANY": "Nordwerk",
    "COUNTERSIGN_MYERP_READER_KEY": "r",
}


@pytest.fixture
def package(tmp_path):
    """Type the page's files out, as a package that pip installed."""
    text = PAGE.read_text(encoding="utf-8")
    for code in re.findall(r"```python\n(\"\"\"countersign_myerp/.*?)```", text, re.DOTALL):
        path = tmp_path / re.match(r'"""(\S+)"""', code)[1]
        path.parent.mkdir(exist_ok=True)
        path.write_text(code, encoding="utf-8")
    (tmp_path / "countersign_myerp" / "__init__.py").touch()
    entry = re.search(r'myerp = "(\S+)"', text)[1]
    info = tmp_path / "countersign_myerp-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: countersign-myerp\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[countersign.connectors]\nmyerp = {entry}\n")
    return tmp_path


def test_the_pages_connector_is_of_the_right_types(package):
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "countersign_myerp"],
        cwd=package,
        env={"MYPYPATH": str(HERE), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def installed(package, monkeypatch):
    """Put it where Python looks."""
    monkeypatch.syspath_prepend(str(package))
    yield
    for name in [name for name in sys.modules if name.startswith("countersign_myerp")]:
        del sys.modules[name]


@pytest.mark.usefixtures("installed")
def test_the_pages_connector_plugs_in_and_keeps_its_secret():
    settings = settings_from(GOOD | MINE | {"COUNTERSIGN_MYERP_WRITER_KEY": "w"})
    web = settings_from(GOOD | MINE | {"COUNTERSIGN_MYERP_WRITER_KEY": "w"}, roles=["web"])
    connector = connectors.named("myerp")

    assert settings.erp_settings["writer_key"] == "w"
    assert "writer_key" not in web.erp_settings
    assert "writer_key" not in for_reading(connector, settings.erp_settings)
    assert connector.company(settings.erp_settings) == "Nordwerk"


@pytest.mark.usefixtures("installed")
def test_what_the_pages_connector_misses_is_named_with_its_variable():
    with pytest.raises(Exception, match="COUNTERSIGN_MYERP_WRITER_KEY is not set"):
        settings_from(GOOD | MINE)
