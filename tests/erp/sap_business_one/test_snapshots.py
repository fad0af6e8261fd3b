"""Reading widely, over HTTP."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from decisions.quantity import Quantity, Unit
from erp import snapshot as facts
from erp.snapshot import SCOPES, Origin
from tests.build import EUR, NOW, eur, pieces
from tests.erp.sap_business_one.service_layer import a_partner, an_item

READ = {"items", "vendors", "locations", "stock", "purchase_lines"}


def origin(ref):
    return Origin(source="SAP Business One", ref=ref, happened_at=None, entered_at=NOW)


async def ordered(bench, marker="CS-7KX2M9QH4T"):
    """Save the bench's order as a draft and return its name."""
    plan = await bench.reader.plan(bench.action, marker=marker)
    return (await bench.writer.apply(plan, before=NOW + timedelta(minutes=1))).document


async def test_everything_that_can_be_read_is_and_the_rest_is_named(bench):
    snapshot = await bench.reader.snapshot(SCOPES)

    assert bench.reader.capabilities().reads == READ
    assert set(snapshot.missing) == set(SCOPES) - READ
    assert (snapshot.read_at, snapshot.since, snapshot.whole) == (NOW, None, frozenset())


async def test_items_and_vendors_and_warehouses_are_read_with_where_they_stand(bench):
    snapshot = await bench.reader.snapshot(SCOPES)

    assert snapshot.items == (
        facts.Item(
            number="1000-B6204",
            name="Deep groove bearing 6204",
            unit=Unit("PCS"),
            unit_cost=eur("30.10"),
            blocked=False,
            origin=origin("Items('1000-B6204')"),
        ),
    )
    assert snapshot.vendors == (
        facts.Vendor(
            number="V-2040",
            name="Nordlager GmbH",
            email="orders@nordlager.example",
            currency=EUR,
            blocked=False,
            origin=origin("BusinessPartners('V-2040')"),
        ),
    )
    assert snapshot.locations == (
        facts.Location(code="MAIN", name="Main", origin=origin("Warehouses('MAIN')")),
    )


async def test_stock_is_told_for_each_warehouse_that_has_some(bench):
    snapshot = await bench.reader.snapshot({"stock"})

    assert snapshot.items == ()
    assert snapshot.stock == (
        facts.Stock(
            item="1000-B6204",
            location="MAIN",
            quantity=pieces(112),
            origin=origin("Items('1000-B6204')/MAIN"),
        ),
    )


async def test_a_draft_and_an_order_that_share_a_number_are_told_apart(bench):
    bench.release(await ordered(bench))
    await ordered(bench, "CS-0THER")

    snapshot = await bench.reader.snapshot({"purchase_lines"})

    line = {
        "line": 0,
        "vendor": "V-2040",
        "item": "1000-B6204",
        "outstanding": pieces(40),
        "unit_cost": eur("31.25"),
        "expected": date(2026, 3, 9),
        "location": "MAIN",
    }
    assert snapshot.purchase_lines == (
        facts.PurchaseLine(
            document="701", status="released", origin=origin("PurchaseOrders(1)/0"), **line
        ),
        facts.PurchaseLine(
            document="Draft 2", status="draft", origin=origin("Drafts(2)/0"), **line
        ),
    )


async def test_only_what_is_still_to_come_of_an_order_is_told(bench):
    bench.release(await ordered(bench))
    (line,) = bench.erp.sets["PurchaseOrders"]["1"]["DocumentLines"]
    line["RemainingOpenQuantity"] = Decimal("12.5")
    received = line | {"LineNum": 1, "RemainingOpenQuantity": Decimal(0)}
    closed = line | {"LineNum": 2, "LineStatus": "bost_Close"}
    text_only = line | {"LineNum": 3, "ItemCode": None}
    bench.erp.sets["PurchaseOrders"]["1"]["DocumentLines"] += [received, closed, text_only]

    snapshot = await bench.reader.snapshot({"purchase_lines"})

    assert [(one.line, one.outstanding) for one in snapshot.purchase_lines] == [
        (0, Quantity(Decimal("12.5"), Unit("PCS")))
    ]


async def test_a_draft_that_waits_for_approval_is_in_review_and_a_strange_word_is_unknown(bench):
    await ordered(bench)
    await ordered(bench, "CS-0THER")
    bench.erp.sets["Drafts"]["1"]["AuthorizationStatus"] = "dasPending"
    bench.erp.sets["Drafts"]["2"]["AuthorizationStatus"] = "dasOther"

    snapshot = await bench.reader.snapshot({"purchase_lines"})

    assert [one.status for one in snapshot.purchase_lines] == ["in_review", "unknown"]


async def test_a_partner_on_hold_and_one_of_any_currency_are_told_as_such(bench):
    bench.erp.put("BusinessPartners", a_partner(CardCode="V-1", Currency="##", Frozen="tYES"))
    bench.erp.put("BusinessPartners", a_partner(CardCode="C-1", CardType="cCustomer"))

    snapshot = await bench.reader.snapshot({"vendors"})

    assert [(one.number, one.currency, one.blocked) for one in snapshot.vendors] == [
        ("V-1", None, True),
        ("V-2040", EUR, False),
    ]


async def test_a_reading_of_changes_goes_a_day_further_back_for_want_of_a_time_zone(bench):
    bench.erp.put("Items", an_item(ItemCode="NEW", UpdateDate=date(2026, 3, 1)))
    bench.erp.put("Items", an_item(ItemCode="OLD", UpdateDate=date(2026, 2, 28)))
    since = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)

    snapshot = await bench.reader.snapshot({"items", "vendors", "locations"}, since=since)

    assert [one.number for one in snapshot.items] == ["NEW"]
    assert snapshot.vendors == ()
    assert len(snapshot.locations) == 1
    assert snapshot.whole == {"locations"}


async def test_stock_is_whole_and_the_items_with_it(bench):
    snapshot = await bench.reader.snapshot({"items", "stock", "purchase_lines"}, since=NOW)

    assert len(snapshot.items) == 1
    assert len(snapshot.stock) == 1
    assert snapshot.whole == {"items", "stock", "purchase_lines"}


async def test_places_alone_are_read_with_one_request(bench):
    await bench.reader.snapshot({"locations"})

    assert [one["method"] for one in bench.erp.log] == ["GET"]
