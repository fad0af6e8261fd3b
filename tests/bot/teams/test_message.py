import pytest

from bot.teams.message import (
    UnreadableActivityError,
    channels_left,
    is_about_the_bot,
    read_channel,
    read_message,
)
from bot.workflow.message import Message
from decisions.people import Channel
from tests.build import ANA, TENANT
from tests.fakes.activities import PURCHASING, TEAM, Activities

SERVICE_URL = "https://smba.trafficmanager.net/emea/"
ACTIVITIES = Activities(service_url=SERVICE_URL, tenant=TENANT, bot_id="28:bot")
CHANNEL = Channel(
    id=PURCHASING, tenant=TENANT, service_url=SERVICE_URL, name="Purchasing", bot_id="28:bot"
)


def written(text="help", channel=PURCHASING, **overrides):
    return ACTIVITIES.message(ANA, text, channel, "1795215624308") | overrides


def test_a_mention_in_a_channel_is_read():
    assert read_message(written("why  R-1")) == Message(
        person=ANA.id,
        person_name="Ana Ruiz",
        tenant=TENANT,
        text="why R-1",
        channel=CHANNEL,
        conversation_id=f"{PURCHASING};messageid=1795215624308",
        activity_id="1795215624308",
        service_url=SERVICE_URL,
        locale="en-US",
    )


def test_a_personal_message_is_read():
    message = read_message(written("open", channel="a:1personal"))

    assert (message.text, message.channel.id) == ("open", "a:1personal")


def test_a_bot_whose_name_is_a_pattern_is_taken_out_of_the_text():
    called = "<at>Plant (C++) [7</at>"
    mention = {"type": "mention", "text": called, "mentioned": {"id": "28:bot"}}

    message = read_message(written() | {"text": f"{called}&nbsp;help", "entities": [mention]})

    assert message.text == "help"


def test_another_mentioned_person_stays_in_the_text():
    mention = {"type": "mention", "text": "<at>Bo</at>", "mentioned": {"id": "29:bo"}}

    message = read_message(
        written() | {"text": "hand to <at>Bo</at>", "entities": [mention, "odd", {}]}
    )

    assert message.text == "hand to <at>Bo</at>"


@pytest.mark.parametrize("text", [None, 7, "", "\0"])
def test_a_message_without_text_is_read_as_empty(text):
    message = read_message(written() | {"text": text, "entities": None})

    assert message.text == ""


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("from", "the person"),
        ("conversation", "the conversation"),
        ("recipient", "the bot"),
        ("id", "the id"),
        ("serviceUrl", "the service URL"),
    ],
)
def test_what_a_message_lacks_is_named(field, what):
    with pytest.raises(UnreadableActivityError) as unreadable:
        read_message(written() | {field: None})

    assert unreadable.value.what == what


def test_an_installation_names_the_channel_that_was_picked():
    _, installation = ACTIVITIES.installation(ANA, PURCHASING, "add")

    assert read_channel(installation) == CHANNEL


def test_an_installation_without_a_picked_channel_is_in_general():
    update, _ = ACTIVITIES.installation(ANA, PURCHASING, "add")
    update["channelData"] = {
        "tenant": {"id": TENANT},
        "team": {"id": TEAM, "name": "Plant 7"},
    }
    update["conversation"] = {"id": TEAM, "tenantId": TENANT, "conversationType": "channel"}

    channel = read_channel(update)

    assert (channel.id, channel.name) == (TEAM, "Plant 7")


def test_a_personal_installation_is_the_chat():
    installation = ACTIVITIES.installation(ANA, "a:1personal", "add")[1]

    assert read_channel(installation).id == "a:1personal"


def test_leaving_a_team_leaves_its_general_channel_too():
    _, removal = ACTIVITIES.installation(ANA, PURCHASING, "remove")

    assert channels_left(removal) == (PURCHASING, TEAM)


def test_only_the_bot_itself_counts_as_added():
    update, _ = ACTIVITIES.installation(ANA, PURCHASING, "add")
    somebody = update | {"membersAdded": [{"id": "29:bo"}, "odd"]}

    found = [is_about_the_bot(one, "membersAdded") for one in (update, somebody, {})]

    assert found == [True, False, False]
