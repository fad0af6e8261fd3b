"""Logging in, over real HTTP and real TLS."""

import asyncio
import ipaddress
import ssl
from datetime import timedelta
from urllib.parse import parse_qs

import aiohttp
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from erp.business_central.tokens import (
    BasicKey,
    ClientCredentialTokens,
    EntraTokens,
    LogInError,
)
from tests.build import NOW
from tests.erp.business_central.scripted import Says, scripted

SECRET = "s3cret"  # noqa: S105 of a server that this file starts
GRANTED = Says(200, '{"token_type":"Bearer","expires_in":3599,"access_token":"first"}')
SECOND = Says(200, '{"token_type":"Bearer","expires_in":3599,"access_token":"second"}')
DENIED = Says(401, '{"error":"invalid_client","error_description":"AADSTS7000215: bad secret."}')


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


def plain_tokens(session, url):
    return ClientCredentialTokens(session, url=url, client_id="reader", client_secret=SECRET)


async def test_a_token_is_asked_for_once_however_many_want_it(session):
    async with scripted(GRANTED, SECOND) as service:
        tokens = plain_tokens(session, service.url)

        given = await asyncio.gather(*(tokens.token() for _ in range(20)))

    assert set(given) == {"first"}
    (asked,) = service.asked
    assert asked.body == (
        "grant_type=client_credentials&client_id=reader&client_secret=s3cret"
        "&scope=https%3A%2F%2Fapi.businesscentral.dynamics.com%2F.default"
    )


async def test_a_read_that_gave_up_waiting_leaves_the_token_to_the_next(session):
    async def slow(_request):
        await asyncio.sleep(0.1)
        return GRANTED.clone()

    async with scripted(slow) as service:
        tokens = plain_tokens(session, service.url)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(tokens.token(), 0.02)

        assert await tokens.token() == "first"

    assert len(service.asked) == 1


async def test_a_forgotten_token_is_asked_for_again(session):
    async with scripted(GRANTED, SECOND) as service:
        tokens = plain_tokens(session, service.url)
        await tokens.token()

        tokens.forget()

        assert await tokens.token() == "second"


async def test_a_token_is_not_used_to_its_last_second(session):
    short = Says(200, '{"expires_in":0.02,"access_token":"short"}')
    async with scripted(short, SECOND) as service:
        tokens = plain_tokens(session, service.url)
        await tokens.token()
        await asyncio.sleep(0.015)

        assert await tokens.token() == "second"


async def test_a_refused_log_in_says_what_the_service_said_and_never_the_secret(session):
    async with scripted(DENIED) as service:
        with pytest.raises(LogInError) as refused:
            await plain_tokens(session, service.url).token()

    assert refused.value.why == ("the log-in failed: invalid_client AADSTS7000215: bad secret.")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("answer", [Says(503, "<html>"), Says(200, "[]"), Says(302, "{}")])
async def test_a_service_that_gives_no_token_is_named_by_its_status(session, answer):
    async with scripted(answer) as service:
        with pytest.raises(LogInError, match=f"status {answer.status}"):
            await plain_tokens(session, service.url).token()


async def test_a_token_service_that_is_away_is_a_failed_log_in(session):
    with pytest.raises(LogInError, match="ClientConnectorError"):
        await plain_tokens(session, "http://127.0.0.1:9/token").token()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make a certificate for loopback; return the server's context and the file to trust."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=3650))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = folder / "key.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, str(pem)


@pytest.fixture
def tls(certificate, monkeypatch):
    """Return the server's context and the file to trust, which the environment does not name."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    return certificate


def entra(answer):
    """Return an answer for Entra's discovery document, and the given one for its token."""

    async def step(request):
        if request.path.endswith("/openid-configuration"):
            root = str(request.url.with_path("/tenant/"))
            return Says(
                200,
                f'{{"issuer":"{root}v2.0","authorization_endpoint":"{root}authorize",'
                f'"token_endpoint":"{root}oauth2/v2.0/token"}}',
            ).clone()
        return answer.clone()

    return step


def entra_tokens(url, trusted):
    return EntraTokens(
        authority=f"{url}/tenant", client_id="writer", client_secret=SECRET, verify=trusted
    )


async def test_entra_gives_a_token_through_msal_without_holding_up_the_event_loop(tls):
    context, trusted = tls
    async with scripted(entra(GRANTED), ssl=context) as service:
        tokens = entra_tokens(service.url, trusted)

        given = [await tokens.token(), await tokens.token()]

    assert given == ["first", "first"]
    asked = [one for one in service.asked if one.method == "POST"]
    assert [one.path for one in asked] == ["/tenant/oauth2/v2.0/token"]
    assert "grant_type=client_credentials" in asked[0].body


async def test_entra_is_asked_again_after_its_token_was_not_accepted(tls):
    context, trusted = tls
    async with scripted(entra(GRANTED), ssl=context) as service:
        tokens = entra_tokens(service.url, trusted)
        await tokens.token()
        tokens.forget()
        await tokens.token()

    assert len([one for one in service.asked if one.method == "POST"]) == 2


async def test_entra_refusing_says_why(tls):
    context, trusted = tls
    async with scripted(entra(DENIED), ssl=context) as service:
        with pytest.raises(LogInError, match="invalid_client AADSTS7000215: bad secret"):
            await entra_tokens(service.url, trusted).token()


async def test_a_certificate_signs_instead_of_a_secret(tls):
    context, trusted = tls
    key, pem = a_private_key_with_its_certificate()
    async with scripted(entra(GRANTED), ssl=context) as service:
        tokens = EntraTokens(
            authority=f"{service.url}/tenant", client_id="writer", certificate=pem, verify=trusted
        )

        assert await tokens.token() == "first"

    form = parse_qs(next(one.body for one in service.asked if one.method == "POST"))
    (assertion,) = form["client_assertion"]
    said = jwt.decode(
        assertion,
        key.public_key(),
        algorithms=["PS256", "RS256"],
        audience=f"{service.url}/tenant/oauth2/v2.0/token",
    )
    assert said["iss"] == "writer"
    assert "client_secret" not in form


async def test_a_certificate_that_is_none_is_a_failed_log_in(tls):
    _, trusted = tls
    tokens = EntraTokens(
        authority="https://127.0.0.1:9/tenant",
        client_id="writer",
        certificate="no PEM",
        verify=trusted,
    )

    with pytest.raises(LogInError):
        await tokens.token()


async def test_on_premises_a_user_and_a_key_go_along_as_they_are():
    key = BasicKey(user="READER", key="wsk")

    key.forget()

    assert (key.scheme, await key.token()) == ("Basic", "UkVBREVSOndzaw==")


def a_private_key_with_its_certificate():
    """Return an RSA key, and it with its certificate in one PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "writer")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2)
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return key, (private + certificate.public_bytes(serialization.Encoding.PEM)).decode()


async def test_entra_out_of_reach_is_a_failed_log_in():
    with pytest.raises(LogInError, match="ConnectionError"):
        await entra_tokens("https://127.0.0.1:9", trusted=True).token()
