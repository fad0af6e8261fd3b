"""What the program is offered."""

import aiohttp
import pytest

from erp.ports import Applied, Surroundings
from erp.sap_business_one.connector import CONNECTOR
from tests.build import NOW, an_order_action
from tests.erp.sap_business_one.test_writer import MARKER, SOON


@pytest.fixture
async def around(bench):
    async with aiohttp.ClientSession() as session:
        yield Surroundings(
            settings={
                "url": bench.erp.base_url,
                "company_db": "SBODEMODE",
                "reader_user": "reader",
                "reader_password": bench.erp.users["reader"],
                "writer_user": "writer",
                "writer_password": bench.erp.users["writer"],
            },
            session=session,
            now=lambda: NOW,
            read_within=10.0,
        )


async def test_what_is_built_from_the_settings_reads_and_writes_each_by_its_own_log_in(
    bench, around
):
    plan = await CONNECTOR.reader(around).plan(an_order_action(), marker=MARKER)
    outcome = await CONNECTOR.writer(around).apply(plan, before=SOON)

    assert plan.company == CONNECTOR.company(around.settings)
    assert isinstance(outcome, Applied)
    assert {one["user"] for one in bench.erp.log if one["method"] == "GET"} == {"reader"}
    assert {one["user"] for one in bench.writes()} == {"writer"}


def test_the_secrets_of_the_writer_are_held_by_the_writer():
    writers = {one.name for one in CONNECTOR.settings if one.held_by == "writer"}

    assert writers == {"writer_password"}
    assert {one.name for one in CONNECTOR.settings if one.secret} == {
        "reader_password",
        "writer_password",
    }


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"url": "http://b1.example:50000"}, "https only"),
        ({"url": "https://b1.example:50000/b1s/v2"}, "without the path"),
        ({"writer_user": "reader"}, "another user than reader_user"),
    ],
)
def test_settings_that_cannot_be_are_named(changed, why):
    good = {"url": "https://b1.example:50000", "reader_user": "reader", "writer_user": "writer"}

    (problem,) = CONNECTOR.problems(good | changed, writes=True)

    assert CONNECTOR.problems(good, writes=True) == ()
    assert why in problem
    assert problem.split(":")[0] in changed
