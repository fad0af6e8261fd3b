import asyncio

import pytest
from sqlalchemy.exc import DBAPIError

from decisions.audit import GENESIS, Broken, next_entry
from decisions.recommendation import DecisionId, RecommendationId
from storage.audit import BrokenChainError, verify_chain
from storage.store import Store
from tests.build import ANA, ID, NOW, an_event
from tests.fakes.databases import fresh_sqlite
from tests.storage import intruder

DECISION = DecisionId("D1")
DECIDED = an_event(
    kind="decided", actor=ANA.id, body={"decision": "D1", "said": ["Größe \x00", 12, None, True]}
)
OTHER = RecommendationId("0THER00000")


def append(*events):
    def turn(unit):
        for event in events:
            unit.audit.append(event)

    return turn


def entries(unit):
    return tuple(unit.audit.walk(chunk=2))


def broken(unit):
    return list(verify_chain(unit))


def chained(*events):
    seq, last, found = 0, GENESIS, []
    for event in events:
        entry = next_entry(event, last_seq=seq, last_hash=last)
        seq, last = entry.seq, entry.hash
        found.append(entry)
    return tuple(found)


FIVE = tuple(an_event(kind=f"kind {number}", recommendation=None) for number in range(1, 6))


@pytest.fixture
async def five(store, url):
    """Keep five entries, with the triggers out of the way."""
    await store.turn(append(*FIVE))
    intruder.disarm(url)
    return store


async def test_an_empty_chain_holds(store):
    assert await store.read(lambda unit: unit.audit.head()) == (0, GENESIS)
    assert await store.read(broken) == []


async def test_what_is_appended_is_chained_in_its_order(store):
    first, second, third = an_event(kind="a"), DECIDED, an_event(kind="c", recommendation=None)

    await store.turn(append(first, second))
    await store.turn(append(third))

    expected = chained(first, second, third)
    assert await store.read(entries) == expected
    assert await store.read(lambda unit: unit.audit.head()) == (3, expected[-1].hash)
    assert await store.read(broken) == []


async def test_the_entries_about_one_recommendation_can_be_read_alone(store):
    about, other = an_event(), an_event(recommendation=OTHER)
    await store.turn(append(about, other, DECIDED))

    first, _, third = chained(about, other, DECIDED)
    assert await store.read(lambda unit: unit.audit.of(ID)) == (first, third)


async def test_the_story_of_a_recommendation_is_what_was_chained_about_it(store):
    await store.turn(append(an_event(), DECIDED, an_event(recommendation=OTHER)))

    assert (
        await store.read(lambda unit: unit.audit.checked(ID))
        == chained(an_event(), DECIDED, an_event(recommendation=OTHER))[:2]
    )


async def test_a_changed_entry_proves_nothing(store, url):
    await store.turn(append(DECIDED))
    intruder.disarm(url)
    intruder.run(url, "UPDATE audit SET actor = 'somebody else'")

    with pytest.raises(BrokenChainError, match="Entry 1 of the audit chain was changed"):
        await store.read(lambda unit: unit.audit.checked(ID))


async def test_replicas_append_at_once_without_a_gap(replicas):
    turns = [
        replicas[number % 4].turn(append(an_event(body={"n": number}), an_event(kind="next")))
        for number in range(80)
    ]

    await asyncio.gather(*turns)

    assert [entry.seq for entry in await replicas[0].read(entries)] == list(range(1, 161))
    assert await replicas[0].read(broken) == []


async def test_an_undone_turn_leaves_no_entry(store):
    def turn(unit):
        unit.audit.append(an_event())
        raise LookupError

    with pytest.raises(LookupError):
        await store.turn(turn)

    assert await store.read(entries) == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET kind = 'x' WHERE seq = 1",
        "UPDATE audit SET seq = 9 WHERE seq = 1",
        "DELETE FROM audit WHERE seq = 1",
        "DELETE FROM audit",
    ],
)
async def test_entries_are_neither_changed_nor_removed(store, url, statement):
    await store.turn(append(*FIVE))

    with pytest.raises(DBAPIError, match="audit is append-only"):
        intruder.run(url, statement)

    assert await store.read(entries) == chained(*FIVE)


async def test_entries_are_not_replaced_on_sqlite(tmp_path):
    url = fresh_sqlite(tmp_path)
    store = Store.open(url)
    await store.turn(append(*FIVE))

    with pytest.raises(DBAPIError, match="audit is append-only"):
        intruder.run(
            url,
            "INSERT OR REPLACE INTO audit VALUES (1, 'x', '', NULL, NULL, '{}', '', '')",
        )

    store.close()


async def test_the_chain_is_not_emptied_on_postgresql(postgres_store, postgres_url):
    await postgres_store.turn(append(*FIVE))

    with pytest.raises(DBAPIError, match="audit is append-only: TRUNCATE"):
        intruder.run(postgres_url, "TRUNCATE audit")


@pytest.mark.parametrize(
    "change",
    [
        "kind = 'x'",
        "at = '2026-03-02T09:00:00.000001Z'",
        "at = 'yesterday'",
        "at = '2026-03-02T09:00:00'",
        "recommendation = 'x'",
        "actor = 'x'",
        "body = '{}'",
        "body = 'no JSON'",
        "body = '[]'",
        "body = '{\"n\": 1.5}'",
        "body = '{\"n\": NaN}'",
        "body = '{\"n\": 9007199254740993}'",
        'body = \'{"n": "\\ud800"}\'',
    ],
)
async def test_a_changed_entry_is_named(five, url, change):
    intruder.run(url, f"UPDATE audit SET {change} WHERE seq = 3")  # noqa: S608  a test's own text

    assert await five.read(broken) == [Broken(seq=3, what="changed")]


async def test_a_changed_entry_with_its_hash_worked_out_again_is_named(five, url):
    _, second, *_ = chained(*FIVE)
    forged = next_entry(an_event(kind="x", recommendation=None), last_seq=2, last_hash=second.hash)

    intruder.run(url, f"UPDATE audit SET kind = 'x', hash = '{forged.hash}' WHERE seq = 3")  # noqa: S608  a test's own text

    assert await five.read(broken) == [
        Broken(seq=4, what="does not follow the entry before it"),
    ]


async def test_a_removed_entry_is_named(five, url):
    intruder.run(url, "DELETE FROM audit WHERE seq = 3")

    assert await five.read(broken) == [
        Broken(seq=3, what="removed: 3"),
        Broken(seq=4, what="does not follow the entry before it"),
    ]


async def test_entries_that_changed_places_are_named(five, url):
    intruder.run(
        url,
        "UPDATE audit SET seq = 9 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 9",
    )

    assert {found.seq for found in await five.read(broken)} == {2, 3, 4}


async def test_an_entry_slipped_in_is_named(five, url):
    intruder.run(
        url,
        "UPDATE audit SET seq = seq + 100 WHERE seq > 3",
        "INSERT INTO audit SELECT 4, 'x', at, recommendation, actor, body, hash, hash "
        "FROM audit WHERE seq = 3",
        "UPDATE audit SET seq = seq - 99 WHERE seq > 100",
    )

    assert Broken(seq=4, what="changed") in await five.read(broken)


async def test_a_tail_that_was_cut_off_is_named(five, url):
    intruder.run(url, "DELETE FROM audit WHERE seq > 3")

    assert await five.read(broken) == [Broken(seq=4, what="removed: 4 to 5")]


async def test_an_entry_added_behind_the_head_is_named(five, url):
    *_, last = chained(*FIVE)
    forged = next_entry(
        an_event(kind="x", at=NOW, recommendation=None, body={}),
        last_seq=last.seq,
        last_hash=last.hash,
    )
    intruder.run(
        url,
        "INSERT INTO audit "  # noqa: S608  a test's own text
        "VALUES (6, 'x', '2026-03-02T09:00:00.000000Z', NULL, NULL, '{}', "
        f"'{last.hash}', '{forged.hash}')",
    )

    assert await five.read(broken) == [Broken(seq=6, what="added behind the head")]
