from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.ports import (
    PosterBusyError,
    PosterRefusedError,
    PosterUnknownError,
    PostingGoneError,
)
from bot.teams.connector import TeamsPoster
from bot.teams.credentials import AppCredentials, NoCredentials
from bot.teams.service_urls import ServiceUrls
from decisions.people import Posting
from tests.build import CHANNEL, TENANT
from tests.fakes.activities import PURCHASING
from tests.fakes.entra import APP_ID
from tests.fakes.teams import FakeTeams

CARD = {"type": "AdaptiveCard", "version": "1.5", "fallbackText": "In words", "body": []}
OTHER = CARD | {"body": [{"type": "TextBlock", "text": "later"}]}
THREAD = f"{PURCHASING};messageid=1795215624308"


@pytest.fixture
async def teams(identity):
    async with FakeTeams(identity) as teams:
        yield teams


@pytest.fixture
async def poster(teams, identity, session, clock):
    credentials = AppCredentials(
        app_id=APP_ID,
        tenant_id=TENANT,
        secret="the secret",  # noqa: S106  the stand-in takes any
        now=clock,
        authority=identity.authority,
        trusted_ca=identity.ca_file,
    )
    yield TeamsPoster(
        session=session,
        credentials=credentials,
        service_urls=ServiceUrls.of(teams.origin),
        now=clock,
        patience=timedelta(seconds=0.5),
    )
    await credentials.close()


@pytest.fixture
async def posted(poster, teams):
    return await poster.post(teams.channel(), CARD, summary="Bearings run out")


async def test_a_card_starts_a_thread_in_its_channel(poster, teams):
    posting = await poster.post(teams.channel(), CARD, summary="Bearings run out")

    shown = teams.last()
    assert posting == Posting(
        channel=PURCHASING,
        service_url=teams.service_url,
        conversation_id=f"{PURCHASING};messageid={shown.activity_id}",
        activity_id=shown.activity_id,
    )
    assert (shown.card, shown.summaries, shown.alert) == (CARD, ["Bearings run out"], True)


async def test_a_new_post_has_the_documented_shape(poster, teams):
    await poster.post(teams.channel(), CARD, summary="Bearings run out")

    assert [(one.method, one.path) for one in teams.sent] == [("POST", "/teams/v3/conversations")]
    assert teams.sent[0].body == {
        "isGroup": True,
        "channelData": {"channel": {"id": PURCHASING}},
        "tenantId": TENANT,
        "bot": {"id": f"28:{APP_ID}"},
        "activity": {
            "type": "message",
            "summary": "Bearings run out",
            "attachments": [
                {"contentType": "application/vnd.microsoft.card.adaptive", "content": CARD}
            ],
            "from": {"id": f"28:{APP_ID}"},
            "channelData": {"notification": {"alert": True}},
        },
    }


async def test_a_card_in_a_chat_is_the_next_message(poster, teams):
    posting = await poster.post(teams.channel("19:chat@thread.v2"), CARD, summary="Hello")

    assert posting.conversation_id == "19:chat@thread.v2"
    assert teams.sent[0].path == "/teams/v3/conversations/19%3Achat%40thread.v2/activities"
    assert teams.last("19:chat@thread.v2").alert


async def test_a_card_is_repainted_for_everybody(poster, teams, posted):
    await poster.update(posted, OTHER, summary="Approved")

    shown = teams.last()
    assert (shown.history, shown.summaries) == ([CARD, OTHER], ["Bearings run out", "Approved"])
    assert teams.sent[1].path == (
        f"/teams/v3/conversations/19%3Apurchasing%40thread.tacv2%3Bmessageid%3D"
        f"{shown.activity_id}/activities/{shown.activity_id}"
    )


async def test_an_answer_stays_in_its_thread(poster, teams):
    posting = await poster.say(teams.channel(), THREAD, CARD)

    shown = teams.last()
    assert posting.conversation_id == shown.conversation_id == THREAD
    assert (shown.summaries, shown.alert) == (["In words"], False)


async def test_an_answer_without_words_is_still_announced(poster, teams):
    await poster.say(teams.channel(), THREAD, {"type": "AdaptiveCard"})

    assert teams.last().summaries == ["Countersign"]


async def test_a_card_made_of_read_only_mappings_is_sent(poster, teams):
    await poster.post(teams.channel(), MappingProxyType(CARD), summary="x")

    assert teams.cards() == [CARD]


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("0.5", timedelta(seconds=0.5)),
        ("Mon, 02 Mar 2026 09:01:30 GMT", timedelta(seconds=90)),
        ("Mon, 02 Mar 2026 08:00:00 GMT", timedelta(0)),
        ("86400", timedelta(hours=1)),
        ("-3", timedelta(0)),
        ("soon", timedelta(seconds=5)),
        ("nan", timedelta(seconds=5)),
        ("inf", timedelta(seconds=5)),
        (None, timedelta(seconds=5)),
    ],
)
async def test_teams_says_how_long_to_wait(retry_after, wait, poster, teams):
    teams.fail_next(429, retry_after=retry_after)

    with pytest.raises(PosterBusyError) as busy:
        await poster.post(teams.channel(), CARD, summary="x")

    assert busy.value.retry_after == wait
    assert teams.messages() == []


@pytest.mark.parametrize("status", [412, 429, 503])
async def test_some_answers_ask_to_come_back(status, poster, teams, posted):
    teams.fail_next(status, times=3)

    with pytest.raises(PosterBusyError):
        await poster.post(teams.channel(), CARD, summary="x")
    with pytest.raises(PosterBusyError):
        await poster.say(teams.channel(), THREAD, CARD)
    with pytest.raises(PosterBusyError):
        await poster.update(posted, OTHER, summary="x")


LOST = [
    {"status": 502, "after_doing": True},
    {"status": 504, "after_doing": True},
    {"hang": True},
    {"drop": True, "times": 2},
]


@pytest.mark.parametrize("fault", LOST, ids=str)
async def test_a_post_whose_answer_is_lost_may_stand_there(fault, poster, teams):
    teams.fail_next(**fault)

    with pytest.raises(PosterUnknownError, match="may be there"):
        await poster.post(teams.channel(), CARD, summary="x")


@pytest.mark.parametrize("fault", LOST, ids=str)
async def test_a_repaint_whose_answer_is_lost_is_simply_repeated(fault, poster, teams, posted):
    teams.fail_next(**fault)

    with pytest.raises(PosterBusyError):
        await poster.update(posted, OTHER, summary="x")
    await poster.update(posted, OTHER, summary="x")

    assert teams.last().card == OTHER


async def test_a_post_that_nobody_took_is_not_there(teams, session, clock):
    elsewhere = TeamsPoster(
        session=session,
        credentials=NoCredentials(),
        service_urls=ServiceUrls.of("http://127.0.0.1:9"),
        now=clock,
    )
    nobody = replace(teams.channel(), service_url="http://127.0.0.1:9/teams/")

    with pytest.raises(PosterBusyError):
        await elsewhere.post(nobody, CARD, summary="x")


async def test_a_message_of_ours_is_taken_away_once(poster, teams, posted):
    await poster.remove(posted)

    assert teams.messages() == []
    with pytest.raises(PostingGoneError):
        await poster.remove(posted)


async def test_a_removal_whose_answer_was_lost_may_be_repeated(poster, teams, posted):
    teams.fail_next(502)

    with pytest.raises(PosterBusyError):
        await poster.remove(posted)


async def test_a_deleted_message_is_gone(poster, teams, posted):
    teams.delete(teams.last())

    with pytest.raises(PostingGoneError):
        await poster.update(posted, OTHER, summary="x")


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "ServiceError"), (404, "ActivityNotFoundInConversation"), (404, "?"), (410, "Gone")],
)
async def test_other_ways_to_say_that_it_is_gone(status, code, poster, teams, posted):
    teams.fail_next(status, code=code)

    with pytest.raises(PostingGoneError):
        await poster.update(posted, OTHER, summary="x")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "BadSyntax"),
        (401, "BotNotRegistered"),
        (403, "BotDisabledByAdmin"),
        (404, "ConversationNotFound"),
        (413, "MessageSizeTooBig"),
        (500, "ServiceError"),
    ],
)
async def test_a_refusal_is_final_and_keeps_the_words_of_teams(
    status, code, poster, teams, posted
):
    teams.fail_next(status, code=code, times=2)

    with pytest.raises(PosterRefusedError, match=f"{code}, said the Bot Connector") as refused:
        await poster.post(teams.channel(), CARD, summary="x")
    with pytest.raises(PosterRefusedError):
        await poster.update(posted, OTHER, summary="x")

    assert refused.value.code == code


async def test_a_channel_that_the_bot_was_taken_out_of_refuses(poster, teams):
    teams.kick(PURCHASING)

    with pytest.raises(PosterRefusedError) as refused:
        await poster.post(teams.channel(), CARD, summary="x")

    assert refused.value.code == "BotNotInConversationRoster"


async def test_a_redirect_is_not_followed_with_our_token(poster, teams):
    teams.fail_next(302, code="Moved")

    with pytest.raises(PosterRefusedError):
        await poster.post(teams.channel(), CARD, summary="x")


async def test_a_token_that_was_revoked_is_replaced_for_the_next_request(poster, teams, identity):
    await poster.post(teams.channel(), CARD, summary="x")
    identity.revoke_tokens()

    with pytest.raises(PosterRefusedError):
        await poster.post(teams.channel(), CARD, summary="x")
    await poster.post(teams.channel(), CARD, summary="x")

    assert len(teams.messages()) == 2


async def test_without_a_token_the_message_waits(poster, teams, identity):
    identity.refusing = {"error": "invalid_client", "error_description": "expired"}

    with pytest.raises(PosterBusyError) as busy:
        await poster.post(teams.channel(), CARD, summary="x")

    assert busy.value.retry_after == timedelta(minutes=1)
    assert teams.sent == []


async def test_no_token_goes_to_a_foreign_address(poster, posted):
    foreign = replace(posted, service_url="https://smba.trafficmanager.net.evil.example/")

    with pytest.raises(PosterRefusedError, match="not a Bot Connector"):
        await poster.update(foreign, OTHER, summary="x")


async def test_an_id_cannot_lead_elsewhere(poster, teams, posted):
    sly = replace(posted, conversation_id="../../admin?x=", activity_id="#/../..")

    with pytest.raises(PostingGoneError):
        await poster.update(sly, OTHER, summary="x")

    assert teams.sent[-1].path == (
        "/teams/v3/conversations/..%2F..%2Fadmin%3Fx%3D/activities/%23%2F..%2F.."
    )


async def test_the_playground_is_reached_without_a_token(session, clock):
    async with FakeTeams() as playground:
        poster = TeamsPoster(
            session=session,
            credentials=NoCredentials(),
            service_urls=ServiceUrls.of(playground.origin),
            now=clock,
        )

        await poster.post(playground.channel(), CARD, summary="x")

        assert [one.token for one in playground.sent] == [None]


@pytest.fixture
async def mute(session, clock):
    """Return a poster that talks to a connector which takes everything and names nothing."""

    async def take(request):
        return web.Response(status=201, text="<html>" if "activities" in request.path else "{}")

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    async with TestServer(app) as server:
        origin = f"http://127.0.0.1:{server.port}"
        poster = TeamsPoster(
            session=session,
            credentials=NoCredentials(),
            service_urls=ServiceUrls.of(origin),
            now=clock,
        )
        yield poster, replace(CHANNEL, service_url=f"{origin}/")


async def test_a_message_that_teams_does_not_name_is_unknown(mute):
    poster, channel = mute

    with pytest.raises(PosterUnknownError, match="named no message"):
        await poster.post(channel, CARD, summary="x")
    with pytest.raises(PosterUnknownError, match="named no message"):
        await poster.say(channel, THREAD, CARD)
