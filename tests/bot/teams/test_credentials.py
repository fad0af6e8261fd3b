import asyncio

import jwt
import pytest

from bot.teams.connector import TeamsPoster
from bot.teams.credentials import AppCredentials, Certificate, NoCredentials, NoTokenError
from bot.teams.service_urls import ServiceUrls
from tests.build import TENANT
from tests.fakes.activities import PURCHASING
from tests.fakes.entra import APP_ID, a_certificate

CARD = {"type": "AdaptiveCard", "version": "1.5", "body": []}


@pytest.fixture
async def credentials(identity, clock):
    credentials = AppCredentials(
        app_id=APP_ID,
        tenant_id=TENANT,
        secret="the secret",  # noqa: S106  the stand-in takes any
        now=clock,
        authority=identity.authority,
        trusted_ca=identity.ca_file,
    )
    yield credentials
    await credentials.close()


async def test_a_token_is_asked_for_as_a_single_tenant_bot_must(credentials, identity):
    token = await credentials.token()

    asked = identity.token_requests[0]
    assert token == "token-1"  # noqa: S105  made up
    assert (asked["client_id"], asked["scope"]) == (
        APP_ID,
        "https://api.botframework.com/.default",
    )


async def test_twenty_concurrent_sends_need_one_token(
    credentials, identity, teams, session, clock
):
    identity.delay = 0.05
    poster = TeamsPoster(
        session=session,
        credentials=credentials,
        service_urls=ServiceUrls.of(teams.origin),
        now=clock,
    )

    await asyncio.gather(
        *(poster.post(teams.channel(), CARD, summary=f"{number}") for number in range(20))
    )

    assert len(teams.messages(PURCHASING)) == 20
    assert len(identity.token_requests) == 1


async def test_the_event_loop_runs_on_while_entra_is_slow(credentials, identity):
    identity.delay = 0.3
    loop = asyncio.get_running_loop()
    fetching = asyncio.create_task(credentials.token())
    longest = 0.0

    while not fetching.done():
        before = loop.time()
        await asyncio.sleep(0.005)
        longest = max(longest, loop.time() - before)

    assert longest < 0.15


async def test_a_token_is_kept(credentials, identity, clock):
    await credentials.token()
    clock.forward(minutes=49)

    await credentials.token()

    assert len(identity.token_requests) == 1


async def test_a_token_is_renewed_before_it_ends_and_nobody_waits(credentials, identity, clock):
    await credentials.token()
    clock.forward(minutes=51)
    identity.delay = 0.1

    at_once = await credentials.token()
    await asyncio.sleep(0.5)
    later = await credentials.token()

    assert (at_once, later) == ("token-1", "token-2")


async def test_a_token_that_ended_is_not_used(credentials, identity, clock):
    await credentials.token()
    clock.forward(minutes=60)

    token = await credentials.token()

    assert token == "token-2"  # noqa: S105  made up
    assert identity.has_issued(token)


async def test_a_token_that_teams_refused_is_not_used_again(credentials):
    first = await credentials.token()
    credentials.forget("another")
    kept = await credentials.token()
    credentials.forget(first)

    assert (kept, await credentials.token()) == ("token-1", "token-2")


async def test_a_wrong_secret_is_told_in_the_words_of_entra(credentials, identity, caplog):
    identity.refusing = {
        "error": "invalid_client",
        "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1",
    }

    with pytest.raises(NoTokenError) as problem:
        await credentials.token()

    assert (problem.value.code, problem.value.refused) == ("invalid_client", True)
    assert str(problem.value) == (
        "Microsoft Entra gave no token: invalid_client. "
        "AADSTS7000215: Invalid client secret provided. "
        "Check the application id, the tenant and the secret or certificate."
    )
    assert "the secret" not in caplog.text.replace("the secret or certificate", "")


async def test_an_entra_that_is_down_is_no_refusal(credentials, identity):
    identity.failing = 503

    with pytest.raises(NoTokenError) as problem:
        await credentials.token()

    assert not problem.value.refused


async def test_an_entra_that_is_not_there_is_no_refusal(clock):
    credentials = AppCredentials(
        app_id=APP_ID,
        tenant_id=TENANT,
        secret="x",  # noqa: S106  nobody hears it
        now=clock,
        authority="https://127.0.0.1:9",
    )

    with pytest.raises(NoTokenError) as problem:
        await credentials.token()

    assert not problem.value.refused
    await credentials.close()


async def test_a_certificate_signs_instead_of_a_secret(identity, clock):
    private, public = a_certificate()
    certificate = Certificate(private_key=private.decode(), public_certificate=public.decode())
    credentials = AppCredentials(
        app_id=APP_ID,
        tenant_id=TENANT,
        secret=certificate,
        now=clock,
        authority=identity.authority,
        trusted_ca=identity.ca_file,
    )

    await credentials.token()

    asked = identity.token_requests[0]
    claims = jwt.decode(asked["client_assertion"], options={"verify_signature": False})
    assert (claims["iss"], "client_secret" in asked) == (APP_ID, False)
    await credentials.close()


def test_secrets_do_not_show():
    certificate = Certificate(private_key="very secret", public_certificate="public")

    assert "very secret" not in repr(certificate)


async def test_the_playground_gets_no_token():
    credentials = NoCredentials()
    credentials.forget("any")

    assert await credentials.token() is None


async def test_credentials_that_never_asked_can_be_closed(credentials, identity):
    await credentials.close()

    assert identity.token_requests == []
