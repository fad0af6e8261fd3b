import hashlib
from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from storage.postings import NoSuchPostingError, Shown
from tests.build import (
    CHANNEL,
    ID,
    NOW,
    a_posting,
    a_raw_recommendation,
    a_recommendation,
)

CARD = b'{"type":"AdaptiveCard","body":[]}'
POSTING = a_posting()
OTHER = a_posting(conversation_id="19:other@thread.tacv2")


@pytest.fixture
async def posted(store):
    def turn(unit):
        unit.recommendations.add(a_recommendation(), a_raw_recommendation())
        sha = unit.cards.keep(CARD)
        unit.postings.add(ID, POSTING, revision=2, card_sha=sha)
        unit.postings.add(ID, OTHER, revision=0, card_sha=None)

    await store.turn(turn)
    return store


SHA = hashlib.sha256(CARD).hexdigest()


async def test_every_message_that_shows_a_recommendation_is_known(posted):
    assert await posted.read(lambda unit: unit.postings.of(ID)) == (
        Shown(posting=POSTING, revision=2, card_sha=SHA),
        Shown(posting=OTHER, revision=0, card_sha=None),
    )


async def test_a_message_is_kept_once(posted):
    assert (
        await posted.turn(lambda unit: unit.postings.add(ID, POSTING, revision=9, card_sha=None))
        is False
    )
    assert len(await posted.read(lambda unit: unit.postings.of(ID))) == 2


async def test_what_a_message_shows_now_is_kept(posted):
    def turn(unit):
        sha = unit.cards.keep(b"{}")
        unit.postings.painted(POSTING, 3, sha)
        return sha

    sha = await posted.turn(turn)

    assert (await posted.read(lambda unit: unit.postings.of(ID)))[0] == Shown(
        posting=POSTING, revision=3, card_sha=sha
    )


async def test_a_deleted_message_is_not_painted_any_more(posted):
    await posted.turn(lambda unit: unit.postings.gone(POSTING, NOW))

    assert await posted.read(lambda unit: unit.postings.of(ID)) == (
        Shown(posting=OTHER, revision=0, card_sha=None),
    )


async def test_an_unknown_message_cannot_be_painted(posted):
    unknown = a_posting(activity_id="unknown")

    with pytest.raises(NoSuchPostingError, match="Message unknown"):
        await posted.turn(lambda unit: unit.postings.painted(unknown, 3, SHA))


async def test_a_message_shows_a_card_whose_bytes_are_kept(posted):
    with pytest.raises(IntegrityError):
        await posted.turn(lambda unit: unit.postings.painted(POSTING, 3, "0" * 64))


async def test_a_card_is_kept_once_byte_for_byte(store):
    first = await store.turn(lambda unit: unit.cards.keep(CARD))
    again = await store.turn(lambda unit: unit.cards.keep(CARD))

    assert first == again == SHA
    assert await store.read(lambda unit: unit.cards.get(SHA)) == CARD


async def test_a_card_that_nobody_saw_is_none(store):
    assert await store.read(lambda unit: unit.cards.get(SHA)) is None


async def test_a_channel_is_kept_as_it_was_seen_last(store):
    renamed = replace(CHANNEL, name="Buying", service_url="https://smba.example/amer/")
    await store.turn(lambda unit: unit.channels.keep(CHANNEL, NOW))

    await store.turn(lambda unit: unit.channels.keep(renamed, NOW))

    assert await store.read(lambda unit: unit.channels.get(CHANNEL.id)) == renamed


async def test_a_channel_that_the_bot_was_taken_out_of_is_gone_until_it_is_back(store):
    await store.turn(lambda unit: unit.channels.keep(CHANNEL, NOW))

    await store.turn(lambda unit: unit.channels.removed(CHANNEL.id, NOW))
    assert await store.read(lambda unit: unit.channels.get(CHANNEL.id)) is None
    assert await store.read(lambda unit: unit.channels.all()) == ()

    await store.turn(lambda unit: unit.channels.keep(CHANNEL, NOW))
    assert await store.read(lambda unit: unit.channels.all()) == (CHANNEL,)
