import base64
import json

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.teams.service_urls import ServiceUrls
from bot.teams.tokens import TokenRefusedError, TokenVerifier
from tests.bot.teams.recorder import ANSWER
from tests.build import ANA, OTHER_TENANT, TENANT
from tests.fakes.entra import APP_ID


async def click_with(teams, token, **overrides):
    return await teams.click(ANA, "1795215624308", "approve", token=token, **overrides)


async def test_a_click_that_the_bot_framework_signed_is_answered(teams, workflow):
    reply = await teams.click(ANA, "1795215624308", "approve", {"rec": "R-1"})

    assert (reply.status, reply.card) == (200, ANSWER)
    assert [click.verb for click in workflow.clicks] == ["approve"]


def bad_tokens():
    """Return how to make each token that must be refused, by name."""

    def claim(**claims):
        return lambda identity, url: identity.sign(service_url=url, **claims)

    def without(name):
        return lambda identity, url: identity.sign(service_url=url, without=(name,))

    def shifted(**seconds):
        return lambda identity, url: identity.sign(
            service_url=url,
            **{name: int(identity.now().timestamp()) + by for name, by in seconds.items()},
        )

    return {
        "no header": lambda *_: None,
        "garbage": lambda *_: "garbage",
        "three parts of garbage": lambda *_: "a.b.c",
        "a header that is no object": lambda *_: f"{encoded([])}.{encoded({})}.AA",
        "a number as key id": lambda *_: f"{encoded({'alg': 'RS256', 'kid': 1})}.{encoded({})}.AA",
        "no key id": lambda *_: f"{encoded({'alg': 'RS256'})}.{encoded({})}.AA",
        "another issuer": claim(
            iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/"
        ),
        "no issuer": without("iss"),
        "another audience": claim(aud="11111111-1111-4111-8111-111111111111"),
        "several audiences": claim(aud=[APP_ID, "11111111-1111-4111-8111-111111111111"]),
        "no audience": without("aud"),
        "another service URL": claim(serviceurl="https://smba.trafficmanager.net/amer/"),
        "no service URL": without("serviceurl"),
        "expired": shifted(exp=-301),
        "never expires": without("exp"),
        "expires at infinity": claim(exp=float("inf")),
        "expires at a word": claim(exp="tomorrow"),
        "not yet valid": shifted(nbf=301),
        "tampered": tampered,
        "unknown key": lambda identity, url: identity.sign(
            service_url=url, headers={"kid": "another"}
        ),
        "a key that signs nothing": lambda identity, url: identity.sign(
            service_url=url, headers={"kid": "symmetric"}
        ),
        "alg none": unsigned,
        "HS256 with the public key": signed_with_the_public_key,
    }


def encoded(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def tampered(identity, url):
    header, _, signature = identity.sign(service_url=url).split(".")
    return f"{header}.{encoded(identity.claims(service_url=url) | {'more': 1})}.{signature}"


def unsigned(identity, url):
    return jwt.encode(
        identity.claims(service_url=url), None, "none", headers={"kid": identity.kid}
    )


def signed_with_the_public_key(identity, url):
    """Sign with HMAC, the published number as the secret: the classic confusion."""
    header = encoded({"alg": "HS256", "typ": "JWT", "kid": identity.kid})
    payload = encoded(identity.claims(service_url=url))
    secret = str(identity.public_key.public_numbers().n).encode()
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        f"{header}.{payload}".encode(), secret
    )
    return f"{header}.{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("make", bad_tokens().values(), ids=bad_tokens().keys())
async def test_a_bad_token_is_refused_and_nothing_is_done(make, teams, identity, workflow):
    reply = await click_with(teams, make(identity, teams.service_url))

    assert (reply.status, reply.body) == (401, "")
    assert workflow.heard_nothing


@pytest.mark.parametrize(
    "scheme", ["Basic", "", "Bearer Bearer", "bearer\t"], ids=["Basic", "none", "twice", "tab"]
)
async def test_another_scheme_is_refused(scheme, teams, identity, verifier):
    token = identity.sign(service_url=teams.service_url)
    activity = teams.activities.invoke(ANA, "1", "approve")

    with pytest.raises(TokenRefusedError, match="bearer"):
        await verifier.verify(f"{scheme} {token}", activity)


@pytest.mark.parametrize(
    "change",
    [
        {"channelId": "webchat"},
        {"channelId": None},
        {"conversation": {"id": "19:x", "tenantId": OTHER_TENANT}},
        {"conversation": {"id": "19:x", "tenantId": 7}},
        {"channelData": {"tenant": {"id": OTHER_TENANT}}},
        {"channelData": {"tenant": {"id": ""}}},
        {"conversation": {"id": "19:x"}, "channelData": {}},
        {"conversation": "19:x", "channelData": []},
    ],
)
async def test_an_activity_of_another_place_is_refused(change, teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve") | change

    reply = await teams.tell(activity)

    assert (reply.status, reply.body) == (401, "")
    assert workflow.heard_nothing


async def test_one_mention_of_the_tenant_is_enough(teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve") | {"channelData": {}}

    reply = await teams.tell(activity)

    assert reply.status == 200
    assert [click.tenant for click in workflow.clicks] == [TENANT]


async def test_two_tenants_of_ours_in_one_activity_are_refused(teams, identity, session, clock):
    verifier = TokenVerifier(
        app_id=APP_ID,
        tenants=[TENANT, OTHER_TENANT.upper()],
        service_urls=ServiceUrls.of("http://127.0.0.1"),
        session=session,
        now=clock,
        metadata_url=identity.metadata_url,
    )
    activity = teams.activities.invoke(ANA, "1", "approve")
    activity["conversation"]["tenantId"] = OTHER_TENANT
    token = identity.sign(service_url=teams.service_url)

    with pytest.raises(TokenRefusedError, match="two tenants"):
        await verifier.verify(f"Bearer {token}", activity)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/teams/",
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://evil.example\\@smba.trafficmanager.net/",
        "https://smba.trafficmanager.net:8443/emea/",
    ],
)
async def test_a_signed_activity_of_a_foreign_connector_is_refused(url, teams, workflow):
    activity = teams.activities.invoke(ANA, "1", "approve") | {"serviceUrl": url}

    reply = await teams.tell(activity)

    assert (reply.status, reply.body) == (401, "")
    assert workflow.heard_nothing


async def test_a_key_that_is_not_endorsed_for_teams_is_refused(teams, identity, workflow):
    identity.endorsements = ["webchat", "directline"]

    reply = await teams.click(ANA, "1", "approve")

    assert (reply.status, reply.body) == (401, "")
    assert workflow.heard_nothing


async def test_a_key_that_is_endorsed_for_more_still_speaks_for_teams_only(
    teams, identity, workflow
):
    identity.endorsements = ["msteams", "webchat"]
    activity = teams.activities.invoke(ANA, "1", "approve") | {"channelId": "webchat"}

    reply = await teams.tell(activity)

    assert reply.status == 401
    assert workflow.heard_nothing


async def test_five_minutes_of_clock_skew_are_forgiven(teams, identity):
    now = int(identity.now().timestamp())

    late = await click_with(teams, identity.sign(service_url=teams.service_url, exp=now - 299))
    early = await click_with(teams, identity.sign(service_url=teams.service_url, nbf=now + 299))

    assert (late.status, early.status) == (200, 200)


def test_a_verifier_without_an_application_is_not_made(session, clock):
    with pytest.raises(ValueError, match="application id"):
        TokenVerifier(
            app_id="", tenants=[TENANT], service_urls=ServiceUrls.of(), session=session, now=clock
        )


async def test_signed_claims_that_are_no_object_are_refused(teams, identity):
    for payload in (b"[]", b"\xff", b"[" * 4000):
        reply = await click_with(teams, identity.sign_bytes(payload))

        assert (reply.status, reply.body) == (401, "")


async def test_a_token_without_a_start_is_good(teams, identity):
    token = identity.sign(service_url=teams.service_url, without=("nbf",))

    reply = await click_with(teams, token)

    assert reply.status == 200


async def test_a_verifier_trusts_only_the_service_urls_it_was_given(
    teams, identity, session, clock
):
    verifier = TokenVerifier(
        app_id=APP_ID,
        tenants=[TENANT],
        service_urls=ServiceUrls.of("smba.trafficmanager.net"),
        session=session,
        now=clock,
        metadata_url=identity.metadata_url,
    )
    token = identity.sign(service_url=teams.service_url)

    with pytest.raises(TokenRefusedError, match="not a Bot Connector"):
        await verifier.verify(f"Bearer {token}", teams.activities.invoke(ANA, "1", "approve"))


@settings(max_examples=200, deadline=None)
@given(
    header=st.one_of(st.text(), st.text().map("Bearer {}".format)),
    parts=st.lists(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(encoded),
        min_size=3,
        max_size=3,
    ),
    activity=st.dictionaries(st.sampled_from(["channelId", "serviceUrl"]), st.text()),
)
def test_garbage_is_refused_and_never_anything_else(header, parts, activity):
    async def judge(authorization):
        verifier = TokenVerifier(
            app_id=APP_ID, tenants=[TENANT], service_urls=ServiceUrls.of(), session=None, now=None
        )
        with pytest.raises(TokenRefusedError):
            await verifier.verify(authorization, activity)

    run(judge(header))
    run(judge("Bearer " + ".".join(parts)))


def run(steps):
    """Run a coroutine that never has to wait, as garbage never asks for keys."""
    with pytest.raises(StopIteration):
        steps.send(None)
