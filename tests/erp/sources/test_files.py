"""Files that people drop in a folder: the newest complete one is read, and nothing is run."""

import asyncio
import os
from datetime import UTC, datetime

import pytest

from erp.snapshot import Stock
from erp.sources.files import FileRows
from erp.sources.source import Source
from tests.erp.sources.conftest import NOW
from tests.erp.sources.drop import MONDAY, OWNER, TUESDAY, items_of, mapping, put, why

LARGER = "is larger than any number that a plant has."


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
