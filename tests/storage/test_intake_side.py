from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from decisions.normalise import Problem
from decisions.routing import PlantId
from storage.quarantine import NotHeldError, Quarantined
from storage.sources import ApiKey, NoSuchKeyError
from tests.build import NOW, PLANT

KEY = ApiKey(
    id="k1",
    source="planner",
    key_hash="a" * 64,
    plants=frozenset({PLANT.id, PlantId("GDANSK")}),
    webhook_url="https://planner.example/told",
    created_at=NOW,
)
NEWER = ApiKey(
    id="k2",
    source="planner",
    key_hash="b" * 64,
    plants=frozenset(),
    webhook_url=None,
    created_at=NOW + timedelta(days=1),
)
OTHER = ApiKey(
    id="k3",
    source="other",
    key_hash="c" * 64,
    plants=frozenset({PLANT.id}),
    webhook_url=None,
    created_at=NOW + timedelta(days=2),
)
PROBLEMS = (
    Problem(path="/kind", what="'x' is not known."),
    Problem(path="/plant", what="is missing."),
)


@pytest.fixture
async def keyed(store):
    def turn(unit):
        for key in (OTHER, NEWER, KEY):
            unit.sources.add(key)

    await store.turn(turn)
    return store


async def test_a_key_is_found_under_its_hash(keyed):
    assert await keyed.read(lambda unit: unit.sources.by_hashes(["a" * 64, "d" * 64])) == {
        "a" * 64: KEY
    }


async def test_a_revoked_key_opens_nothing_and_stays_in_the_list(keyed):
    await keyed.turn(lambda unit: unit.sources.revoke("k1", NOW))

    assert await keyed.read(lambda unit: unit.sources.by_hashes(["a" * 64])) == {}
    assert await keyed.read(lambda unit: unit.sources.of_source("planner")) == (NEWER,)
    assert [(key.id, key.revoked_at) for key in await keyed.read(lambda u: u.sources.all())] == [
        ("k1", NOW),
        ("k2", None),
        ("k3", None),
    ]


@pytest.mark.parametrize("wanted", ["k9", "k1"])
async def test_only_a_key_in_force_is_revoked(keyed, wanted):
    await keyed.turn(lambda unit: unit.sources.revoke("k1", NOW))

    with pytest.raises(NoSuchKeyError, match=f"no key {wanted}"):
        await keyed.turn(lambda unit: unit.sources.revoke(wanted, NOW))


async def test_the_keys_of_a_source_are_listed_oldest_first(keyed):
    assert await keyed.read(lambda unit: unit.sources.of_source("planner")) == (KEY, NEWER)


async def test_no_two_keys_have_the_same_hash(keyed):
    with pytest.raises(IntegrityError):
        await keyed.turn(lambda unit: unit.sources.add(KEY))


def hold(body="{", source="planner"):
    return lambda unit: unit.quarantine.add(
        source=source, source_id=None, body=body, problems=PROBLEMS, received_at=NOW
    )


async def test_what_is_held_comes_back_word_for_word_with_every_problem(store):
    number = await store.turn(hold("{\x00 Größe \ud800"))

    held = Quarantined(
        id=number,
        source="planner",
        source_id=None,
        body="{\x00 Größe \ud800",
        problems=PROBLEMS,
        received_at=NOW,
        state="held",
    )
    assert await store.read(lambda unit: unit.quarantine.get(number)) == held
    assert await store.read(lambda unit: unit.quarantine.held(10)) == (held,)


async def test_the_same_again_does_not_pile_up(store):
    first = await store.turn(hold())

    again = await store.turn(hold())
    other = await store.turn(hold(source="other"))

    assert again == first
    assert other != first


async def test_what_comes_again_after_it_was_closed_is_held_anew(store):
    first = await store.turn(hold())
    await store.turn(lambda unit: unit.quarantine.close(first, "dropped", NOW))

    second = await store.turn(hold())

    held = await store.read(lambda unit: unit.quarantine.held(10))
    assert [item.id for item in held] == [second]
    assert (await store.read(lambda unit: unit.quarantine.get(first))).state == "dropped"


async def test_only_what_is_held_can_be_closed(store):
    first = await store.turn(hold())
    await store.turn(lambda unit: unit.quarantine.close(first, "released", NOW))

    with pytest.raises(NotHeldError, match=f"held under {first}"):
        await store.turn(lambda unit: unit.quarantine.close(first, "dropped", NOW))


async def test_the_oldest_held_come_first(store):
    numbers = [await store.turn(hold(body)) for body in ("a", "b", "c")]

    held = await store.read(lambda unit: unit.quarantine.held(2))

    assert [item.id for item in held] == numbers[:2]
