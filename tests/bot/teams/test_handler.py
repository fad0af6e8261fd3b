import pytest

from decisions.errors import CountersignError
from tests.bot.teams.recorder import ANSWER, CURRENT
from tests.build import ANA, OTHER_TENANT
from tests.fakes.activities import PURCHASING, TEAM

MESSAGE = "application/vnd.microsoft.activity.message"
CARD = "application/vnd.microsoft.card.adaptive"


async def test_the_reply_to_a_click_is_the_exact_body_that_teams_wants(teams):
    reply = await teams.click(ANA, "1", "approve")

    assert reply.status == 200
    assert reply.body == {"statusCode": 200, "type": CARD, "value": ANSWER}


@pytest.mark.parametrize("trigger", ["automatic", "Manual", "something new"])
async def test_only_a_person_decides(trigger, teams, workflow):
    reply = await teams.click(ANA, "1", "approve", trigger=trigger)

    assert reply.card == CURRENT
    assert (len(workflow.clicks), len(workflow.looks)) == (0, 1)


async def test_a_click_of_the_playground_without_a_trigger_is_a_persons(teams, workflow):
    reply = await teams.click(ANA, "1", "approve", trigger=None)

    assert reply.card == ANSWER
    assert len(workflow.clicks) == 1


async def test_an_unreadable_click_is_answered_with_a_sentence(teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve")
    del activity["from"]["aadObjectId"]

    reply = await teams.tell(activity)

    assert reply.message == (
        "This click could not be read: who clicked is missing. Nothing was decided. "
        "Open the card again and click there."
    )
    assert workflow.heard_nothing


async def test_a_refusal_of_the_workflow_is_answered_in_its_own_words(teams, workflow):
    workflow.trouble = CountersignError("This decision belongs to Bo.")

    reply = await teams.click(ANA, "1", "approve")

    assert reply.message == "This decision belongs to Bo."


async def test_a_crash_is_a_kind_answer_and_never_a_reason_to_send_again(teams, workflow, caplog):
    workflow.trouble = ZeroDivisionError("secret detail")

    reply = await teams.click(ANA, "1", "approve")

    reference = caplog.records[-1].correlation_id
    assert reply.message == (
        "Sorry, that did not work. Nothing was decided unless the card says so: look at it, "
        "then click again. The same click never counts twice. "
        f"If it keeps happening, tell your administrator reference {reference}."
    )
    assert "secret detail" in caplog.text


async def test_a_dialog_that_we_do_not_have_is_answered_in_a_dialog(teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve") | {"name": "task/fetch"}

    reply = await teams.tell(activity)

    assert (reply.status, list(reply.body)) == (200, ["task"])
    assert reply.body["task"]["type"] == "message"
    assert workflow.heard_nothing


@pytest.mark.parametrize(
    "name",
    ["composeExtension/query", "signin/verifyState", "something/new", "", None, 7, {"odd": 1}],
)
async def test_an_invoke_that_is_not_ours_gets_a_sentence(name, teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve") | {"name": name}

    reply = await teams.tell(activity)

    assert (reply.status, reply.body["type"]) == (200, MESSAGE)
    assert workflow.heard_nothing


async def test_an_invoke_that_botbuilder_cannot_read_gets_a_sentence_too(teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "x") | {"name": "odd", "from": "Ana"}

    reply = await teams.tell(activity)

    assert (reply.status, reply.body["type"]) == (200, MESSAGE)
    assert workflow.heard_nothing


async def test_a_mention_reaches_the_workflow(teams, workflow):
    reply = await teams.message(ANA, "why R-1")

    assert (reply.status, reply.body) == (201, "")
    assert [(one.person, one.text) for one in workflow.commands] == [(ANA.id, "why R-1")]


async def test_a_message_that_no_person_sent_is_left_alone(teams, workflow):
    activity = teams.activities.message(ANA, "help", PURCHASING, "1")
    del activity["from"]["aadObjectId"]

    reply = await teams.tell(activity)

    assert reply.status == 201
    assert workflow.heard_nothing


async def test_an_installation_is_told_twice_with_the_same_channel(teams, workflow):
    await teams.install(ANA)

    assert workflow.events == [("installed", teams.channel())] * 2


async def test_a_removal_names_the_channel_and_its_team(teams, workflow):
    _, removal = teams.activities.installation(ANA, PURCHASING, "remove")

    await teams.tell(removal)

    assert workflow.events == [
        ("removed", PURCHASING, teams.tenant),
        ("removed", TEAM, teams.tenant),
    ]


async def test_an_upgrade_of_the_app_removes_nothing(teams, workflow):
    _, removal = teams.activities.installation(ANA, PURCHASING, "remove-upgrade")

    reply = await teams.tell(removal)

    assert reply.status == 201
    assert workflow.heard_nothing


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("channelCreated", "installed"),
        ("channelRenamed", "installed"),
        ("channelRestored", "installed"),
        ("channelDeleted", "removed"),
        ("teamRenamed", None),
        ("teamMemberAdded", None),
        (7, None),
    ],
)
async def test_channels_come_and_go(event, told, teams, workflow):
    update = teams.activities.installation(ANA, PURCHASING, "add")[0]
    update["membersAdded"] = []
    update["channelData"]["eventType"] = event

    reply = await teams.tell(update)

    assert reply.status == 201
    assert [one[0] for one in workflow.events][:1] == ([told] if told else [])


@pytest.mark.parametrize("action", ["add", "remove"])
async def test_an_event_without_a_bot_is_left_alone(action, teams, workflow):
    _, event = teams.activities.installation(ANA, PURCHASING, action)

    reply = await teams.tell(event | {"recipient": None})

    assert reply.status == 201
    assert workflow.heard_nothing


@pytest.mark.parametrize("kind", ["typing", "messageReaction", "endOfConversation", "new"])
async def test_what_is_of_no_use_is_taken_in_silence(kind, teams, workflow):
    reply = await teams.tell(teams.activities.message(ANA, "x", PURCHASING, "1") | {"type": kind})

    assert (reply.status, reply.body) == (201, "")
    assert workflow.heard_nothing


async def test_an_installation_in_a_foreign_tenant_is_refused(teams, workflow):
    teams.tenant = OTHER_TENANT

    replies = await teams.install(ANA)

    assert [reply.status for reply in replies] == [401, 401]
    assert workflow.heard_nothing
