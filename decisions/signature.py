"""A decision's signature: made where a click was verified, checked where it is written.

Ed25519 (RFC 8032) over the RFC 8785 bytes of everything that makes an approval this one and no
other. Whoever can write to the database can write any row; without the private key, which only
the process that verifies clicks holds, no row makes an order.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from decisions.canonical import canonical
from decisions.errors import CountersignError
from decisions.recommendation import Decision, KeyId, Recommendation, Signature

_FORM: Final = "countersign decision 1"
_BLOCK: Final = re.compile(
    r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]{1,200}-----END PUBLIC KEY-----"
)


class BadKeyError(CountersignError):
    """A text that should hold keys does not."""

    def __init__(self, what: str) -> None:
        """Say what was expected."""
        super().__init__(
            f"This is not {what}. Make a pair of keys with `countersign keys signing`."
        )


def statement(recommendation: Recommendation, decision: Decision) -> bytes:
    """Return what is signed: the decision, its payload by hash, who, where, when, until when."""
    plan = recommendation.plan
    return canonical(
        {
            "form": _FORM,
            "recommendation": recommendation.id,
            "valid_until": recommendation.proposal.valid_until,
            "connector": plan.connector if plan else None,
            "company": plan.company if plan else None,
            "decision": decision.id,
            "round": decision.round,
            "verdict": decision.verdict,
            "plan_hash": decision.plan_hash,
            "approver": decision.by.id,
            "tenant": decision.tenant,
            "activity": decision.invoke_id,
            "at": decision.at,
            "reason_code": decision.reason_code,
            "reason": decision.reason,
            "until": decision.until,
        }
    )


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The private key; held by the process that verifies clicks, and by no other."""

    private: Ed25519PrivateKey

    @classmethod
    def new(cls) -> Self:
        """Make a key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, pem: str) -> Self:
        """Read a private key in PEM (PKCS #8, not encrypted).

        Raises:
            BadKeyError: it is none, or not an Ed25519 key.
        """
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadKeyError("an Ed25519 private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKeyError("an Ed25519 private key in PEM")
        return cls(key)

    @property
    def pem(self) -> str:
        """Return the private key, to be kept where only the web role can read it."""
        return self.private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ).decode()

    @property
    def public_pem(self) -> str:
        """Return the public key, for whoever writes and whoever audits."""
        return (
            self.private.public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    @property
    def id(self) -> KeyId:
        """Return the name of the pair."""
        return _name(self.private.public_key())

    def sign(self, recommendation: Recommendation, decision: Decision) -> Signature:
        """Sign a decision about a recommendation as it stands."""
        value = self.private.sign(statement(recommendation, decision))
        return Signature(key=self.id, value=base64.b64encode(value).decode())


@dataclass(frozen=True, slots=True)
class Keyring:
    """The public keys whose signatures count, by name; an empty one trusts nobody."""

    keys: Mapping[KeyId, Ed25519PublicKey]

    @classmethod
    def read(cls, pem: str) -> Self:
        """Read public keys in PEM, any number of them one after another.

        Raises:
            BadKeyError: there is none, or one that is not an Ed25519 key.
        """
        keys = [_public(block[0]) for block in _BLOCK.finditer(pem)]
        if not keys:
            raise BadKeyError("a list of Ed25519 public keys in PEM")
        return cls({_name(key): key for key in keys})

    def holds(self, recommendation: Recommendation, decision: Decision) -> bool:
        """Tell whether one of the keys signed exactly this decision about exactly this."""
        signature = decision.signature
        key = self.keys.get(signature.key) if signature else None
        if signature is None or key is None:
            return False
        try:
            value = base64.b64decode(signature.value, validate=True)
            key.verify(value, statement(recommendation, decision))
        except (ValueError, InvalidSignature):
            return False
        return True


def _public(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise BadKeyError("a list of Ed25519 public keys in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadKeyError("a list of Ed25519 public keys in PEM")
    return key


def _name(key: Ed25519PublicKey) -> KeyId:
    """Return sixteen hex digits of the SHA-256 of the raw key."""
    return KeyId(hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16])
