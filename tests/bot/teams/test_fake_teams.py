"""The stand-in for Teams is tested too: the stories believe what it shows."""

from datetime import timedelta

import pytest

from bot.teams.connector import TeamsPoster
from bot.teams.credentials import NoCredentials
from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import LoopbackOnly
from tests.bot.teams.recorder import RecordingWorkflow
from tests.build import ANA, BO, TENANT
from tests.fakes.activities import PURCHASING
from tests.fakes.teams import FakeTeams

ASKED = {
    "type": "AdaptiveCard",
    "body": [
        {"type": "TextBlock", "text": "Bearings run out"},
        {
            "type": "ActionSet",
            "actions": [
                {
                    "type": "Action.Execute",
                    "title": "Override",
                    "verb": "override",
                    "data": {"rec": "R-1"},
                }
            ],
        },
    ],
}
FORM = {
    "type": "AdaptiveCard",
    "actions": [{"type": "Action.Execute", "title": "Send", "verb": "confirm", "data": {"r": 1}}],
}


@pytest.fixture
def workflow():
    return RecordingWorkflow(answer=FORM)


@pytest.fixture
async def teams(workflow, serve):
    async with FakeTeams() as teams:
        gate = LoopbackOnly(
            listening_on="127.0.0.1", tenants=[TENANT], service_urls=ServiceUrls.of(teams.origin)
        )
        teams.bot_url = await serve(gate, workflow)
        yield teams


@pytest.fixture
async def poster(teams, session, clock):
    return TeamsPoster(
        session=session,
        credentials=NoCredentials(),
        service_urls=ServiceUrls.of(teams.origin),
        now=clock,
        patience=timedelta(seconds=1),
    )


async def test_a_person_presses_a_button_and_then_one_of_the_answer(teams, poster, workflow):
    await poster.post(teams.channel(), ASKED, summary="x")
    message = await teams.wait_for(lambda: teams.find("Bearings"))

    reply = await teams.press(ANA, message, "Override")
    await teams.press(ANA, message, "Send", reason="late")

    assert reply.card == FORM
    assert [(one.verb, one.data) for one in workflow.clicks] == [
        ("override", {"rec": "R-1"}),
        ("confirm", {"r": 1, "reason": "late"}),
    ]


async def test_the_answer_to_a_click_is_seen_by_one_person_until_the_message_is_edited(
    teams, poster
):
    posting = await poster.post(teams.channel(), ASKED, summary="x")
    message = teams.last()

    await teams.press(ANA, message, "override")
    before = (message.seen_by(ANA), message.seen_by(BO))
    await poster.update(posting, ASKED, summary="x")

    assert before == (FORM, ASKED)
    assert message.seen_by(ANA) == ASKED


async def test_a_button_that_is_not_there_cannot_be_pressed(teams, poster):
    await poster.post(teams.channel(), ASKED, summary="x")

    with pytest.raises(AssertionError, match="No button 'Approve'; there are \\['Override'\\]"):
        await teams.press(ANA, teams.last(), "Approve")


async def test_waiting_in_vain_tells_what_stands_on_the_screens(teams, poster):
    await poster.post(teams.channel(), ASKED, summary="x")

    with pytest.raises(AssertionError, match="Bearings run out"):
        await teams.wait_for(lambda: False, within=0.05)


async def test_the_bot_is_added_and_taken_away(teams, workflow):
    await teams.install(ANA)
    await teams.uninstall(ANA)

    assert [(one[0], getattr(one[1], "id", one[1])) for one in workflow.events][:3] == [
        ("installed", PURCHASING),
        ("installed", PURCHASING),
        ("removed", PURCHASING),
    ]


async def test_a_slow_answer_is_late_and_comes(teams, poster):
    teams.fail_next(delay=0.1, method="POST")

    await poster.post(teams.channel(), ASKED, summary="x")

    assert teams.cards() == [ASKED]


async def test_what_teams_does_not_take_is_refused(teams, session):
    url = f"{teams.service_url}v3/conversations/a%3A1/activities"
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "content": ASKED}
    large = card | {"content": {"x": "x" * 60_000}}

    statuses = []
    for activity in (
        {"text": "hello", "attachments": [card]},
        {"attachments": []},
        {"attachments": [large]},
    ):
        async with session.post(url, json=activity) as response:
            statuses.append(response.status)

    assert statuses == [400, 400, 413]
