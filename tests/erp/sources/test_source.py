"""Sources give what an ERP gives, and one that is away takes no other with it."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from decisions.money import Currency, Money
from decisions.quantity import Quantity, Unit
from erp.ports import ErpUnreachableError
from erp.snapshot import (
    SCOPES,
    Item,
    Location,
    Need,
    Origin,
    ProductionOrder,
    PurchaseLine,
    Snapshot,
    Vendor,
    merged,
)
from erp.sources.source import read_all
from tests.erp.sources.api import Said
from tests.erp.sources.conftest import NOW

SINCE = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def mapping(api, tables, *, name="Floor MES", start=""):
    """Return a file of an API; each table's rows are behind a path of its own name."""
    scopes = "".join(
        f'[{scope}]\npath = "{scope}"\nrows = "[*]"\n[{scope}.fields]\n{fields}\n'
        for scope, fields in tables.items()
    )
    return f"""
name = "{name}"
owner = "Marta Weber <marta@example.com>"
kind = "rest"
{start}
[rest]
url = "{api.url}"
{scopes}"""


def same(*names):
    """Return fields that are called as their columns."""
    return "\n".join(f'{name} = "{name}"' for name in names)


STOCK = 'item = "item"\nquantity = {from = "quantity", unit = "KG"}'
ORIGIN = Origin(source="Floor MES", ref="R-1", happened_at=None, entered_at=NOW)


async def test_master_data_is_read(folder, api):
    api.says(
        "items", [{"ref": "R-1", "number": "A", "name": "Acid", "uom": "ltr", "cost": "1.50"}]
    )
    api.says(
        "vendors", [{"ref": "R-1", "number": "V1", "name": "Chemie AG", "blocked": "gesperrt"}]
    )
    api.says("locations", [{"ref": "R-1", "code": "WEST", "name": "West hall"}])
    cost = 'unit_cost = {from = "cost", currency = "eur"}\nunit = "uom"\n'
    blocked = 'blocked = {from = "blocked", words = {Gesperrt = true, frei = false}}\n'
    tables = {
        "items": cost + same("ref", "number", "name"),
        "vendors": blocked + same("ref", "number", "name", "email", "currency"),
        "locations": same("ref", "code", "name"),
    }
    source = folder.source(mapping(api, tables, start='[units]\nltr = "L"'))

    snapshot = await source.snapshot(["items", "vendors", "locations"])

    assert snapshot == Snapshot(
        read_at=NOW,
        items=(
            Item(
                number="A",
                name="Acid",
                unit=Unit("L"),
                unit_cost=Money(Decimal("1.50"), Currency("EUR")),
                blocked=False,
                origin=ORIGIN,
            ),
        ),
        vendors=(
            Vendor(
                number="V1",
                name="Chemie AG",
                email="",
                currency=None,
                blocked=True,
                origin=ORIGIN,
            ),
        ),
        locations=(Location(code="WEST", name="West hall", origin=ORIGIN),),
    )


async def test_orders_are_read(folder, api):
    line = {"ref": "R-1", "document": "PO-7", "line": 10000, "vendor": "V1", "item": "A"}
    more = {"open": "2,5", "uom": "t", "price": 1200, "money": "USD", "expected": "2026-04-07"}
    api.says("purchase_lines", [line | more | {"status": "Freigegeben"}])
    order = {"ref": "R-1", "document": "FA-1", "item": "B", "quantity": "4"}
    api.says("production", [order | {"starts": None, "due": "2026-04-08", "status": "Läuft"}])
    need = {"ref": "R-1", "document": "SO-3", "item": "B", "quantity": 1, "due": "2026-04-09"}
    api.says("needs", [need | {"for": "VK"}])
    pieces = 'quantity = {from = "quantity", unit = "PCS"}\n'
    tables = {
        "purchase_lines": (
            'outstanding = {from = "open", unit_from = "uom"}\n'
            'unit_cost = {from = "price", currency_from = "money"}\n'
            'status = {from = "status", words = {freigegeben = "released"}}\n'
            + same("ref", "document", "line", "vendor", "item", "expected", "location")
        ),
        "production": pieces + same("ref", "document", "item", "starts", "due", "status"),
        "needs": (
            pieces
            + 'wanted_by = {from = "for", words = {VK = "sales"}}\n'
            + same("ref", "document", "item", "due")
        ),
    }
    source = folder.source(mapping(api, tables, start='decimal = ","'))

    snapshot = await source.snapshot(["purchase_lines", "production", "needs"])

    assert snapshot.purchase_lines == (
        PurchaseLine(
            document="PO-7",
            line=10000,
            vendor="V1",
            item="A",
            outstanding=Quantity(Decimal("2.5"), Unit("T")),
            unit_cost=Money(Decimal(1200), Currency("USD")),
            expected=date(2026, 4, 7),
            location=None,
            status="released",
            origin=ORIGIN,
        ),
    )
    assert snapshot.production == (
        ProductionOrder(
            document="FA-1",
            item="B",
            quantity=Quantity(Decimal(4), Unit("PCS")),
            starts=None,
            due=date(2026, 4, 8),
            status="Läuft",
            origin=ORIGIN,
        ),
    )
    assert snapshot.needs == (
        Need(
            item="B",
            quantity=Quantity(Decimal(1), Unit("PCS")),
            due=date(2026, 4, 9),
            location=None,
            wanted_by="sales",
            document="SO-3",
            origin=ORIGIN,
        ),
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("draft", "draft"),
        ("Released", "released"),
        ("Draft ", "draft"),
        ("drafted", "unknown"),
        ("Entwurf", "unknown"),
        (7, "unknown"),
    ],
)
async def test_a_status_that_nobody_listed_is_unknown(folder, api, word, status):
    line = {"document": "PO-7", "line": 1, "vendor": "V1", "item": "A", "open": 1}
    api.says("purchase_lines", [line | {"status": word}])
    outstanding = 'outstanding = {from = "open", unit = "KG"}\n'
    fields = outstanding + same("document", "line", "vendor", "item", "status")
    source = folder.source(mapping(api, {"purchase_lines": fields}))

    (one,) = (await source.snapshot(["purchase_lines"])).purchase_lines

    assert one.status == status


async def test_words_that_have_no_unknown_and_units_that_are_none_spoil_their_row(folder, api):
    good = {"item": "A", "quantity": 1, "unit": "KG", "due": "2026-04-09", "document": "D"}
    api.says(
        "needs",
        [
            good | {"for": "sales"},
            good | {"for": "whim"},
            good | {"for": "sales", "unit": None},
            good | {"for": "sales", "unit": "some long unit"},
            good | {"for": "sales", "quantity": None},
        ],
    )
    fields = 'quantity = {from = "quantity", unit_from = "unit"}\nwanted_by = "for"\n'
    source = folder.source(mapping(api, {"needs": fields + same("item", "due", "document")}))

    reading = await source.read(["needs"])

    assert len(reading.snapshot.needs) == 1
    assert [one.problems for one in reading.quarantined] == [
        ("wanted_by (from 'for'): 'whim' is not listed under `words`.",),
        ("quantity (from 'quantity'): has no unit.",),
        ("quantity (from 'quantity'): 'SOME LONG UNIT' is no unit code; list it under [units].",),
        ("quantity (from 'quantity'): is empty, and it is needed.",),
    ]


async def test_amounts_without_a_currency_spoil_their_row(folder, api):
    good = {"account": "6040", "name": "Parts", "starts": "2026-01-01", "ends": "2026-12-31"}
    api.says(
        "budgets",
        [
            good | {"given": 10, "money": "PLN"},
            good | {"given": 10, "money": "zł"},
            good | {"given": 10},
        ],
    )
    fields = 'given = {from = "given", currency_from = "money"}\n'
    source = folder.source(
        mapping(api, {"budgets": fields + same("account", "name", "starts", "ends")})
    )

    reading = await source.read(["budgets"])

    assert [one.given for one in reading.snapshot.budgets] == [Money(Decimal(10), Currency("PLN"))]
    assert [one.problems for one in reading.quarantined] == [
        ("given (from 'given'): 'zł' is no currency; expected is an ISO 4217 code.",),
        ("given (from 'given'): has no currency.",),
    ]


async def test_a_source_that_is_away_does_not_stop_the_others(folder, api):
    api.says("stock", [{"item": "A", "quantity": 1}, {"item": "B", "quantity": "much"}])
    api.says("locations", Said(status=500))
    folder.put("a.toml", mapping(api, {"stock": STOCK}, name="WMS"))
    folder.put("b.toml", mapping(api, {"locations": same("code", "name")}, name="MES"))
    away = mapping(api, {"stock": STOCK, "machines": same("name", "state")}, name="CMMS")
    folder.put("c.toml", away.replace(api.url, "http://127.0.0.1:9/"))

    reading = await read_all(folder.sources(), SCOPES[:5], since=SINCE, now=NOW)

    lost = "CMMS cannot be read right now (no connection, or it was lost (ClientConnectorError))."
    broken = "MES cannot be read right now (status 500 for /api/locations)."
    assert [one.item for one in reading.snapshot.stock] == ["A"]
    assert (reading.snapshot.since, reading.snapshot.whole) == (SINCE, {"stock"})
    assert set(reading.snapshot.missing) == {"items", "vendors", "locations", "purchase_lines"}
    assert reading.snapshot.missing["locations"] == broken
    assert reading.away == {"stock": (lost,), "locations": (broken,)}
    assert [(one.source, one.ref) for one in reading.quarantined] == [("WMS", "stock 2")]


async def test_what_a_source_gives_merges_with_what_the_erp_gives(folder, api):
    api.says("stock", [{"item": "A", "quantity": 1}])
    source = folder.source(mapping(api, {"stock": STOCK}))
    erp = Snapshot(
        read_at=NOW,
        locations=(Location(code="WEST", name="West hall", origin=ORIGIN),),
        missing={"stock": "no permission", "budgets": "no permission"},
    )

    both = merged([erp, await source.snapshot(["stock", "locations"])], read_at=NOW)

    assert [one.item for one in both.stock] == ["A"]
    assert [one.code for one in both.locations] == ["WEST"]


async def test_no_sources_at_all_hide_nothing_that_the_erp_lacks():
    lacks = dict.fromkeys(SCOPES, "no permission")

    nothing = await read_all((), SCOPES, now=NOW)

    assert set(nothing.snapshot.missing) == set(SCOPES)
    assert (
        nothing.snapshot.missing["stock"] == "No source beside the ERP says anything about stock."
    )
    both = merged([nothing.snapshot, Snapshot(read_at=NOW, missing=lacks)], read_at=NOW)
    assert both.missing == lacks


async def test_a_source_that_is_asked_for_nothing_of_its_own_is_not_asked(folder, api):
    source = folder.source(mapping(api, {"stock": STOCK}))

    snapshot = await source.snapshot(["items"])

    assert snapshot.missing == {
        "items": "Floor MES says nothing about items: its file has no table [items]."
    }
    assert api.asked == []


async def test_a_source_none_of_whose_scopes_can_be_had_is_away(folder, api):
    source = folder.source(mapping(api, {"stock": STOCK, "locations": same("code", "name")}))

    with pytest.raises(ErpUnreachableError) as caught:
        await source.snapshot(["stock", "locations"])

    assert caught.value.why == "status 404 for /api/locations; status 404 for /api/stock"
