"""A mail to a vendor from a mailbox in Microsoft 365, whose sent items can be searched."""

import pytest

from decisions.lifecycle import State
from tests.build import TENANT
from tests.fakes.graph import FakeGraph
from tests.stories.test_chaser import FROM, approved, stands
from tests.stories.world import World


@pytest.fixture
async def graph():
    async with FakeGraph(FROM, app_id="d0000000-0000-4000-8000-00000000a11e") as made:
        yield made


@pytest.fixture
async def online(database, tmp_path, graph):
    made = World(database, tmp_path)
    made.more = {
        "MAIL_VIA": "graph",
        "MAIL_FROM": FROM,
        "MAIL_GRAPH_TENANT_ID": TENANT,
        "MAIL_GRAPH_APP_ID": graph.app_id,
        "MAIL_GRAPH_APP_SECRET": graph.secret,
        "MAIL_GRAPH_URL": graph.url,
        "MAIL_GRAPH_LOGIN_AUTHORITY": graph.url,
    }
    async with made:
        yield made


async def test_a_mailbox_in_microsoft_365_sends_once_and_reads_back(online, graph):
    message = await approved(online)
    await online.teams.wait_for(lambda: "Sent to" in message.text, within=20)
    await online.settled()

    assert len(graph.sent) == 1
    assert "All 4 fields read back as approved." in message.text


async def test_a_lost_answer_of_microsoft_365_is_found_in_the_sent_items(online, graph):
    graph.lose_answer = True
    message = await approved(online)
    await online.teams.wait_for(lambda: "Sent to" in message.text, within=20)
    await online.settled()

    assert len(graph.sent) == len(graph.posts()) == 1
    assert (await online.story(online.id)).count("unknown") == 1


async def test_a_mail_that_microsoft_365_never_took_is_known_not_to_be_sent(online, graph):
    graph.answers.append((503, {}))
    message = await approved(online)
    await stands(online, lambda one: one.state is State.NOT_WRITTEN)
    await online.settled()

    assert "Nothing was sent" in message.text
    assert graph.sent == []
