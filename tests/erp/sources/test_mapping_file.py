"""A mapping file says everything that is needed, or every problem is named at once."""

import pytest

from erp.sources.mapping_file import SourceFileError

START = """
name = "Floor MES"
owner = "Marta Weber <marta@example.com>"
"""

REST = f"""{START}
kind = "rest"
[rest]
url = "https://mes.example.com/api/"
"""

SQL = f"""{START}
kind = "sql"
[sql]
dsn_from = "COUNTERSIGN_SOURCE_DSN"
"""

FILES = f"""{START}
kind = "files"
[files]
folder = "drop"
"""

STOCK_FIELDS = """
[stock.fields]
item = "item"
quantity = {from = "quantity", unit = "KG"}
"""

REST_STOCK = f"""
[stock]
path = "stock"
rows = "[*]"
{STOCK_FIELDS}"""

SQL_STOCK = REST_STOCK.replace(
    'path = "stock"\nrows = "[*]"', 'query = "SELECT item, quantity FROM stock"'
)

FILE_STOCK = f"""
[stock]
pattern = "stock.csv"
{STOCK_FIELDS}"""


def problems_of(folder, text):
    """Return what is wrong with a file, as its reader is told."""
    folder.put("mes.toml", text)
    with pytest.raises(SourceFileError) as caught:
        folder.sources()
    return list(caught.value.problems)


def test_every_problem_is_named_at_once_with_its_place_and_what_to_do(folder):
    folder.put(
        "mes.toml",
        """
        name = "Floor MES"
        owner = "Marta"
        kind = "rest"
        timezone = "Europe/Berln"
        color = "blue"
        [rest]
        urk = "https://mes.example.com"
        [consumption]
        path = "bookings"
        rows = "data"
        [consumption.fields]
        item = "part"
        quantity = "used"
        status = "done"
        """,
    )

    with pytest.raises(SourceFileError) as caught:
        folder.sources()

    assert str(caught.value) == (
        "These sources cannot be read (docs/sources.md):\n"
        "  - mes.toml: owner: has no e-mail address. Add the one that reaches the person.\n"
        "  - mes.toml: timezone: 'Europe/Berln' is no IANA time zone such as Europe/Berlin.\n"
        '  - mes.toml: [rest], url: is missing. Write url = "https://mes.example.com/api/".\n'
        "  - mes.toml: [rest], urk: is not known. Did you mean 'url'?\n"
        "  - mes.toml: [consumption], rows: 'data' names no list. Put [*] behind the list whose "
        "parts are the rows.\n"
        '  - mes.toml: [consumption.fields], quantity, unit: is missing. Write unit = "KG", or '
        'unit_from = "the column it is in".\n'
        '  - mes.toml: [consumption.fields], document: is missing. Write document = "the column '
        'or path it is in".\n'
        "  - mes.toml: [consumption.fields], status: is not known. Known here: item, quantity, "
        "document, location, ref, happened_at, entered_at.\n"
        "  - mes.toml: color: is not known. Known here: name, owner, timezone, date_format, "
        "datetime_format, decimal, thousands, empty, units, limits, kind, rest, items, vendors, "
        "locations, stock, purchase_lines, production, needs, budgets, consumption, machines."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "it is not TOML"),
        (f"{START}", "kind: is missing."),
        (f"{START}kind = 'fax'", "kind: is 'fax'. It is one of 'rest', 'sql', 'files'."),
        (f"{START}kind = 'rest'\n{REST_STOCK}", "[rest]: is missing. Add the table"),
        (f"{START}kind = 'rest'\nrest = 'x'\n{REST_STOCK}", "rest: is no table."),
        (REST, "It says nothing about any of: items,"),
        (f"{START}decimal = ';'\n{REST[len(START) :]}{REST_STOCK}", "decimal: is ';'."),
        (f"{START}thousands = '.'\n{REST[len(START) :]}{REST_STOCK}", "thousands: is the sign"),
        (f"{START}empty = '-'\n{REST[len(START) :]}{REST_STOCK}", "empty: is not a list of texts"),
        (f"{START}date_format = '%d.%m.'\n{REST[len(START) :]}{REST_STOCK}", "date_format: loses"),
        (
            f"{START}datetime_format = '%d.%m.%Y'\n{REST[len(START) :]}{REST_STOCK}",
            "datetime_format: loses",
        ),
        (f"{START}name = 7", "it is not TOML"),
        (f"{REST}{REST_STOCK}[limits]\nrows = 0", "[limits], rows: is 0; write a number from 1"),
        (f"{REST}{REST_STOCK}[limits]\nrows = 'x'", "[limits], rows: is no number"),
        (f"{REST}{REST_STOCK}[units]\nkg = 1", "units.kg: is no text"),
    ],
)
def test_what_the_file_as_a_whole_gets_wrong_is_named(folder, text, said):
    assert any(said in problem for problem in problems_of(folder, text))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "ftp://mes.example.com"', "is no address; it begins with https://"),
        ('url = "http://[::1"', "is no address"),
        ('url = "https://ana:sesame@mes.example.com"', "holds a log-in"),
        ('url = "http://mes.example.com"\ntoken_from = "COUNTERSIGN_SOURCE_T"', "Use https://"),
        ('headers = {Authorization = "Bearer sesame"}', "looks like a secret"),
        ('headers = {X-Api-Key = "sesame"}', "looks like a secret"),
        ('headers = {X-Site = "a\\r\\nb"}', "is no header of HTTP"),
        ('token_from = "sesame"', "never the secret itself"),
        ('token_from = "COUNTERSIGN_BC_WRITER_SECRET"', "begins with COUNTERSIGN_SOURCE_"),
        ('secret_headers = {X-Api-Key = "PATH"}', "begins with COUNTERSIGN_SOURCE_"),
    ],
)
def test_a_way_into_an_api_that_would_leak_is_refused(folder, line, said):
    start = (
        REST
        if not line.startswith("url")
        else REST.replace('url = "https://mes.example.com/api/"', "")
    )

    found = problems_of(folder, f"{start}{line}\n{REST_STOCK}")

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"stock"', '"../admin"', "leaves the url"),
        ('"stock"', '"%2e%2e/admin"', "leaves the url"),
        ('"stock"', '"/admin"', "leaves the url"),
        ('"stock"', '"https://elsewhere.example.com/x"', "leaves the url"),
        ('"stock"', '"//elsewhere.example.com/x"', "leaves the url"),
        ('"stock"', '"stock?all=1"', "holds a query"),
        ('"[*]"', '"data..x[*]"', "is no path"),
        ('"[*]"', '"data[0]"', "is no path"),
        ('"[*]"', '"[*]"\nnext = "links[*].next"', "is no path to one value"),
        ('"[*]"', '"[*]"\nnext = "next"\npage = "p"', "Keep the one that the API uses"),
        ('"[*]"', '"[*]"\nfirst_page = 5', "write a number from 0 to 1"),
    ],
)
def test_a_place_outside_of_the_api_is_refused(folder, old, new, said):
    found = problems_of(folder, REST + REST_STOCK.replace(old, new, 1))

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM stock",
        "SELECT 1; DROP TABLE stock",
        "SELECT item FROM stock; DROP TABLE stock; --",
        "SELECT item FROM stock WHERE note = '; DROP'",
        "WITH gone AS (DELETE FROM stock RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copy FROM stock",
        "SELECT * FROM stock FOR UPDATE",
        "SELECT 1 /*! INTO OUTFILE 'x' */",
        "-- harmless\nDROP TABLE stock",
        "/* */ SELECT 1",
        "PRAGMA writable_schema = 1",
        "ATTACH DATABASE 'x' AS y",
        "EXPLAIN SELECT 1",
        "VALUES (1)",
        "SELECTED",
        "SELECT item FROM stock WHERE site = :site",
        "(SELECT 1)",
    ],
)
def test_sql_that_is_more_than_one_select_is_refused(folder, query):
    folder.environment["COUNTERSIGN_SOURCE_DSN"] = "sqlite:///stock.db"
    text = SQL + SQL_STOCK.replace('"SELECT item, quantity FROM stock"', f'"""{query}"""')

    (problem,) = problems_of(folder, text)

    assert problem.startswith("mes.toml: [stock], query: ")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"stock.csv"', '"../stock.csv"', "leaves the folder"),
        ('"stock.csv"', '"/etc/stock.csv"', "leaves the folder"),
        ('"stock.csv"', "'..\\stock.csv'", "leaves the folder"),
        ('"stock.csv"', '".."', "leaves the folder"),
        ('"stock.csv"', '"stock.xlsm"', "ends in neither .csv nor .xlsx"),
        ('"stock.csv"', '"*"', "ends in neither .csv nor .xlsx"),
        ('"stock.csv"', '"stock.csv"\nheader_row = 0', "header_row: is 0"),
        ("[stock.fields]", '[stock.fields]\nentered_at = "day"', "entered_at: is not known"),
    ],
)
def test_a_place_outside_of_the_folder_is_refused(folder, old, new, said):
    found = problems_of(folder, FILES + FILE_STOCK.replace(old, new, 1))

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('encoding = "klingon"', "encoding: 'klingon' is none that is known"),
        ('encoding = "base64"', "encoding: 'base64' is none that is known"),
        ('delimiter = ";;"', "delimiter: is one sign"),
        ("delimiter = '\"'", "delimiter: is one sign"),
        ("settle = -1", "settle: is -1"),
    ],
)
def test_files_that_cannot_be_read_as_told_are_refused(folder, line, said):
    found = problems_of(folder, f"{FILES}{line}\n{FILE_STOCK}")

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("name = 7\nstate = 'state'", "name: is neither a column nor a table"),
        ("name = {}\nstate = 'state'", "name: says neither `from` nor `value`"),
        ("name = {from = 'n', value = 'x'}\nstate = 's'", "stands beside `value`"),
        ("name = {from = 'n', unit = 'KG'}\nstate = 's'", "name, unit: is not known"),
        ("name = {value = ''}\nstate = 's'", "name: is empty, and it is needed."),
        ("name = 'n'\nstate = {value = 'broken'}", "is always 'broken', which is not known"),
        ("name = 'n'\nstate = {from = 's', words = {K = 'kaputt'}}", "means 'kaputt'"),
        ("name = 'n'\nstate = {from = 's', words = {K = true}}", "means no text"),
        ("name = 'n'\nstate = {from = 's', words = 'K'}", "words: is no table"),
        ("name = 'n'\nstate = 's'\nreading = {value = 'hot'}", "reading: 'hot' is no number"),
        ("name = 'n'\nstate = 's'\nuntil = {value = 'soon'}", "until: 'soon' is no time"),
    ],
)
def test_a_field_that_says_too_little_or_too_much_is_named(folder, fields, said):
    found = problems_of(
        folder, f"{REST}[machines]\npath='m'\nrows='[*]'\n[machines.fields]\n{fields}"
    )

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("quantity = {from = 'q', unit = 'a very long unit'}", "is no unit code"),
        ("quantity = {from = 'q', unit = 'KG', unit_from = 'u'}", "Keep one of the two"),
        ("quantity = {value = 1e400, unit = 'KG'}", "larger than any number"),
        ("quantity = {value = nan, unit = 'KG'}", "no finite number"),
    ],
)
def test_a_quantity_that_no_row_could_give_is_named(folder, fields, said):
    found = problems_of(
        folder, f"{REST}[stock]\npath='m'\nrows='[*]'\n[stock.fields]\nitem='i'\n{fields}"
    )

    assert any(said in problem for problem in found), found


def test_the_problems_of_all_files_are_listed_together(folder):
    folder.put("a.toml", "name = 'A'")
    folder.put("b.toml", b"\xff".decode("latin-1"))
    (folder.path / "c.toml").write_bytes(b"\xff\xfe")
    folder.put("d.toml", REST + REST_STOCK)
    folder.put("e.toml", SQL + SQL_STOCK)

    with pytest.raises(SourceFileError) as caught:
        folder.sources()

    files = [problem.split(":")[0] for problem in caught.value.problems]
    assert list(dict.fromkeys(files)) == ["a.toml", "b.toml", "c.toml", "e.toml"]
    *_, same, unset = caught.value.problems
    assert same == "e.toml: name: is 'Floor MES', as in d.toml. Change one."
    assert unset == (
        "e.toml: COUNTERSIGN_SOURCE_DSN: is not set. Set it, or COUNTERSIGN_SOURCE_DSN_FILE to a "
        "file with it."
    )


def test_a_file_nested_without_end_is_refused(folder):
    (problem,) = problems_of(folder, f"a = {'[' * 5000}")

    assert problem.startswith("mes.toml: it is not TOML")


def test_a_file_that_is_huge_is_refused(folder):
    (problem,) = problems_of(folder, "# " + "x" * 1_000_001)

    assert "is larger than 1000000 bytes" in problem


def test_a_folder_that_is_not_there_is_named(folder):
    folder.path = folder.path / "nowhere"

    with pytest.raises(SourceFileError, match="is no folder"):
        folder.sources()


def test_a_secret_may_stand_in_a_file_of_its_own(folder):
    secret = folder.path / "secret"
    secret.write_text("sqlite:///stock.db\n")
    folder.environment["COUNTERSIGN_SOURCE_DSN_FILE"] = str(secret)

    source = folder.source(SQL + SQL_STOCK)

    assert (source.name, source.reads) == ("Floor MES", {"stock"})


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"COUNTERSIGN_SOURCE_DSN_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({"COUNTERSIGN_SOURCE_DSN": "two\nlines"}, "does not print"),
        ({"COUNTERSIGN_SOURCE_DSN": ""}, "is not set"),
    ],
)
def test_a_secret_that_cannot_be_used_is_named_and_not_shown(folder, environment, said):
    folder.environment |= environment

    (problem,) = problems_of(folder, SQL + SQL_STOCK)

    assert said in problem
    assert "two" not in problem
