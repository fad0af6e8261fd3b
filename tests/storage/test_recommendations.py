import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import StatementError

from decisions.lifecycle import State
from decisions.people import ChannelId
from decisions.ranking import measure
from decisions.recommendation import RecommendationId
from storage.recommendations import (
    KnownRecommendationError,
    NoSuchRecommendationError,
    OutdatedRecordError,
)
from tests.build import (
    CHANNEL,
    NOW,
    a_proposed,
    a_raw_recommendation,
    a_recommendation,
    a_route,
    a_routing_table,
    an_approved,
)

NOBODY = RecommendationId("0000000000")


async def keep(store, *records, costs=()):
    def turn(unit):
        for record in records:
            raw = a_raw_recommendation(source=record.source, source_id=record.source_id)
            unit.recommendations.add(record, raw)
        for record, cost in zip(records, costs, strict=False):
            unit.recommendations.keep(record, delay_cost=Decimal(cost))

    await store.turn(turn)


def numbered(number, **overrides):
    defaults = {"id": RecommendationId(f"R{number:09d}"), "source_id": f"planner-{number}"}
    return a_recommendation(**defaults | overrides)


async def test_a_recommendation_comes_back_as_it_was_kept(store):
    await keep(store, an_approved())

    assert await store.read(lambda unit: unit.recommendations.get(an_approved().id)) == (
        an_approved()
    )


async def test_one_that_was_never_kept_is_none(store):
    await keep(store, a_recommendation())

    assert await store.read(lambda unit: unit.recommendations.get(NOBODY)) is None


async def test_a_change_is_kept(store):
    await keep(store, a_recommendation())

    await store.turn(lambda unit: unit.recommendations.keep(an_approved()))

    assert await store.turn(lambda unit: unit.recommendations.lock(an_approved().id)) == (
        an_approved()
    )


async def test_what_was_never_kept_cannot_be_locked(store):
    with pytest.raises(NoSuchRecommendationError, match="CS-0000000000 is not known"):
        await store.turn(lambda unit: unit.recommendations.lock(NOBODY))


async def test_what_was_never_added_cannot_be_changed(store):
    with pytest.raises(NoSuchRecommendationError):
        await store.turn(lambda unit: unit.recommendations.keep(a_recommendation()))


async def test_an_older_revision_does_not_overwrite_a_newer_one(store):
    await keep(store, an_approved())

    with pytest.raises(OutdatedRecordError, match="beyond revision 2"):
        await store.turn(lambda unit: unit.recommendations.keep(a_recommendation(revision=2)))

    assert await store.read(lambda unit: unit.recommendations.get(an_approved().id)) == (
        an_approved()
    )


async def test_it_is_found_under_the_id_of_its_source(store):
    mine, other = numbered(1), numbered(2, source="other", source_id="planner-1")
    await keep(store, mine, other)

    assert await store.read(
        lambda unit: unit.recommendations.by_source("planner", "planner-1")
    ) == (mine)


async def test_what_the_source_sent_is_kept_word_for_word(store):
    sent = a_raw_recommendation(body='{"note": "Größe \x00 \ud800"}\r\n')

    await store.turn(lambda unit: unit.recommendations.add(a_proposed(), sent))

    assert await store.read(lambda unit: unit.recommendations.raw(a_proposed().id)) == sent


async def test_there_are_no_words_of_what_never_came(store):
    with pytest.raises(NoSuchRecommendationError):
        await store.read(lambda unit: unit.recommendations.raw(NOBODY))


async def test_the_same_id_of_the_same_source_is_kept_once(store):
    await keep(store, numbered(1))

    with pytest.raises(KnownRecommendationError, match="planner-1 of planner"):
        await keep(store, numbered(2, source_id="planner-1"))


async def test_replicas_that_get_the_same_one_at_once_keep_it_once(replicas):
    def sent(number):
        def turn(unit):
            known = unit.recommendations.by_source("planner", "planner-4711")
            if known is not None:
                return known.id
            new = a_proposed(id=RecommendationId(f"R{number:09d}"))
            unit.recommendations.add(new, a_raw_recommendation())
            return new.id

        return turn

    ids = await asyncio.gather(*(replicas[number % 4].turn(sent(number)) for number in range(40)))

    assert len(set(ids)) == 1


async def test_the_dearest_delay_comes_first_and_then_who_came_first(store):
    cheap, dear, early = numbered(1), numbered(2), numbered(3)
    early = replace(early, received_at=NOW - timedelta(hours=1))
    await keep(store, cheap, dear, early, costs=("9.999999", "1000", "9.999999"))

    found = await store.read(lambda unit: unit.recommendations.open_all(10))

    assert found == (dear, early, cheap)


async def test_a_change_without_a_cost_leaves_the_place(store):
    first, second = numbered(1), numbered(2)
    await keep(store, first, second, costs=(10, 5))

    await store.turn(lambda unit: unit.recommendations.keep(first))

    assert await store.read(lambda unit: unit.recommendations.open_all(10)) == (first, second)


async def test_only_what_awaits_an_answer_in_the_channel_is_open_there(store):
    elsewhere = numbered(2, route=a_route(channel=ChannelId("19:other@thread.tacv2")))
    closed = numbered(3, state=State.EXPIRED)
    await keep(store, numbered(1), elsewhere, closed)

    (here,) = await store.read(lambda unit: unit.recommendations.standing_in(CHANNEL.id, limit=10))

    assert here.id == numbered(1).id
    assert await store.read(lambda unit: unit.recommendations.open_all(10)) == (
        numbered(1),
        elsewhere,
    )


async def test_what_ranks_is_read_without_the_rest(store):
    one = numbered(1)
    await keep(store, one)

    (standing,) = await store.read(
        lambda unit: unit.recommendations.standing_in(CHANNEL.id, limit=10)
    )

    rates = a_routing_table().rates
    assert measure(standing, now=NOW, rates=rates) == measure(one, now=NOW, rates=rates)


async def test_what_is_open_is_counted_up_to_a_cap(store):
    await keep(store, *(numbered(number) for number in range(5)))

    counted = await store.read(
        lambda unit: [unit.recommendations.count_open_in(CHANNEL.id, cap=cap) for cap in (3, 9)]
    )

    assert counted == [3, 5]


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        ("R000000011", [11]),
        ("cs-r000000011", [11]),
        (" CS-R00000001 ", [11, 12]),
        ("R0000000", [11, 12, 21]),
        ("%", []),
        ("", []),
        ("X", []),
    ],
)
async def test_a_person_may_type_the_beginning_of_an_id(store, typed, numbers):
    await keep(store, numbered(11), numbered(12), numbered(21))

    found = await store.read(lambda unit: unit.recommendations.find(typed))

    assert found == tuple(numbered(number) for number in numbers)


async def test_a_column_refuses_a_moment_without_a_zone(store):
    with pytest.raises(StatementError, match="no time zone"):
        await store.turn(
            lambda unit: unit.jobs.add("show", "show", {}, due_at=NOW.replace(tzinfo=None))
        )


async def test_a_cost_beyond_all_measure_still_sorts_first(store):
    dear, dearest = numbered(1), numbered(2)
    await keep(store, dear, dearest, costs=(10**12, 10**30))

    assert await store.read(lambda unit: unit.recommendations.open_all(10)) == (dearest, dear)
