"""Money, quantities and the one spelling of records."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from decisions.canonical import canonical, decimal_text, digest
from decisions.money import Currency, CurrencyMismatchError, Money, NoRateError, Rates, total
from decisions.quantity import Quantity, Unit, UnitMismatchError
from tests.build import EUR, USD, eur, usd


def test_amounts_of_one_currency_add_up_exactly():
    assert eur("0.10") + eur("0.20") == eur("0.30")
    assert eur(5) - eur("0.01") == eur("4.99")
    assert total([eur(1), usd(2), eur(3)]) == (eur(4), usd(2))


def test_amounts_of_two_currencies_do_not():
    with pytest.raises(CurrencyMismatchError):
        eur(1) + usd(1)
    with pytest.raises(CurrencyMismatchError):
        eur(1) - usd(1)


def test_a_currency_without_a_rate_is_never_guessed():
    rates = Rates(base=EUR, per_unit={USD: Decimal("0.9")})

    assert rates.sum_in_base([eur(1), usd(10)]) == eur(10)
    assert not rates.knows(Currency("CNY"))
    with pytest.raises(NoRateError, match="CNY"):
        rates.to_base(Money(Decimal(1), Currency("CNY")))


def test_units_of_one_kind_convert_exactly():
    assert Quantity(Decimal(2500), Unit("G")).to(Unit("KG")) == Quantity(
        Decimal("2.5"), Unit("KG")
    )


@pytest.mark.parametrize("unit", ["BOX", "M", "PCS"])
def test_units_that_do_not_fit_are_refused(unit):
    with pytest.raises(UnitMismatchError, match="Nothing is guessed"):
        Quantity(Decimal(1), Unit("KG")).to(Unit(unit))


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_a_number_has_one_spelling_however_it_was_typed(value):
    assert decimal_text(value) == decimal_text(Decimal(f"{value}00"))
    assert Decimal(decimal_text(value)) == value


def test_a_moment_has_one_spelling_whatever_its_offset():
    utc = datetime(2026, 3, 2, 9, tzinfo=UTC)
    berlin = utc.astimezone(timezone(timedelta(hours=1)))

    assert digest({"at": utc}) == digest({"at": berlin})


def test_records_become_plain_canonical_json():
    record = {"b": eur("10.50"), "a": (date(2026, 3, 2), None, True, timedelta(seconds=90))}

    assert canonical(record) == (
        b'{"a":["2026-03-02",null,true,"90"],"b":{"amount":"10.5","currency":"EUR"}}'
    )


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_plain)
def test_the_fast_spelling_is_the_one_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


def test_names_beyond_the_first_plane_sort_as_rfc_8785_says():
    assert canonical({"\uffff": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\uffff":1}'.encode()


def test_a_number_that_not_everybody_can_hold_has_no_canonical_form():
    with pytest.raises(ValueError, match="9007199254740992"):
        canonical({"seq": 2**53})


def test_a_float_has_no_canonical_form():
    with pytest.raises(TypeError, match="float"):
        canonical({"price": 0.1})
