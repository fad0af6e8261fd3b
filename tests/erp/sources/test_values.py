"""What stands in a cell is read exactly, or refused with a sentence."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp.sources.values import (
    LARGEST,
    Formats,
    UnfitError,
    as_code,
    as_date,
    as_flag,
    as_moment,
    as_number,
    as_text,
    as_whole,
    written_moment,
)

PLAIN = Formats()
GERMAN = Formats(decimal=",", thousands=".", timezone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("value", "formats", "number"),
    [
        ("12.50", PLAIN, "12.50"),
        ("-0.1", PLAIN, "-0.1"),
        (".5", PLAIN, "0.5"),
        ("1e3", PLAIN, "1000"),
        (0.1, PLAIN, "0.1"),
        (7, PLAIN, "7"),
        ("1.234.567,89", GERMAN, "1234567.89"),
        ("1234,5", GERMAN, "1234.5"),
    ],
)
def test_a_number_is_read_exactly(value, formats, number):
    assert as_number(value, formats) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    [
        "NaN",
        float("nan"),
        "-Infinity",
        Decimal("sNaN"),
        Decimal("1e400"),
        Decimal("1e-400"),
        Decimal("1e999999999"),
        pytest.param(10**400, id="10^400"),
        "1" * 5000,
        pytest.param(10**6000, id="10^6000"),
        "1e99999999999999999999",
        str(LARGEST),
        "0." + "1" * 60,
        "twelve",
        "1_000",
        "1,5",
        "0x10",
        "",
        "=1+1",
        True,
        None,
        [1],
        {"a": 1},
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_number_of_a_plant_is_refused(value):
    with pytest.raises(UnfitError):
        as_number(value, PLAIN)


@pytest.mark.parametrize("text", ["1.5", "12.34,5", "1.23.4", "1,234.5", "1,2,3"])
def test_digits_that_are_grouped_otherwise_than_declared_are_not_guessed_at(text):
    with pytest.raises(UnfitError):
        as_number(text, GERMAN)


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=6))
def test_a_number_comes_back_as_it_was_written(number):
    written = f"{number:,.6f}".replace(",", "_").replace(".", ",").replace("_", ".")

    assert as_number(written, GERMAN) == number


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text):
    for read in (as_number, as_whole, as_date, as_moment):
        try:
            read(text, GERMAN)
        except UnfitError as unfit:
            assert str(unfit)  # noqa: PT017  either outcome is right, a crash is not


def test_a_whole_number_has_no_decimals():
    assert as_whole("10000.0", PLAIN) == 10000
    with pytest.raises(UnfitError, match="no whole number"):
        as_whole("10000.5", PLAIN)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-31T06:10:00Z", datetime(2026, 3, 31, 6, 10, tzinfo=UTC)),
        ("2026-03-31T06:10:00+02:00", datetime(2026, 3, 31, 4, 10, tzinfo=UTC)),
        ("2026-03-31 06:10", datetime(2026, 3, 31, 4, 10, tzinfo=UTC)),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_without_an_offset_is_in_the_zone_of_the_source(text, moment):
    assert as_moment(text, GERMAN) == moment


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-03-29T02:30:00", "does not exist in Europe/Berlin"),
        ("0001-01-01T00:00:00", "out of range"),
        ("9999-12-31T23:59:59", "out of range"),
        ("9999-12-31T23:59:59-12:00", "out of range"),
        ("10000-01-01T00:00:00", "is no time"),
        ("31.03.2026", "is no time"),
    ],
)
def test_a_time_that_never_was_is_refused(text, why):
    with pytest.raises(UnfitError, match=why):
        as_moment(text, GERMAN)


def test_a_time_without_an_offset_is_refused_where_no_zone_is_named():
    with pytest.raises(UnfitError, match="names no `timezone`"):
        as_moment("2026-03-31T06:10:00", PLAIN)


@pytest.mark.parametrize("layout", ["epoch", "epoch_ms", "%d.%m.%Y %H:%M:%S", None])
def test_a_moment_comes_back_as_it_was_written(layout):
    formats = Formats(moment=layout, timezone=ZoneInfo("Europe/Warsaw"))
    moment = datetime(2026, 7, 1, 12, 34, 56, tzinfo=UTC)

    assert as_moment(written_moment(moment, formats), formats) == moment


def test_an_epoch_beyond_all_years_is_refused():
    with pytest.raises(UnfitError):
        as_moment(10**14, Formats(moment="epoch"))


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-03-31", date(2026, 3, 31)),
        ("2026-03-31T23:30:00Z", date(2026, 4, 1)),
        (datetime(2026, 3, 31, 23, 30, tzinfo=UTC), date(2026, 4, 1)),
        (date(2026, 3, 31), date(2026, 3, 31)),
    ],
)
def test_the_day_of_a_moment_is_the_one_in_the_zone_of_the_source(value, day):
    assert as_date(value, GERMAN) == day


@pytest.mark.parametrize("value", ["2026-02-30", "1753-01-01", "0000-00-00", 20260331, "soon"])
def test_what_is_no_day_is_refused(value):
    with pytest.raises(UnfitError):
        as_date(value, GERMAN)


def test_which_day_a_moment_is_cannot_be_told_without_a_zone():
    with pytest.raises(UnfitError, match="depends on a `timezone`"):
        as_date("2026-03-31T23:30:00Z", PLAIN)


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), ("No", False), (1, True), ("0", False)], ids=repr
)
def test_a_yes_or_no_is_read(value, flag):
    assert as_flag(value) is flag


@pytest.mark.parametrize("value", ["perhaps", 2, None, 1.5])
def test_what_is_neither_yes_nor_no_is_refused(value):
    with pytest.raises(UnfitError):
        as_flag(value)


@pytest.mark.parametrize("value", [10023, 10023.0, Decimal(10023), "10023"], ids=repr)
def test_a_code_may_be_a_number_in_a_spreadsheet(value):
    assert as_code(value) == "10023"


@pytest.mark.parametrize(
    "value",
    [
        10.5,
        float("inf"),
        True,
        b"RM-200",
        "RM\x00200",
        "RM\n200",
        "RM\u202e200",
        "RM\ud800",
        "x" * 51,
        {"number": "RM-200"},
    ],
    ids=repr,
)
def test_what_is_no_code_is_refused(value):
    with pytest.raises(UnfitError):
        as_code(value)


def test_the_lines_of_a_name_become_one():
    assert as_text("Extruder\r\n  2") == "Extruder 2"
