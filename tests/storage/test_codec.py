from dataclasses import fields, is_dataclass, make_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Literal, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decisions.recommendation import Decision, Recommendation
from storage.codec import Codec
from tests.build import NOW, a_change, a_plan, a_recommendation, eur, pieces

LOOKS_LIKE_SOMETHING_ELSE = st.sampled_from(
    ["", "2026-03-09", "2026-03-09T10:00:00Z", "12.50", "null", "true", "{}", "\x00", "\ud800"]
)
LEAVES = {
    str: st.text(max_size=20) | LOOKS_LIKE_SOMETHING_ELSE,
    int: st.integers(),
    bool: st.booleans(),
    NoneType: st.none(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    datetime: st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
    date: st.dates(),
    timedelta: st.timedeltas(),
}


@cache
def any_value_of(kind):
    if isinstance(kind, NewType):
        return any_value_of(kind.__supertype__)
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([any_value_of(member) for member in get_args(kind)])
    if get_origin(kind) is tuple:
        return any_tuple_of(get_args(kind))
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(
            kind, **{field.name: any_value_of(hints[field.name]) for field in fields(kind)}
        )
    return st.sampled_from(kind) if issubclass(kind, Enum) else LEAVES[kind]


def any_tuple_of(items):
    if items[-1] is Ellipsis:
        return st.lists(any_value_of(items[0]), max_size=2).map(tuple)
    return st.tuples(*map(any_value_of, items))


def assert_comes_back(record):
    codec = Codec(type(record))

    found = codec.decode(codec.encode(record))

    assert found == record
    assert repr(found) == repr(record)  # 10 and 10.0 are equal, and so are a text and its enum


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(any_value_of(Recommendation))
def test_every_recommendation_comes_back_exactly(record):
    assert_comes_back(record)


@settings(max_examples=60, deadline=None)
@given(any_value_of(Decision))
def test_every_decision_comes_back_exactly(record):
    assert_comes_back(record)


@pytest.mark.parametrize(
    "value", ["2026-03-09", date(2026, 3, 9), eur("12.50"), pieces("12.50"), "12.50", None]
)
def test_a_value_keeps_its_type_whatever_it_looks_like(value):
    assert_comes_back(a_recommendation(plan=a_plan(changes=(a_change(after=value),))))


def test_a_document_is_ascii_so_that_every_database_takes_it():
    document = Codec(Recommendation).encode(a_recommendation(trouble="Größe \x00 \ud800 €"))

    assert document.isascii()


def test_a_moment_without_a_zone_is_refused():
    naive = NOW.replace(tzinfo=None)

    with pytest.raises(ValueError, match="no time zone"):
        Codec(Recommendation).encode(a_recommendation(received_at=naive))


def test_a_field_that_an_older_document_lacks_takes_its_default():
    codec = Codec(Recommendation)
    older = codec.encode(a_recommendation(trouble="")).replace('"trouble":"",', "")

    assert codec.decode(older) == a_recommendation(trouble="")


@pytest.mark.parametrize("kind", [float, list[int], bytes])
def test_a_type_without_an_exact_form_is_refused_before_anything_is_kept(kind):
    record = make_dataclass("Inexact", [("value", kind)])

    with pytest.raises(TypeError, match="has no form on disk"):
        Codec(record)
