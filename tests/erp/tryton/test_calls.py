"""What may be sent to Tryton, and nothing besides; no Tryton is needed for this."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from erp.tryton.calls import (
    CANCEL,
    CREATE,
    MOVE,
    WRITE,
    Add,
    AddLines,
    Cancel,
    Create,
    EditedLines,
    EditLine,
    LineValues,
    Move,
    MovedDate,
    NewLine,
    NewPurchase,
    Write,
    body_of,
    call_in,
)
from erp.tryton.entities import Day, Exact, Purchase, fields_of

LINE = NewLine(
    product=1,
    unit=36,
    quantity=Decimal("40.5"),
    unit_price=Exact("31.25"),
    taxes=(Add((4,)),),
    delivery_date_edit=True,
    delivery_date_store=Day.of(date(2026, 3, 9)),
)
PURCHASE = NewPurchase(
    company=1,
    party=2,
    currency=1,
    reference="Countersign CS-1",
    description="Countersign CS-1",
    lines=(AddLines((LINE,)),),
)
CALLS = {
    CREATE: Create((PURCHASE,)),
    WRITE: Write((17,), EditedLines(lines=(EditLine((23,), LineValues(quantity=Decimal(60))),))),
    CANCEL: Cancel((17,)),
    MOVE: Move((5,), MovedDate(planned_date=Day.of(date(2026, 3, 9)))),
}


def test_a_new_purchase_is_written_as_tryton_reads_it():
    assert body_of(CALLS[CREATE]) == (
        '[[{"company":1,"party":2,"currency":1,"reference":"Countersign CS-1",'
        '"description":"Countersign CS-1","lines":[["create",[{"product":1,"unit":36,'
        '"quantity":40.5,"unit_price":{"__class__":"Decimal","decimal":"31.25"},'
        '"taxes":[["add",[4]]],"delivery_date_edit":true,"delivery_date_store":'
        '{"__class__":"date","year":2026,"month":3,"day":9}}]]]}]]'
    )


def test_an_edit_of_a_line_goes_through_its_purchase():
    assert body_of(CALLS[WRITE]) == '[[17],{"lines":[["write",[23],{"quantity":60}]]}]'


@pytest.mark.parametrize("method", CALLS)
def test_what_is_written_is_read_back_the_same(method):
    call = CALLS[method]

    assert call_in(method, body_of(call)) == call


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("model.purchase.purchase.confirm", "[[17]]"),
        ("model.purchase.purchase.delete", "[[17]]"),
        (CANCEL, "[[17],[18]]"),
        (CANCEL, "[[17,18]]"),
        (WRITE, '[[17],{"state":"done"}]'),
        (WRITE, '[[17],{"lines":[["delete",[23]]]}]'),
        (WRITE, '[[17],{"lines":[["write",[23],{"unit_price":1}]]}]'),
        (MOVE, '[[5],{"quantity":1}]'),
        (MOVE, '[[5,6],{"planned_date":{"__class__":"date","year":2026,"month":3,"day":9}}]'),
        (CREATE, '[[{"company":1,"party":2,"currency":1,"state":"done"}]]'),
    ],
)
def test_a_method_or_a_field_that_is_not_on_the_list_is_not_read(method, body):
    with pytest.raises(msgspec.DecodeError):
        call_in(method, body)


def test_a_record_is_asked_for_field_by_field_through_its_references():
    asked = fields_of(Purchase)

    assert {"number", "_timestamp", "party.code", "lines.moves.planned_date"} <= set(asked)
    assert "lines." not in asked
