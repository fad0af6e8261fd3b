"""Whatever stands in a row, it becomes a fact or is kept with its problems."""

import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp.snapshot import SCOPES
from erp.sources.facts import read_rows
from erp.sources.mapping import (
    ORIGIN,
    WANTED,
    Field,
    Given,
    Row,
    Rows,
    ScopeMapping,
    SqlPlace,
)
from erp.sources.values import Formats
from tests.erp.sources.conftest import NOW

FORMATS = Formats(timezone=ZoneInfo("Europe/Berlin"), decimal=",", thousands=".")

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(),
    st.binary(max_size=5),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["KG", "EUR", "draft", "down", "2026-03-31", "1.234,5", "true"]),
)


def mapping_of(scope):
    """Return a mapping in which every field has a column of its own name."""
    measured = {"quantity", "money"}
    return ScopeMapping(
        scope=scope,
        place=SqlPlace(query="SELECT 1"),
        fields=tuple(
            Field(
                name=name,
                wanted=wanted,
                given=Given(column=name),
                measure=Given(column="measure") if wanted.kind in measured else None,
                words={word: word for word in wanted.words} or None,
            )
            for name, wanted in {**WANTED[scope], **ORIGIN}.items()
        ),
    )


def read(scope, *values):
    """Read rows of a scope."""
    rows = Rows(
        source="Floor MES",
        rows=tuple(Row(place=f"row {at}", values=one) for at, one in enumerate(values, 1)),
        entered_at=None,
        whole=True,
    )
    return read_rows(rows, mapping_of(scope), FORMATS, read_at=NOW)


@pytest.mark.parametrize("scope", SCOPES)
@given(data=st.data())
def test_a_row_becomes_one_fact_or_one_quarantined_row(scope, data):
    names = [*WANTED[scope], *ORIGIN, "measure"]
    row = data.draw(st.fixed_dictionaries(dict.fromkeys(names, CELLS)))

    done = read(scope, row)

    assert len(done.facts) + len(done.quarantined) == 1
    for one in done.quarantined:
        assert one.problems
        assert one.ref
    for fact in done.facts:
        assert fact.origin.entered_at.tzinfo is not None
        assert str(fact).encode()


@pytest.mark.parametrize("scope", SCOPES)
def test_the_fields_are_those_of_the_record(scope):
    good = {
        "code": "A",
        "text": "Name",
        "unit": "KG",
        "quantity": 1,
        "money": 1,
        "number": 1,
        "whole": 1,
        "flag": True,
        "date": date(2026, 3, 31),
        "moment": datetime(2026, 3, 31, tzinfo=UTC),
        "currency": "EUR",
    }
    row = {
        name: next(iter(sorted(wanted.words)), "open")
        if wanted.kind == "word"
        else good[wanted.kind]
        for name, wanted in {**WANTED[scope], **ORIGIN}.items()
    }

    (fact,) = read(scope, row | {"measure": "EUR"}).facts

    assert {one.name for one in dataclasses.fields(fact)} == {*WANTED[scope], "origin"}
    assert fact.origin.ref == "Name"
    assert fact.origin.happened_at == good["moment"]
    assert fact.origin.entered_at == good["moment"]


def test_what_a_row_leaves_out_is_left_out():
    (fact,) = read("stock", {"item": "A", "quantity": "1.234,5", "measure": "kg"}).facts

    assert (fact.location, fact.quantity.value, fact.quantity.unit) == (
        None,
        Decimal("1234.5"),
        "KG",
    )
    assert fact.origin.ref == "row 1"
    assert fact.origin.entered_at == NOW
