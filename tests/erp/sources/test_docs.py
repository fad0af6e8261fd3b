"""Every example of docs/sources.md is read by the program as it stands there."""

import os
import re
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from decisions.money import Currency, Money
from decisions.quantity import Quantity, Unit
from erp.snapshot import (
    Budget,
    Consumption,
    Machine,
    Need,
    Origin,
    Stock,
)
from erp.sources.mapping import ORIGIN, WANTED
from erp.sources.mapping_file import SourceFileError
from tests.erp.sources.conftest import PAGE


@pytest.fixture(scope="module")
def examples():
    """The examples of the page, by the language that is written behind their fence."""
    found = {}
    for language, text in re.findall(
        r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    ):
        found.setdefault(language, []).append(text)
    return found


async def test_the_api_gives_what_the_page_says(folder, api, examples):
    bookings, machines = examples["json"]
    api.says("bookings", bookings)
    api.says("machines", machines)
    folder.environment["COUNTERSIGN_SOURCE_MES_TOKEN"] = "sesame"  # noqa: S105  made up
    source = folder.source(examples["toml"][0].replace("https://mes.example.com/api/", api.url))

    reading = await source.read(["consumption", "machines"])

    origin = Origin(
        source="Floor MES",
        ref="7",
        happened_at=datetime(2026, 3, 31, 4, 10, tzinfo=UTC),
        entered_at=datetime(2026, 3, 31, 12, 0, tzinfo=UTC),
    )
    assert reading.quarantined == ()
    assert reading.snapshot.consumption[0] == Consumption(
        item="RM-200",
        quantity=Quantity(Decimal("12.50"), Unit("KG")),
        document="FA-1041",
        location="LINE-2",
        origin=origin,
    )
    assert reading.snapshot.consumption[1].quantity == Quantity(Decimal(4), Unit("PCS"))
    assert [(one.name, one.state) for one in reading.snapshot.machines] == [
        ("Extruder 2", "down"),
        ("Extruder 3", "unknown"),
    ]
    assert reading.snapshot.machines[0].until == datetime(2026, 3, 31, 16, 0, tzinfo=UTC)
    assert {one.headers["Authorization"] for one in api.asked} == {"Bearer sesame"}


async def test_the_database_gives_what_the_page_says(folder, examples):
    path = folder.path / "cmms.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(examples["sql"][0])
    connection.close()
    folder.environment["COUNTERSIGN_SOURCE_CMMS"] = f"sqlite:///{path}"
    source = folder.source(examples["toml"][1])

    reading = await source.read(["machines", "budgets"])

    changed = datetime(2026, 3, 31, 11, 40, tzinfo=UTC)
    assert reading.quarantined == ()
    assert reading.snapshot.machines[0] == Machine(
        name="Press 4",
        state="maintenance",
        until=datetime(2026, 3, 31, 20, 0, tzinfo=UTC),
        reading=None,
        reading_unit="",
        origin=Origin(
            source="Maintenance database",
            ref="Press 4",
            happened_at=changed,
            entered_at=changed,
        ),
    )
    assert [one.name for one in reading.snapshot.machines] == ["Press 4", "Press 5"]
    (budget,) = reading.snapshot.budgets
    assert budget == Budget(
        account="6040",
        name="Spare parts",
        starts=date(2026, 1, 1),
        ends=date(2026, 12, 31),
        given=Money(Decimal("180000.00"), Currency("PLN")),
        spent=Money(Decimal("41250.75"), Currency("PLN")),
        origin=budget.origin,
    )


async def test_the_files_give_what_the_page_says(folder, examples):
    drop = folder.path / "drop"
    drop.mkdir()
    stocktake = drop / "stock-2026-03-31.csv"
    stocktake.write_text(examples["csv"][0], encoding="cp1250")
    os.utime(stocktake, (1774900000, 1774900000))
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Wanted")
    for row in (
        ["Spare parts, as of Monday"],
        ["Part", "How many", "By", "Order"],
        ["SP-9", 3, datetime(2026, 4, 7), "WO-55"],  # noqa: DTZ001  as Excel has its dates
    ):
        sheet.append(row)
    book.save(drop / "spare-parts.xlsx")
    source = folder.source(examples["toml"][2].replace("[files]\n", "[files]\nsettle = 0\n"))

    reading = await source.read(["stock", "needs"])

    kept = "Stocktake: stock-2026-03-31.csv, kept by Ana Nowak <ana.nowak@example.com>"
    entered_at = datetime.fromtimestamp(1774900000, UTC)
    assert reading.snapshot.stock == (
        Stock(
            item="RM-200",
            location="WEST",
            quantity=Quantity(Decimal("1250.5"), Unit("KG")),
            origin=Origin(
                source=kept,
                ref="row 2",
                happened_at=datetime(2026, 3, 30, 20, 0, tzinfo=UTC),
                entered_at=entered_at,
            ),
        ),
        Stock(
            item="RM-300",
            location=None,
            quantity=Quantity(Decimal(40), Unit("PCS")),
            origin=Origin(
                source=kept,
                ref="row 3",
                happened_at=datetime(2026, 3, 30, 20, 5, tzinfo=UTC),
                entered_at=entered_at,
            ),
        ),
    )
    (bad,) = reading.quarantined
    assert (bad.source, bad.ref) == (kept, "row 4")
    assert bad.problems == (
        "quantity (from 'Ilość'): holds a formula; save the file with values instead.",
    )
    (need,) = reading.snapshot.needs
    assert need == Need(
        item="SP-9",
        quantity=Quantity(Decimal(3), Unit("PCS")),
        due=date(2026, 4, 7),
        location=None,
        wanted_by="production",
        document="WO-55",
        origin=need.origin,
    )


def test_the_page_lists_every_field_of_every_scope():
    rows = dict(re.findall(r"^\| `(\w+)` \| (`.*|\(`.*) \|$", PAGE.read_text(), re.MULTILINE))
    listed = {
        scope: {name: not optional for optional, name in re.findall(r"(\()?`(\w+)`", fields)}
        for scope, fields in rows.items()
        if scope in WANTED
    }

    assert listed == {
        scope: {name: wanted.required for name, wanted in fields.items()}
        for scope, fields in WANTED.items()
    }
    assert set(ORIGIN) == {"ref", "happened_at", "entered_at"}


KINDS = {
    "rest": 'url = "https://mes.example.com/"',
    "sql": 'dsn_from = "COUNTERSIGN_SOURCE_DSN"',
    "files": 'folder = "drop"',
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_explains_every_key(folder, kind):
    text = f"""
    kind = "{kind}"
    zz = 1
    [{kind}]
    {KINDS[kind]}
    zz = 1
    [limits]
    zz = 1
    [stock]
    zz = 1
    [stock.fields]
    item = {{from = "item", zz = 1}}
    quantity = {{from = "quantity", unit = "KG", zz = 1}}
    [vendors.fields]
    blocked = {{from = "blocked", zz = 1}}
    [items.fields]
    unit_cost = {{from = "cost", currency = "EUR", zz = 1}}
    """
    folder.put("source.toml", text)

    with pytest.raises(SourceFileError) as caught:
        folder.sources()

    known = re.findall(r"zz: is not known\. Known here: (.*)\.", "\n".join(caught.value.problems))
    keys = {key for listed in known for key in listed.split(", ")}
    assert len(known) == 8
    page = PAGE.read_text().replace("`[<scope>.", "`[")
    explained = set(re.findall(r"`\[?(\w+)\]?`", page))
    assert keys - explained == set()
