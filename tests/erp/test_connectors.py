"""Connectors are found by what packages say of themselves."""

import sys

import aiohttp
import pytest

from bot.settings import settings_from
from erp import connectors
from erp.connectors import UnknownConnectorError, for_reading, named, names
from erp.once import ConnectionLostError, once
from tests.bot.test_settings import GOOD
from tests.erp.business_central.scripted import Says, scripted

STRANGERS = """
from erp.business_central.connector import CONNECTOR as ANOTHER
from erp.ports import Setting


class Strange:
    settings = (Setting(name="place", description="Where it is."),)

    def problems(self, settings, *, writes):
        return ()

    def company(self, settings):
        return settings["place"]

    reader = writer = ANOTHER.reader


CONNECTOR = Strange()
"""


@pytest.fixture
def strangers_package(tmp_path, monkeypatch):
    """Install a package of somebody else, as pip leaves it."""
    (tmp_path / "strange_erp.py").write_text(STRANGERS)
    info = tmp_path / "strange_erp-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strange-erp\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[countersign.connectors]\nstrange = strange_erp:CONNECTOR\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("strange_erp", None)


@pytest.mark.usefixtures("strangers_package")
def test_a_package_of_somebody_else_plugs_in():
    settings = settings_from(
        GOOD | {"COUNTERSIGN_ERP": "strange", "COUNTERSIGN_STRANGE_PLACE": "cellar"}
    )

    assert "strange" in names()
    assert named("strange").company(settings.erp_settings) == "cellar"


@pytest.mark.usefixtures("strangers_package")
def test_what_a_package_of_somebody_else_wants_to_know_is_asked_for():
    with pytest.raises(Exception, match=r"COUNTERSIGN_STRANGE_PLACE is not set\. Where it is."):
        settings_from(GOOD | {"COUNTERSIGN_ERP": "strange"})


def test_a_name_that_nobody_brings_is_said_with_those_that_are_there():
    with pytest.raises(UnknownConnectorError, match=r"'r3'; there are .*bc"):
        named("r3")


@pytest.mark.parametrize("name", names())
def test_every_connector_keeps_its_writers_secrets_to_the_writer(name):
    connector = named(name)
    writers = [one for one in connector.settings if "writer" in one.name]
    secrets = {one.name for one in writers if one.secret}

    known = for_reading(connector, {one.name: "x" for one in connector.settings})

    assert bool(secrets) == bool(writers)  # one that only reads has neither
    assert secrets & set(known) == set()
    assert [one.description for one in connector.settings if not one.description] == []


@pytest.mark.parametrize("name", names())
def test_no_two_settings_share_a_variable(name):
    variables = [connectors.variable(name, one) for one in named(name).settings]

    assert len(set(variables)) == len(variables)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST", "PATCH", "GET"])
async def test_a_request_that_writes_leaves_once_even_when_the_connection_is_lost(method):
    async def lost(request):
        request.transport.abort()
        return Says().clone()

    async with scripted(lost) as erp, aiohttp.ClientSession() as session:
        with pytest.raises(ConnectionLostError) as caught:
            await session.request(method, erp.url, middlewares=(once,))

    assert len(erp.asked) == 1
    assert not caught.value.before_sending


async def test_where_nobody_listens_nothing_was_sent():
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConnectionLostError) as caught:
            await session.delete("http://127.0.0.1:9", middlewares=(once,))

    assert caught.value.before_sending
