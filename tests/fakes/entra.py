"""A stand-in for Microsoft's identity services: real keys, real signatures, real TLS.

It plays the Bot Framework's published keys (over http) and Entra's token endpoint (over https,
because MSAL takes nothing else; have `ca_file` trusted)::

    async with FakeIdentity() as identity:
        token = identity.sign(service_url="https://smba.trafficmanager.net/emea/")
        identity.rotate()
"""

import asyncio
import base64
import datetime as dt
import functools
import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from bot.clock import utc_now

APP_ID = "c0000000-0000-4000-8000-00000000b07e"
ISSUER = "https://api.botframework.com"


_ODD_KEYS = (
    {"kty": "EC", "kid": "of-no-use", "crv": "P-256", "x": "AA", "y": "AA"},
    {"kty": "RSA", "kid": "broken", "n": "!", "e": "!"},
    {"kty": "oct", "kid": "symmetric", "k": "c2VjcmV0"},
    "not a key at all",
)


class FakeIdentity:
    """Publishes keys, signs what the Bot Framework would sign, hands out tokens to the bot."""

    def __init__(self, *, app_id: str = APP_ID, now: Callable[[], dt.datetime] = utc_now):
        self.app_id = app_id
        self.now = now
        self.endorsements = ["msteams"]
        self.more_keys: list[object] = []
        """What else stands in the published set."""
        self.key_fetches = 0
        self.token_requests: list[dict[str, str]] = []
        self.token_lifetime = 3600
        self.delay = 0.0
        """How long every answer takes."""
        self.failing: int | None = None
        """The status of every answer, instead of the true one."""
        self.refusing: dict[str, str] | None = None
        """What Entra says instead of giving a token."""
        self.odd_keys = True
        """Whether keys that cannot be used are published beside the good one."""
        self._generation = 0
        self._issued: set[str] = set()

    async def __aenter__(self):
        plain = web.Application()
        plain.router.add_get("/metadata", self._metadata)
        plain.router.add_get("/keys", self._keys)
        guarded = web.Application()
        guarded.router.add_get(
            "/{tenant}/v2.0/.well-known/openid-configuration", self._tenant_metadata
        )
        guarded.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        self._folder = TemporaryDirectory()
        self.ca_file, tls = _certificate(Path(self._folder.name))
        self._plain, self._guarded = TestServer(plain), TestServer(guarded, scheme="https")
        await self._plain.start_server()
        await self._guarded.start_server(ssl=tls)
        return self

    async def __aexit__(self, *_):
        await self._plain.close()
        await self._guarded.close()
        self._folder.cleanup()

    @property
    def metadata_url(self) -> str:
        """Where the signing keys are announced."""
        return f"http://127.0.0.1:{self._plain.port}/metadata"

    @property
    def authority(self) -> str:
        """Where tokens are asked for; add the tenant."""
        return f"https://127.0.0.1:{self._guarded.port}"

    def rotate(self) -> None:
        """Publish another key, and only that one, and sign with it from now on."""
        self._generation += 1

    def has_issued(self, token: str) -> bool:
        """Tell whether the bot got this token here, and it is not revoked."""
        return token in self._issued

    def revoke_tokens(self) -> None:
        """Take back every token that was handed out."""
        self._issued.clear()

    def claims(self, *, service_url: str, without: tuple[str, ...] = (), **other) -> dict:
        """Return the claims that the Bot Framework makes, with some replaced or left out."""
        now = int(self.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": self.app_id,
            "serviceurl": service_url,
            "nbf": now - 60,
            "exp": now + 3600,
        } | other
        return {name: value for name, value in claims.items() if name not in without}

    def sign(
        self,
        *,
        service_url: str,
        without: tuple[str, ...] = (),
        headers: dict | None = None,
        **other,
    ) -> str:
        """Return a token as the Bot Framework signs it; claims by name replace the good ones."""
        claims = self.claims(service_url=service_url, without=without, **other)
        header = {"kid": self.kid, "x5t": self.kid} | (headers or {})
        return jwt.encode(claims, _key(self._generation), "RS256", headers=header)

    def sign_bytes(self, payload: bytes) -> str:
        """Return a token whose claims are any bytes."""
        return jwt.PyJWS().encode(
            payload, _key(self._generation), "RS256", headers={"kid": self.kid}
        )

    @property
    def kid(self) -> str:
        """The id of the key in use."""
        return f"key-{self._generation}"

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        """The key in use, as everybody may know it."""
        return _key(self._generation).public_key()

    async def _answered(self, body) -> web.Response:
        await asyncio.sleep(self.delay)
        if self.failing:
            return web.Response(status=self.failing, text="not now")
        return web.json_response(body)

    async def _metadata(self, _):
        return await self._answered(
            {
                "issuer": ISSUER,
                "jwks_uri": f"http://127.0.0.1:{self._plain.port}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def _keys(self, _):
        self.key_fetches += 1
        numbers = self.public_key.public_numbers()
        return await self._answered(
            {
                "keys": [
                    {
                        "kty": "RSA",
                        "use": "sig",
                        "kid": self.kid,
                        "x5t": self.kid,
                        "n": _base64(numbers.n),
                        "e": _base64(numbers.e),
                        "endorsements": self.endorsements,
                    },
                    *(_ODD_KEYS if self.odd_keys else ()),
                    *self.more_keys,
                ]
            }
        )

    async def _tenant_metadata(self, request):
        base = f"{self.authority}/{request.match_info['tenant']}"
        return await self._answered(
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "token_endpoint": f"{base}/oauth2/v2.0/token",
            }
        )

    async def _token(self, request):
        self.token_requests.append(dict(await request.post()))
        if self.refusing:
            await asyncio.sleep(self.delay)
            return web.json_response(self.refusing, status=401)
        token = f"token-{len(self.token_requests)}"
        self._issued.add(token)
        return await self._answered(
            {"token_type": "Bearer", "expires_in": self.token_lifetime, "access_token": token}
        )


@functools.cache
def _key(generation: int) -> rsa.RSAPrivateKey:
    del generation
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _base64(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@functools.cache
def a_certificate() -> tuple[bytes, bytes]:
    """Return a private key and a self-signed certificate for 127.0.0.1, both as PEM."""
    key = _key(-1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Countersign tests")])
    now = utc_now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private, certificate.public_bytes(serialization.Encoding.PEM)


def _certificate(folder: Path) -> tuple[str, ssl.SSLContext]:
    private, public = a_certificate()
    (folder / "key.pem").write_bytes(private)
    (folder / "ca.pem").write_bytes(public)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return str(folder / "ca.pem"), tls
