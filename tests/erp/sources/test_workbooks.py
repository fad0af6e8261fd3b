"""Workbooks are read as they were computed last, and cannot do any harm."""

import io
import zipfile
from datetime import datetime

import openpyxl
import pytest

from tests.erp.sources.drop import items_of, mapping, put, why


def workbook(*rows, title="Stock"):
    """Return the bytes of a workbook with one sheet."""
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def repacked(content, change):
    """Return a workbook in which each part's bytes went through `change(name, bytes)`."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            new.writestr(part.filename, change(part.filename, old.read(part)))
    return packed.getvalue()


async def test_a_workbook_is_read_and_nothing_in_it_is_computed(folder, drop):
    content = workbook(
        ["Item", "Quantity"],
        ["A", 0.1],
        [10023, 2],
        ["C", "=1+1"],
        ['=HYPERLINK("http://evil.example.com", "D")', 4],
        [None, None],
        ["F", "#DIV/0!"],
        [datetime(2026, 3, 31), True],  # noqa: DTZ001  as Excel has its dates
    )
    put(drop / "stock.xlsx", content)
    source = folder.source(mapping("stock.xlsx"))

    reading = await source.read(["stock"])

    assert [(one.item, str(one.quantity)) for one in reading.snapshot.stock] == [
        ("A", "0.1 PCS"),
        ("10023", "2 PCS"),
    ]
    assert [(one.ref, one.problems) for one in reading.quarantined] == [
        ("row 4", ("quantity (from 'Quantity'): is empty, and it is needed.",)),
        ("row 5", ("item (from 'Item'): is empty, and it is needed.",)),
        ("row 7", ("quantity (from 'Quantity'): holds #DIV/0!, an error of the spreadsheet.",)),
        (
            "row 8",
            (
                "item (from 'Item'): datetime.datetime(2026, 3, 31, 0, 0) is no text.",
                "quantity (from 'Quantity'): True is no number.",
            ),
        ),
    ]


async def test_a_formula_gives_the_value_that_was_saved_with_it(folder, drop):
    def saved(_, part):
        return part.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(
            b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>"
        )

    content = repacked(workbook(["Item", "Quantity"], ["A", "=1+1"]), saved)
    put(drop / "stock.xlsx", content)
    source = folder.source(mapping("stock.xlsx"))

    snapshot = await source.snapshot(["stock"])

    assert [str(one.quantity) for one in snapshot.stock] == ["2 PCS"]


async def test_texts_that_excel_keeps_in_a_table_of_their_own_are_read(folder, drop):
    texts = ["Item", "Quantity", "A"]
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'

    def shared(name, part):
        text = part.decode()
        for number, one in enumerate(texts):
            inline = f't="inlineStr"><is><t>{one}</t></is>'
            text = text.replace(inline, f't="s"><v>{number}</v>')
        return text.replace("</Types>", override) if name.startswith("[Content") else text

    table = "".join(f"<si><t>{one}</t></si>" for one in texts)
    content = io.BytesIO(repacked(workbook(["Item", "Quantity"], ["A", 1]), shared))
    with zipfile.ZipFile(content, "a") as package:
        package.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{table}</sst>')
    put(drop / "stock.xlsx", content.getvalue())
    source = folder.source(mapping("stock.xlsx"))

    assert items_of(await source.snapshot(["stock"])) == ["A"]


async def test_the_sheet_that_is_named_is_read(folder, drop):
    put(drop / "stock.xlsx", workbook(["Item", "Quantity"], ["A", 1], title="March"))
    place = 'sheet = "{}"'
    march = folder.source(mapping("stock.xlsx", place=place.format("March")))
    april = folder.source(mapping("stock.xlsx", place=place.format("April")))

    assert items_of(await march.snapshot(["stock"])) == ["A"]
    assert await why(april) == "stock.xlsx has no sheet 'April'; there are: 'March'"


def _entities(name, part):
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "' + b"ha" * 1000 + b'"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
        b'<!ENTITY c SYSTEM "file:///etc/passwd">]>'
    )
    return bomb + part if name.startswith("xl/worksheets") else part


def _cyclic(name, part):
    circle = b'<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>'
    return circle + part if name == "xl/workbook.xml" else part


def _in_utf_16(name, part):
    return part.decode().encode("utf-16") if name.startswith("xl/worksheets") else part


def _in_ebcdic(name, part):
    start = b'<?xml version="1.0" encoding="cp037"?>'
    return start + part if name.startswith("xl/worksheets") else part


def _bomb(name, part):
    return part + b" " * 11_000_000 if name == "docProps/core.xml" else part


def _tags(_, part):
    cells = b"<c/>" * 250_000
    return part.replace(b"</row>", cells + b"</row>", 1) if b"</row>" in part else part


def _without_sheet(name, part):
    return b"" if name.startswith("xl/worksheets") else part


def _far_away(name, part):
    if not name.startswith("xl/worksheets"):
        return part
    part = part.replace(b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    return part.replace(b'<row r="2"', b'<row r="1048576"').replace(b'r="A2"', b'r="A1048576"')


HOSTILE = {
    "entities": (_entities, "stock.xlsx declares entities or an odd encoding"),
    "cyclic entities": (_cyclic, "stock.xlsx declares entities or an odd encoding"),
    "UTF-16": (_in_utf_16, "stock.xlsx declares entities or an odd encoding"),
    "EBCDIC": (_in_ebcdic, "stock.xlsx declares entities or an odd encoding"),
    "a bomb": (_bomb, "stock.xlsx unpacks to more than 10 MB"),
    "cells without end": (_tags, "stock.xlsx holds more than 10 rows need"),
    "no sheet": (_without_sheet, "stock.xlsx is no workbook that can be read"),
    "a row far away": (_far_away, "stock.xlsx has more than 10 rows"),
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_a_workbook_that_means_harm_says_why_it_is_not_read(folder, drop, what):
    change, reason = HOSTILE[what]
    put(drop / "stock.xlsx", repacked(workbook(["Item", "Quantity"], ["A", 1]), change))
    source = folder.source(mapping("stock.xlsx", limits="rows = 10\nmegabytes = 1"))

    assert (await why(source)).startswith(reason)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"Item,Quantity\nA,1", b"\xd0\xcf\x11\xe0" + b"\0" * 600]
)
async def test_what_is_no_workbook_is_refused(folder, drop, content):
    put(drop / "stock.xlsx", content)
    source = folder.source(mapping("stock.xlsx"))

    assert (await why(source)).startswith("stock.xlsx is no workbook that can be read")


async def test_a_workbook_of_a_thousand_parts_is_refused(folder, drop):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        for number in range(1001):
            package.writestr(f"xl/{number}.xml", b"")
    put(drop / "stock.xlsx", packed.getvalue())
    source = folder.source(mapping("stock.xlsx"))

    assert await why(source) == "stock.xlsx has more than 1000 parts"


@pytest.mark.filterwarnings("ignore:Cell .* is marked as a date:UserWarning")
async def test_a_date_that_no_calendar_has_spoils_its_row_only(folder, drop):
    def far(_, part):
        return part.replace(b"<v>46112</v>", b"<v>99999999</v>")

    rows = [["Item", "Quantity", "Day"], ["A", 1, datetime(2026, 3, 31)], ["B", 2, None]]  # noqa: DTZ001
    put(drop / "stock.xlsx", repacked(workbook(*rows), far))
    text = mapping("stock.xlsx").replace('item = "Item"', 'item = "Item"\nhappened_at = "Day"')
    source = folder.source(text)

    reading = await source.read(["stock"])

    assert items_of(reading.snapshot) == ["B"]
    assert [one.problems for one in reading.quarantined] == [
        ("happened_at (from 'Day'): holds #VALUE!, an error of the spreadsheet.",)
    ]
