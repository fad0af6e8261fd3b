"""Sage X3 is read as far as the folder says that it can be; over HTTP."""

from dataclasses import replace
from decimal import Decimal

import aiohttp
import pytest

from decisions.actions import ACTION_KINDS, Acknowledge
from decisions.quantity import Quantity, Unit
from erp import snapshot as facts
from erp.ports import Contact, ErpUnreachableError, NotPlannableError
from erp.sage_x3.client import ConnectedApp, X3Client
from erp.sage_x3.reader import SageX3Reader
from erp.snapshot import SCOPES, Origin
from tests.build import EUR, NOW, an_order_action
from tests.erp.sage_x3.folder import (
    CLIENT_ID,
    FOLDER,
    USER,
    WORD,
    Folder,
    a_lot,
    a_product,
    a_site,
    a_supplier,
)

IN_CIRCLES = (
    '{"data": {"x3MasterData": {"product": {"query": {"edges": [], "pageInfo": '
    '{"hasNextPage": true, "endCursor": "0"}}}}}}'
)
READ = {"items", "vendors", "locations", "stock"}


@pytest.fixture
async def folder():
    folder = Folder(now=lambda: NOW)
    await folder.start()
    yield folder
    await folder.stop()


@pytest.fixture
async def reader_of(folder):
    """Return a way to build a reader, with some of the log-in changed."""
    async with aiohttp.ClientSession() as session:

        def build(*, budget=10.0, **changed):
            app = ConnectedApp(
                url=folder.url, folder=FOLDER, client_id=CLIENT_ID, client_secret=WORD, user=USER
            )
            client = X3Client(session, replace(app, **changed), now=lambda: NOW)
            return SageX3Reader(client, now=lambda: NOW, budget=budget)

        yield build


def origin(ref):
    return Origin(source="Sage X3", ref=ref, happened_at=None, entered_at=NOW)


async def test_what_the_folder_publishes_is_read_and_the_rest_is_named(reader_of):
    snapshot = await reader_of().snapshot(SCOPES)

    assert snapshot.items == (
        facts.Item(
            number="1000-B6204",
            name="Deep groove bearing 6204",
            unit=Unit("UN"),
            unit_cost=None,
            blocked=False,
            origin=origin("product/1000-B6204"),
        ),
    )
    assert snapshot.vendors == (
        facts.Vendor(
            number="FR053",
            name="Nordlager GmbH",
            email="",
            currency=EUR,
            blocked=False,
            origin=origin("supplier/FR053"),
        ),
    )
    assert snapshot.locations == (
        facts.Location(code="FR011", name="Lyon works", origin=origin("site/FR011")),
    )
    assert snapshot.stock == (
        facts.Stock(
            item="1000-B6204",
            location="FR011",
            quantity=Quantity(Decimal("12.5"), Unit("UN")),
            origin=origin("stock/1000-B6204/FR011"),
        ),
    )
    assert set(snapshot.missing) == set(SCOPES) - READ
    assert "closed" in snapshot.missing["purchase_lines"]


async def test_lots_and_places_of_one_product_are_added_up_exactly(folder, reader_of):
    folder.lists["x3StockData.stock"] = [
        a_lot(quantityInStockUnit=Decimal("0.1")),
        a_lot(quantityInStockUnit=Decimal("0.2")),
        a_lot(quantityInStockUnit="1000000000000.001", stockSite=a_site(code="FR012")),
    ]

    snapshot = await reader_of().snapshot({"stock"})

    assert [(one.location, one.quantity.value) for one in snapshot.stock] == [
        ("FR011", Decimal("0.3")),
        ("FR012", Decimal("1000000000000.001")),
    ]


async def test_a_long_list_comes_whole_though_it_comes_in_pages(folder, reader_of):
    folder.lists["x3MasterData.product"] = [a_product(code=f"P-{n:04}") for n in range(1203)]

    snapshot = await reader_of().snapshot({"items"})

    assert len({item.number for item in snapshot.items}) == 1203
    assert len(folder.asked) == 4


async def test_what_may_not_be_used_and_what_is_no_place_of_stock_is_told_as_such(
    folder, reader_of
):
    folder.lists["x3MasterData.product"] = [a_product(productStatus="inDevelopment")]
    folder.lists["x3MasterData.supplier"] = [a_supplier(isActive=False, currency=None)]
    folder.lists["x3System.site"] = [a_site(isStockSite=False)]

    snapshot = await reader_of().snapshot(SCOPES)

    assert [one.blocked for one in snapshot.items] == [True]
    assert [(one.blocked, one.currency) for one in snapshot.vendors] == [(True, None)]
    assert snapshot.locations == ()


@pytest.mark.parametrize(
    ("type_name", "lost", "scope", "lacking"),
    [
        ("Query", "x3StockData", "stock", "x3StockData.stock.query"),
        ("MasterData", "supplier", "vendors", "x3MasterData.supplier.query"),
        ("Supplier", "currency", "vendors", "x3MasterData.supplier.currency.code"),
        ("ProductSite", "product", "stock", "x3StockData.stock.product.product.code"),
        ("PageInfo", "endCursor", "items", "x3MasterData.product.query.pageInfo.endCursor"),
    ],
)
async def test_what_the_folder_does_not_publish_is_not_asked_for(
    folder, reader_of, type_name, lost, scope, lacking
):
    del folder.types[type_name][lost]
    reader = reader_of()
    assert scope in reader.capabilities().reads

    snapshot = await reader.snapshot({scope})

    assert snapshot.missing == {scope: f"this folder does not publish {lacking}"}
    assert scope not in reader.capabilities().reads
    assert lacking in reader.capabilities().reduced[scope]
    assert len(folder.asked) == 1


async def test_a_status_that_the_folder_calls_otherwise_is_not_guessed(folder, reader_of):
    folder.statuses = ["aktiv"]

    snapshot = await reader_of().snapshot({"items"})

    assert snapshot.missing["items"].endswith("x3MasterData.product.productStatus = active")


async def test_lists_that_cannot_be_paged_are_not_read(folder, reader_of):
    folder.paging = ["first"]

    snapshot = await reader_of().snapshot({"items"})

    assert snapshot.missing["items"].endswith("x3MasterData.product.query(after)")


async def test_what_it_refuses_is_missing_with_its_words_and_the_rest_is_read(folder, reader_of):
    folder.forbidden = {"x3StockData.stock"}

    snapshot = await reader_of().snapshot({"items", "stock"})

    assert snapshot.missing == {"stock": "x3StockData.stock is not activated for countersign"}
    assert len(snapshot.items) == 1


async def test_everything_is_whole_in_a_reading_of_changes(reader_of):
    snapshot = await reader_of().snapshot({"items", "vendors", "production"}, since=NOW)

    assert (snapshot.since, snapshot.whole) == (NOW, {"items", "vendors"})


async def test_the_schema_is_asked_for_once(folder, reader_of):
    reader = reader_of()

    for _ in range(3):
        await reader.snapshot({"locations"})

    assert sum("__schema" in query for query in folder.asked) == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"client_id": "another"}, "Error 41"),
        ({"user": "another"}, "Error 42"),
        ({"client_secret": "another word that is long enough"}, "Error 50"),
        ({"folder": "ANOTHER"}, "Error 60"),
    ],
)
async def test_a_log_in_that_is_not_accepted_is_said_in_its_words(reader_of, changed, words):
    with pytest.raises(ErpUnreachableError, match=words):
        await reader_of(**changed).snapshot({"items"})


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((500, "<html>oops</html>"), r"\(status 500\)"),
        ((302, ""), "302"),
        ((200, "<html>log in</html>"), "cannot be understood"),
        ((200, "[]"), "cannot be understood"),
        ((200, '{"data": null}'), "without data"),
        ((200, '{"data": {}}'), "cannot be understood"),
        ((200, '{"data": {"__schema": {}}, "errors": [{}]}'), "an error without words"),
    ],
)
async def test_an_answer_that_is_none_is_said(folder, reader_of, answer, why):
    folder.answers = [answer]

    with pytest.raises(ErpUnreachableError, match=why):
        await reader_of().snapshot({"items"})


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('{"data": {"x3MasterData": {}}}', "without x3MasterData.product"),
        (IN_CIRCLES, "more than 200 pages"),
    ],
)
async def test_pages_that_are_none_are_said(folder, reader_of, answer, why):
    reader = reader_of()
    await reader.snapshot({"locations"})
    folder.answers = [(200, answer)] * 200

    with pytest.raises(ErpUnreachableError, match=why):
        await reader.snapshot({"items"})


async def test_a_quantity_that_is_no_number_is_no_stock(folder, reader_of):
    folder.lists["x3StockData.stock"] = [a_lot(quantityInStockUnit="many")]

    with pytest.raises(ErpUnreachableError, match="“many” is no number"):
        await reader_of().snapshot({"stock"})


async def test_a_server_that_is_busy_is_asked_again(folder, reader_of):
    folder.answers = [(503, "busy"), (429, "busy")]

    assert len((await reader_of().snapshot({"items"})).items) == 1


async def test_a_server_that_says_nothing_is_waited_for_no_longer_than_that(folder, reader_of):
    folder.silent = True

    with pytest.raises(ErpUnreachableError, match="no answer in time"):
        await reader_of(budget=0.3).snapshot({"items"})


async def test_nobody_at_the_address_is_said(reader_of):
    with pytest.raises(ErpUnreachableError, match="no connection"):
        await reader_of(url="http://127.0.0.1:9/xtrem/api").snapshot({"items"})


async def test_nothing_is_planned_and_every_kind_says_why(reader_of):
    reader = reader_of()
    able = reader.capabilities()

    assert set(able.needs) | able.writes == set(ACTION_KINDS)
    with pytest.raises(NotPlannableError, match="may be written"):
        await reader.plan(an_order_action(), marker="CS-7KX2M9QH4T")
    with pytest.raises(NotPlannableError, match="nothing to write"):
        await reader.plan(Acknowledge(), marker="CS-7KX2M9QH4T")


async def test_an_operation_that_a_partner_activated_is_seen_and_still_not_guessed(
    folder, reader_of
):
    folder.types["PurchasingChanges"]["purchaseOrder"] = "PurchaseReceiptChanges"
    reader = reader_of()

    await reader.snapshot({"locations"})

    assert "nothing is guessed" in reader.capabilities().needs["create_purchase_order"]
    assert "create_purchase_order" not in reader.capabilities().writes


async def test_a_vendor_is_known_by_name_and_the_address_is_left_out(folder, reader_of):
    folder.lists["x3MasterData.supplier"].append(a_supplier(code={"code": "FR054"}))

    contact = await reader_of().contact("FR053")

    assert contact == Contact(vendor="FR053", name="Nordlager GmbH", email="")


@pytest.mark.parametrize("vendor", ["NOBODY", "", "x'}", "FR05\\"])
async def test_a_vendor_that_nobody_knows_is_not_reached(reader_of, vendor):
    with pytest.raises(NotPlannableError, match="knows no vendor"):
        await reader_of().contact(vendor)


async def test_vendors_that_are_not_published_are_not_reached(folder, reader_of):
    del folder.types["Supplier"]["currency"]

    with pytest.raises(ErpUnreachableError, match="does not publish"):
        await reader_of().contact("FR053")


async def test_nothing_carries_a_mark_of_ours(reader_of):
    assert await reader_of().marked(since=NOW) == ()
