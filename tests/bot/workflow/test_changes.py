"""What people type is read in their own spelling, or refused; never guessed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.workflow.changes import (
    BadQuantityError,
    BadReceiptDateError,
    NotChangeableError,
    changed,
)
from decisions.actions import Acknowledge
from tests.build import an_order_action, pieces

TODAY = date(2026, 3, 2)


def typed(language="en-GB", **fields):
    return changed(an_order_action(), fields, language=language, today=TODAY)


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("en-GB", "1,200.5", "1200.5"),
        ("de", "1.200,5", "1200.5"),
        ("fr", "1\u202f200,5", "1200.5"),
        ("pl", "12,5", "12.5"),
        ("en", " 7 ", "7"),
    ],
)
def test_a_quantity_is_read_as_the_reader_writes_it(language, text, value):
    assert typed(language, quantity_0=text).lines[0].quantity == pieces(value)


@pytest.mark.parametrize(
    "text", ["0", "-5", "1e400", "NaN", "Infinity", "ten", "1.2.3", "0.000001", "1" * 30, "٣x"]
)
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(BadQuantityError, match="is not a quantity"):
        typed(quantity_0=text)


def test_a_decimal_comma_is_not_guessed_in_english():
    with pytest.raises(BadQuantityError):
        typed("en-GB", quantity_0="12,5")


@given(text=st.text(max_size=30))
def test_anything_typed_is_a_positive_quantity_or_refused(text):
    try:
        order = typed("de", quantity_0=text)
    except BadQuantityError:
        return
    assert order.lines[0].quantity.value > 0


def test_a_day_may_be_today_but_not_yesterday():
    assert typed(date_0="2026-03-02").lines[0].expected_receipt_date == TODAY
    for text in ("2026-03-01", "tomorrow", "2026-02-30"):
        with pytest.raises(BadReceiptDateError, match="is not a day"):
            typed(date_0=text)


def test_the_vendor_may_be_another_one():
    assert typed(vendor=" V-9 ").vendor == "V-9"


def test_what_is_left_empty_stays_as_it_was():
    assert typed(quantity_0="", date_0=" ", vendor="") == an_order_action()


def test_an_action_with_nothing_to_change_says_so():
    with pytest.raises(NotChangeableError):
        changed(Acknowledge(), {"quantity_0": "5"}, language="en", today=TODAY)


def test_the_unit_stays_what_it_was():
    assert typed(quantity_0="5").lines[0].quantity.value == Decimal(5)
