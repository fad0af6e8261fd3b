"""What the program is offered, and that nothing is ever written."""

import aiohttp
import pytest

from erp.ports import CannotTell, Found, NotPlannableError, Refused, Surroundings
from erp.sage_x3.client import ConnectedApp
from erp.sage_x3.connector import CONNECTOR
from tests.build import NOW, a_plan
from tests.erp.sage_x3.folder import CLIENT_ID, FOLDER, USER, WORD, Folder


@pytest.fixture
async def around():
    folder = Folder(now=lambda: NOW)
    await folder.start()
    async with aiohttp.ClientSession() as session:
        yield Surroundings(
            settings={
                "url": folder.url,
                "folder": FOLDER,
                "user": USER,
                "client_id": CLIENT_ID,
                "client_secret": WORD,
            },
            session=session,
            now=lambda: NOW,
            read_within=10.0,
        )
    await folder.stop()


async def test_what_is_built_from_the_settings_reads(around):
    snapshot = await CONNECTOR.reader(around).snapshot({"items"})

    assert len(snapshot.items) == 1
    assert CONNECTOR.company(around.settings) == FOLDER


async def test_its_writer_refuses_everything(around):
    writer = CONNECTOR.writer(around)
    plan = a_plan(connector="sage_x3", company=FOLDER)

    assert isinstance(await writer.probe(plan), CannotTell)
    assert isinstance(await writer.apply(plan, before=NOW), Refused)
    with pytest.raises(NotPlannableError):
        await writer.verify(plan, Found(document="1", document_id="1"))


def test_every_setting_is_described_and_the_secret_is_one():
    assert all(one.description for one in CONNECTOR.settings)
    assert [one.name for one in CONNECTOR.settings if one.secret] == ["client_secret"]


@pytest.mark.parametrize(
    ("url", "problems"),
    [
        ("https://x3.example:8124/xtrem/api", 0),
        ("http://127.0.0.1:8124/xtrem/api", 0),
        ("http://x3.example:8124/xtrem/api", 1),
    ],
)
def test_a_token_goes_over_tls_only(url, problems):
    assert len(CONNECTOR.problems({"url": url}, writes=False)) == problems


def test_a_secret_is_in_no_text_of_the_application():
    app = ConnectedApp(
        url="https://x3.example", folder=FOLDER, client_id="1", client_secret=WORD, user=USER
    )

    assert WORD not in repr(app)
