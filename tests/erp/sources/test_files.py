"""Files that people drop in a folder: the newest complete one is read, and nothing is run."""

import asyncio
import io
import os
import zipfile
from datetime import UTC, datetime

import openpyxl
import pytest

from erp.ports import ErpUnreachableError
from erp.snapshot import Stock
from erp.sources.files import FileRows
from erp.sources.source import Source
from tests.erp.sources.conftest import NOW

LARGER = "is larger than any number that a plant has."
MONDAY, TUESDAY = 1774857600, 1774944000
OWNER = "Ana Nowak <ana@example.com>"


def mapping(pattern="stock*.csv", *, files="", place="", limits=""):
    """Return a file that reads stock from a folder."""
    return f"""
name = "Stocktake"
owner = "{OWNER}"
kind = "files"
[limits]
{limits}
[files]
folder = "drop"
settle = 0
{files}
[stock]
pattern = "{pattern}"
{place}
[stock.fields]
item = "Item"
quantity = {{from = "Quantity", unit = "PCS"}}
"""


@pytest.fixture
def drop(folder):
    """The folder that people drop files in."""
    path = folder.path / "drop"
    path.mkdir()
    return path


def put(path, content, at=MONDAY):
    """Put a file there that was changed at that time."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    os.utime(path, (at, at))


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


def items_of(snapshot):
    """Return which items the stock is of."""
    return [one.item for one in snapshot.stock]


async def why(source):
    """Return why a source cannot be read."""
    with pytest.raises(ErpUnreachableError) as caught:
        await source.snapshot(["stock"])
    return caught.value.why


def while_looking(source, step):
    """Return the source; between its two looks at the folder, `step` happens."""

    async def pause(seconds):
        assert seconds == 0
        step()

    reader = FileRows(mapping=source.mapping, access=source.mapping.access, pause=pause)
    return Source(mapping=source.mapping, reader=reader, now=lambda: NOW)


async def test_the_newest_file_is_read_with_its_owner_and_its_age(folder, drop):
    put(drop / "stock-b.csv", "Item,Quantity\nNEW,1\n", TUESDAY)
    put(drop / "stock-a.csv", "Item,Quantity\nOLD,1\n", MONDAY)
    put(drop / "other.csv", "Item,Quantity\nOTHER,1\n", TUESDAY + 1)
    source = folder.source(mapping())

    snapshot = await source.snapshot(["stock"], since=datetime(2026, 3, 31, tzinfo=UTC))

    (one,) = snapshot.stock
    assert isinstance(one, Stock)
    assert one.item == "NEW"
    assert one.origin.source == f"Stocktake: stock-b.csv, kept by {OWNER}"
    assert one.origin.ref == "row 2"
    assert one.origin.happened_at is None
    assert one.origin.entered_at == datetime.fromtimestamp(TUESDAY, UTC)
    assert snapshot.whole == {"stock"}


async def test_a_file_that_is_still_being_written_is_left_alone(folder, drop):
    put(drop / "stock-a.csv", "Item,Quantity\nOLD,1\n", MONDAY)
    growing = drop / "stock-b.csv"
    put(growing, "Item,Quantity\nNEW,", TUESDAY)
    source = folder.source(mapping())

    meanwhile = while_looking(source, lambda: put(growing, "Item,Quantity\nNEW,1", TUESDAY))

    assert items_of(await meanwhile.snapshot(["stock"])) == ["OLD"]
    assert items_of(await source.snapshot(["stock"])) == ["NEW"]


async def test_a_file_that_came_between_the_looks_waits_for_the_next_time(folder, drop):
    source = folder.source(mapping())

    meanwhile = while_looking(source, lambda: put(drop / "stock.csv", "Item,Quantity\nA,1"))

    assert await why(meanwhile) == "every file called stock*.csv is still being written"


@pytest.mark.parametrize(
    "name", ["stock.csv.part", "stock.csv.tmp", ".stock.csv", "~$stock.csv", "xstock.csv"]
)
async def test_names_of_unfinished_files_are_passed_over(folder, drop, name):
    put(drop / name, "Item,Quantity\nA,1")
    source = folder.source(mapping("*stock*" + ".csv" if name != "xstock.csv" else "stock.csv"))

    assert "no file called" in await why(source)


async def test_a_link_is_refused(folder, drop):
    put(folder.path / "secret.csv", "Item,Quantity\nSECRET,1")
    (drop / "stock.csv").symlink_to(folder.path / "secret.csv")
    source = folder.source(mapping())

    assert await why(source) == "stock.csv is a link or no file; only plain files are read"


async def test_a_link_that_takes_the_place_of_a_file_is_refused_too(folder, drop):
    secret, file = folder.path / "secret.csv", drop / "stock.csv"
    put(secret, "Item,Quantity\nSECRET,1")
    put(file, "Item,Quantity\nA,1")
    source = folder.source(mapping())
    seen = source.reader._look("stock.csv")["stock.csv"]  # noqa: SLF001  between look and opening

    file.unlink()
    file.symlink_to(secret)

    with pytest.raises(OSError, match="symbolic links"):
        source.reader._content(seen)  # noqa: SLF001  between look and opening


async def test_what_is_no_file_is_refused_without_waiting_for_it(folder, drop):
    os.mkfifo(drop / "stock.csv")
    source = folder.source(mapping())

    async with asyncio.timeout(30):
        assert "is a link or no file" in await why(source)


async def test_a_folder_that_is_not_there_is_named(folder):
    source = folder.source(mapping())

    assert await why(source) == ("its folder or file cannot be opened: No such file or directory")


@pytest.mark.parametrize(
    ("content", "files"),
    [
        ("\ufeffItem,Quantity\nŁÓDŹ,1\n".encode(), ""),
        ("Item;Quantity\r\nŁÓDŹ;1\r\n".encode("cp1250"), 'encoding="cp1250"\ndelimiter=";"'),
        ("Item\tQuantity\nŁÓDŹ\t1".encode("utf-16"), 'encoding="utf-16"\ndelimiter="\\t"'),
        (b'"item ", Quantity,Item no\n"\xc5\x81\xc3\x93D\xc5\xb9",1,x\n\n , ,\n', ""),
    ],
    ids=["a BOM", "semicolons", "tabs", "quotation marks"],
)
async def test_csv_is_read_as_it_is_written(folder, drop, content, files):
    put(drop / "stock.csv", content)
    source = folder.source(mapping(files=files))

    reading = await source.read(["stock"])

    assert (items_of(reading.snapshot), reading.quarantined) == (["ŁÓDŹ"], ())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Item,Quantity\nŁ,1".encode("cp1250"), "stock.csv is not utf-8; say in the mapping"),
        (b"", "stock.csv has no header in row 1"),
        (b"Item;Quantity\nA;1", "stock.csv: the column 'Item' is not there; there are: 'Item;Q"),
        (b"Item,Item,Quantity\nA,B,1", "stock.csv: the column 'Item' is there more than once"),
        (b'Item,Quantity\n"A"B,1', "stock.csv is no CSV: "),
        (b'Item,Quantity\n"A,1', "stock.csv is no CSV: unexpected end of data"),
        (b"Item,Quantity\n" + b"A" * 200_000, "stock.csv is no CSV: field larger than"),
        (b"Item,Quantity\n" + b"A,1\n" * 11, "stock.csv has more than 10 rows"),
        (b" " * 1_000_001, "stock.csv is larger than 1 MB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_csv_file_that_cannot_be_read_says_why(folder, drop, content, reason):
    put(drop / "stock.csv", content)
    source = folder.source(mapping(limits="rows = 10\nmegabytes = 1"))

    assert (await why(source)).startswith(reason)


async def test_bad_rows_are_kept_with_all_their_problems_and_the_others_are_used(folder, drop):
    put(
        drop / "stock.csv",
        "Item,Quantity\n"
        "A,1\n"
        '"=HYPERLINK(""http://evil.example.com"",""A"")",2\n'
        " =cmd|' /C calc'!A0,#REF!\n"
        "D,NaN\n"
        "E,10,5\n"
        "F\n"
        "G,1e400\n"
        '"H\x00",1\n'
        ",\n"
        "J,7\n",
    )
    source = folder.source(mapping())

    reading = await source.read(["stock"])

    formula = "holds a formula; save the file with values instead."
    assert items_of(reading.snapshot) == ["A", "J"]
    assert [(one.ref, one.problems) for one in reading.quarantined] == [
        ("row 3", (f"item (from 'Item'): {formula}",)),
        (
            "row 4",
            (
                f"item (from 'Item'): {formula}",
                "quantity (from 'Quantity'): holds #REF!, an error of the spreadsheet.",
            ),
        ),
        ("row 5", ("quantity (from 'Quantity'): NaN is no finite number.",)),
        ("row 6", ("it has 3 cells, and the header 2; is a delimiter not quoted?",)),
        ("row 7", ("it has 1 cells, and the header 2; is a delimiter not quoted?",)),
        ("row 8", (f"quantity (from 'Quantity'): 1.000e+400 {LARGER}",)),
        (
            "row 9",
            ("item (from 'Item'): it holds the character U+0000, which does not print.",),
        ),
    ]
    assert {one.source for one in reading.quarantined} == {
        f"Stocktake: stock.csv, kept by {OWNER}"
    }


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
