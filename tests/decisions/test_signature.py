"""A decision's signature holds for exactly that decision and for nothing else."""

from dataclasses import fields, replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from decisions.recommendation import Decision, KeyId, Signature
from decisions.signature import BadKeyError, Keyring, SigningKey
from tests.build import BO, NOW, OTHER_TENANT, SIGNING_KEY, a_plan, an_approved, signed

KEYS = Keyring.read(SIGNING_KEY.public_pem)
ONE = an_approved()

OTHERWISE = {
    "id": "D0000OTHER",
    "round": 2,
    "verdict": "approve_changed",
    "by": BO,
    "tenant": OTHER_TENANT,
    "at": NOW + timedelta(hours=9),
    "invoke_id": "f:other",
    "plan_hash": "0" * 64,
    "reason_code": "other",
    "reason": "because",
    "until": NOW,
}
NOT_SIGNED = {"seen_revision", "signature"}
"""What the person saw last stands in the chain; it changes nothing about what was approved."""


def test_a_signature_holds_for_what_was_signed():
    assert KEYS.holds(ONE, ONE.decision)


@pytest.mark.parametrize("field", sorted({one.name for one in fields(Decision)} - NOT_SIGNED))
def test_it_does_not_hold_when_any_part_of_the_decision_is_another(field):
    assert not KEYS.holds(ONE, replace(ONE.decision, **{field: OTHERWISE[field]}))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "0000000000"},
        {"plan": a_plan(company="another company")},
        {"plan": a_plan(connector="another ERP")},
        {"plan": None},
        {"proposal": replace(ONE.proposal, valid_until=NOW + timedelta(days=99))},
    ],
)
def test_it_does_not_hold_for_another_recommendation_company_or_deadline(change):
    assert not KEYS.holds(replace(ONE, **change), ONE.decision)


def test_another_key_does_not_count():
    assert not KEYS.holds(signed(ONE, SigningKey.new()), signed(ONE, SigningKey.new()).decision)


def test_another_keys_signature_under_our_keys_name_does_not_count():
    forged = replace(SigningKey.new().sign(ONE, ONE.decision), key=SIGNING_KEY.id)

    assert not KEYS.holds(ONE, replace(ONE.decision, signature=forged))


@given(value=st.text(max_size=200))
def test_nothing_made_up_holds(value):
    made_up = Signature(key=SIGNING_KEY.id, value=value)

    assert not KEYS.holds(ONE, replace(ONE.decision, signature=made_up))


def test_nobody_is_trusted_where_no_key_is_listed():
    assert not Keyring({}).holds(ONE, ONE.decision)
    assert not KEYS.holds(ONE, replace(ONE.decision, signature=None))


def test_while_keys_are_changed_over_both_count():
    newer = SigningKey.new()
    both = Keyring.read(SIGNING_KEY.public_pem + newer.public_pem)
    later = signed(ONE, newer)

    assert both.holds(ONE, ONE.decision)
    assert both.holds(later, later.decision)
    assert not Keyring.read(newer.public_pem).holds(ONE, ONE.decision)


def test_keys_come_back_from_their_files():
    again = SigningKey.read(SIGNING_KEY.pem)

    assert again.id == SIGNING_KEY.id
    assert KEYS.keys.keys() == {SIGNING_KEY.id}
    assert len(KeyId(again.id)) == 16


def elliptic():
    return generate_private_key(SECP256R1())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        SIGNING_KEY.public_pem,
        elliptic().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
    ],
)
def test_what_is_no_private_key_is_said(text):
    with pytest.raises(BadKeyError, match="countersign keys signing"):
        SigningKey.read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "public",
        SIGNING_KEY.pem,
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        elliptic()
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    ],
)
def test_what_is_no_public_key_is_said(text):
    with pytest.raises(BadKeyError, match="public keys"):
        Keyring.read(text)
