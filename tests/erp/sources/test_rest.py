"""An API is read page by page, and nothing that it answers does more than be refused."""

import asyncio
import gzip
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from erp.ports import ErpUnreachableError
from tests.erp.sources.api import Said

LARGER = "is larger than any number that a plant has."
SINCE = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def mapping(api, *, place="", start="", limits=""):
    """Return a file that reads stock from the API."""
    return f"""
name = "Floor MES"
owner = "Marta Weber <marta@example.com>"
kind = "rest"
{start}
[limits]
{limits}
[rest]
url = "{api.url}"
headers = {{X-Site = "GDN"}}
[stock]
path = "stock"
{place or 'rows = "[*]"'}
[stock.fields]
item = "item"
quantity = {{from = "quantity", unit = "KG"}}
"""


def rows(*items):
    """Return a JSON list of stock."""
    return [{"item": item, "quantity": 1} for item in items]


def items_of(snapshot):
    """Return which items the stock is of."""
    return [one.item for one in snapshot.stock]


async def why(source):
    """Return why a source cannot be read."""
    with pytest.raises(ErpUnreachableError) as caught:
        await source.snapshot(["stock"])
    assert caught.value.system == "Floor MES"
    return caught.value.why


async def test_pages_are_followed_along_their_links(folder, api):
    api.says(
        "stock",
        {"data": rows("A", "B"), "links": {"next": "?page=2"}},
        {"data": rows("C"), "links": {"next": f"{api.url}stock?page=3"}},
        {"data": rows("D"), "links": {}},
    )
    place = 'rows = "data[*]"\nnext = "links.next"\nquery = {site = "GDN"}'
    source = folder.source(mapping(api, place=place))

    snapshot = await source.snapshot(["stock"])

    assert items_of(snapshot) == ["A", "B", "C", "D"]
    assert [dict(one.query) for one in api.asked] == [
        {"site": "GDN"},
        {"page": "2"},
        {"page": "3"},
    ]
    assert {one.headers["X-Site"] for one in api.asked} == {"GDN"}


async def test_pages_are_counted_until_one_is_empty(folder, api):
    api.says("stock", rows("A"), rows("B"), [])
    source = folder.source(mapping(api, place='rows = "[*]"\npage = "p"\nfirst_page = 0'))

    snapshot = await source.snapshot(["stock"])

    assert items_of(snapshot) == ["A", "B"]
    assert [one.query["p"] for one in api.asked] == ["0", "1", "2"]


async def test_only_changes_are_asked_for_where_the_api_can_tell(folder, api):
    api.says("stock", rows("A"))
    query = 'rows = "[*]"\nquery = {"$filter" = "at gt :since", until = ":now"}'
    source = folder.source(mapping(api, place=query))

    full = await source.snapshot(["stock"])
    changes = await source.snapshot(["stock"], since=SINCE)

    assert [dict(one.query) for one in api.asked] == [
        {"until": "2026-03-31T16:00:00Z"},
        {"$filter": "at gt 2026-03-31T12:00:00Z", "until": "2026-03-31T16:00:00Z"},
    ]
    assert (full.since, full.whole) == (None, frozenset())
    assert (changes.since, changes.whole) == (SINCE, frozenset())


async def test_an_api_that_cannot_tell_what_changed_is_read_in_full(folder, api):
    api.says("stock", rows("A"))
    source = folder.source(mapping(api))

    changes = await source.snapshot(["stock"], since=SINCE)

    assert (changes.since, changes.whole) == (SINCE, {"stock"})


async def test_a_busy_api_is_asked_once_more(folder, api):
    api.says("stock", Said(status=429, headers={"Retry-After": "0"}), rows("A"))
    source = folder.source(mapping(api))

    snapshot = await source.snapshot(["stock"])

    assert items_of(snapshot) == ["A"]


async def test_an_api_that_stays_busy_is_not_asked_a_third_time(folder, api):
    api.says("stock", Said(status=503, headers={"Retry-After": "0"}))
    source = folder.source(mapping(api))

    assert await why(source) == "it is busy, and still was when it was asked once more"
    assert len(api.asked) == 2


async def test_an_api_that_wants_us_to_wait_longer_than_we_may_is_away(folder, api):
    api.says("stock", Said(status=503, headers={"Retry-After": "99999"}))
    source = folder.source(mapping(api, limits="seconds = 1"))

    assert await why(source) == "no answer within 1 s"


async def test_a_redirect_is_not_followed(folder, api):
    api.says("stock", Said(status=302, headers={"Location": f"{api.url}other"}))
    api.says("other", rows("A"))
    source = folder.source(mapping(api))

    assert "points to another address" in await why(source)
    assert [one.path for one in api.asked] == ["/api/stock"]


async def test_a_secret_is_sent_and_never_to_another_server(folder, api):
    folder.environment["COUNTERSIGN_SOURCE_KEY"] = "sesame"
    api.says("stock", {"data": rows("A"), "next": "http://localhost:9/stock"})
    text = mapping(api, place='rows = "data[*]"\nnext = "next"').replace(
        "headers =", 'secret_headers = {X-Api-Key = "COUNTERSIGN_SOURCE_KEY"}\nheaders ='
    )
    source = folder.source(text)

    assert await why(source) == "its next page is on another server, localhost"
    assert api.asked[0].headers["X-Api-Key"] == "sesame"


@pytest.mark.parametrize("link", ["?", "stock", "?page=1", "?page=2"])
async def test_pages_that_go_in_circles_end(folder, api, link):
    api.says("stock", {"data": rows("A"), "next": link})
    source = folder.source(mapping(api, place='rows = "data[*]"\nnext = "next"'))

    assert "go in circles" in await why(source)


@pytest.mark.parametrize("link", [7, {"href": "x"}, "http://[::1", "mailto:ana@example.com"])
async def test_a_link_that_is_none_is_refused(folder, api, link):
    api.says("stock", {"data": rows("A"), "next": link}, {"data": []})
    source = folder.source(mapping(api, place='rows = "data[*]"\nnext = "next"'))

    assert await why(source)


async def test_an_api_that_does_not_count_its_pages_is_found_out(folder, api):
    api.says("stock", rows("A"))
    source = folder.source(mapping(api, place='rows = "[*]"\npage = "p"'))

    assert await why(source) == "it gives the same page again, whatever p says"


UNUSABLE = {
    "a log-in that is refused": (Said(status=401), "status 401 for /api/stock"),
    "a gateway": (Said(status=500, body="<html>"), "status 500 for /api/stock"),
    "a page for people": (Said(body="<html>"), "its answer is no JSON"),
    "bytes": (Said(body=b"\xff\xfe\xfd"), "its answer is no JSON"),
    "another encoding": (Said(body='["Gda\u0144sk"]'.encode("cp1250")), "its answer is no JSON"),
    "lists without end": (Said(body="[" * 100_000), "its answer is no JSON"),
    "an exponent": (Said(body="[1e99999999999999999999]"), "its answer is no JSON"),
    "an object": (Said(body='{"data": []}'), "stock: there is no list at [*]"),
    "nothing": (Said(body="null"), "stock: there is no list at [*]"),
    "too much": (Said(body=" " * 1_000_001), "/api/stock is larger than 1 MB"),
    "too much, packed": (
        Said(body=gzip.compress(b" " * 50_000_000), headers={"Content-Encoding": "gzip"}),
        "/api/stock is larger than 1 MB",
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
async def test_an_answer_that_cannot_be_used_says_why(folder, api, what):
    said, reason = UNUSABLE[what]
    api.says("stock", said)
    source = folder.source(mapping(api, limits="megabytes = 1"))

    assert (await why(source)).startswith(reason)


async def test_the_pages_together_are_limited_too(folder, api):
    padding = " " * 600_000
    api.says(
        "stock",
        Said(body=f'{{"data": [], "next": "?page=2"}}{padding}'),
        Said(body=f'{{"data": [], "next": null}}{padding}'),
    )
    place = 'rows = "data[*]"\nnext = "next"'
    source = folder.source(mapping(api, place=place, limits="megabytes = 1"))

    assert await why(source) == "/api/stock is larger than 1 MB"


async def test_more_rows_than_allowed_are_not_read(folder, api):
    api.says("stock", rows("A", "B", "C"))
    source = folder.source(mapping(api, limits="rows = 2"))

    assert await why(source) == "stock: more than 2 rows at [*]"


async def test_more_rows_than_allowed_are_not_read_from_many_pages_either(folder, api):
    api.says("stock", rows("A", "B"), rows("C", "D"))
    source = folder.source(mapping(api, place='rows = "[*]"\npage = "p"', limits="rows = 3"))

    assert await why(source) == "it gives more than 3 rows"


async def test_an_api_that_is_not_there_is_away(folder, api):
    source = folder.source(mapping(api).replace(api.url, "http://127.0.0.1:9/api/"))

    assert "no connection" in await why(source)


async def test_bad_rows_are_kept_with_all_their_problems_and_the_others_are_used(folder, api):
    body = """[
      {"item": "A", "quantity": 0.1},
      {"item": null, "quantity": NaN},
      {"item": "C", "quantity": 1e400},
      {"item": {"number": "D"}, "quantity": "4"},
      7,
      {"item": "F", "quantity": 12345678901234567890123456789},
      {"item": "G\\u0000", "quantity": true},
      {"item": "H", "quantity": 100000000000000.25}
    ]"""
    api.says("stock", Said(body=body))
    source = folder.source(mapping(api))

    reading = await source.read(["stock"])

    assert [(one.item, one.quantity.value) for one in reading.snapshot.stock] == [
        ("A", Decimal("0.1")),
        ("H", Decimal("100000000000000.25")),
    ]
    assert [(one.source, one.ref, one.problems) for one in reading.quarantined] == [
        (
            "Floor MES",
            "stock 2",
            (
                "item (from 'item'): is empty, and it is needed.",
                "quantity (from 'quantity'): NaN is no finite number.",
            ),
        ),
        (
            "Floor MES",
            "stock 3",
            (f"quantity (from 'quantity'): 1.000e+400 {LARGER}",),
        ),
        ("Floor MES", "stock 4", ("item (from 'item'): {'number': 'D'} is no text.",)),
        ("Floor MES", "stock 5", ("the row is no JSON object.",)),
        (
            "Floor MES",
            "stock 6",
            ("quantity (from 'quantity'): 1.235e+28 is larger than any number that a plant has.",),
        ),
        (
            "Floor MES",
            "stock 7",
            (
                "item (from 'item'): it holds the character U+0000, which does not print.",
                "quantity (from 'quantity'): True is no number.",
            ),
        ),
    ]


async def test_a_scope_that_is_away_does_not_take_the_others_with_it(folder, api):
    api.says("stock", Said(status=500))
    api.says("places", [{"code": "WEST", "name": "West hall"}])
    source = folder.source(
        mapping(api)
        + '[locations]\npath = "places"\nrows = "[*]"\n'
        + '[locations.fields]\ncode = "code"\nname = "name"\n'
    )

    reading = await source.read(["stock", "locations", "budgets"])

    assert [one.code for one in reading.snapshot.locations] == ["WEST"]
    assert reading.snapshot.missing == {
        "stock": "Floor MES cannot be read right now (status 500 for /api/stock).",
        "budgets": "Floor MES says nothing about budgets: its file has no table [budgets].",
    }
    assert set(reading.away) == {"stock"}


async def test_lists_within_lists_reach_what_they_stand_in(folder, api):
    api.says(
        "stock",
        {
            "site": "GDN",
            "halls": [
                {"hall": "WEST", "lots": [{"item": "A", "quantity": 1}]},
                {"hall": "EAST"},
                {"hall": "NORTH", "lots": None},
            ],
        },
    )
    text = mapping(api, place='rows = "halls[*].lots[*]"')
    source = folder.source(f'{text}\nlocation = "^.hall"\nref = "^.^.site"')

    (one,) = (await source.snapshot(["stock"])).stock

    assert (one.item, one.location, one.origin.ref) == ("A", "WEST", "GDN")


async def test_a_snapshot_can_be_read_while_another_is(folder, api):
    api.says("stock", rows("A"))
    source = folder.source(mapping(api))

    both = await asyncio.gather(source.snapshot(["stock"]), source.snapshot(["stock"]))

    assert [items_of(one) for one in both] == [["A"], ["A"]]
