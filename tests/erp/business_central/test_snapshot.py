"""Everything that is watched, read from the stand-in over HTTP."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from decisions.money import Money
from decisions.quantity import Quantity
from erp.ports import ErpUnreachableError
from erp.snapshot import SCOPES, Origin, Stock
from erp.standin.faults import Fault
from tests.build import NOW
from tests.erp.business_central.wide import a_plant

SEEDED = NOW.replace(hour=12)
"""When the plant's master data was entered."""


@pytest.fixture
async def plant():
    async with a_plant() as plant:
        yield plant


def by(facts, field):
    return {getattr(fact, field): fact for fact in facts}


def eur(amount):
    return Money(Decimal(amount), "EUR")


def an_order_line(plant, number="PO-106001", **fields):
    """Change the first line of an order in the stand-in's store; return the order."""
    order = plant.erp.store.by("purchaseOrders", "number", number)
    order["purchaseOrderLines"][0] |= fields
    plant.erp.store.put("purchaseOrders", order)
    return order


async def lines_of(plant, number="PO-106001"):
    found = await plant.read("purchase_lines")
    return {line.line: line for line in found.purchase_lines if line.document == number}


async def test_items_are_read_with_their_cost_in_the_companys_own_currency(plant):
    plant.erp.set_item("BRG-6205", blocked=True)

    found = await plant.read("items")

    item = by(found.items, "number")["BRG-6205"]
    assert (item.name, item.unit) == ("Deep groove ball bearing 6205-2RS", "PCS")
    assert item.unit_cost == eur("2.85")
    assert item.blocked
    assert item.origin == Origin(
        source="Business Central", ref="BRG-6205", happened_at=None, entered_at=NOW
    )


async def test_vendors_are_read_with_their_currency_and_whether_they_are_blocked(plant):
    plant.erp.set_vendor("V1020", blocked="All", currencyCode="")
    plant.erp.set_vendor("V1030", blocked="A word that nobody listed")

    found = by((await plant.read("vendors")).vendors, "number")

    assert [found[number].blocked for number in ("V1010", "V1020", "V1030")] == [False, True, True]
    assert [found[number].currency for number in ("V1040", "V1020")] == ["PLN", None]
    assert found["V1040"].email == "sprzedaz@odlewnia-zulawy.example.com"
    assert found["V1040"].origin.entered_at == SEEDED


async def test_locations_are_read(plant):
    found = await plant.read("locations")

    assert {one.code: one.name for one in found.locations}["GDN-RAW"] == "Gdańsk, raw material"


async def test_stock_is_added_up_by_item_and_location(plant):
    found = await plant.read("stock")

    bearings = [one for one in found.stock if one.item == "BRG-6205"]
    assert {one.location: one.quantity for one in bearings} == {
        "GDN-RAW": Quantity(Decimal(40), "PCS"),
        "LEJ-RAW": Quantity(Decimal(120), "PCS"),
    }
    assert bearings[0].origin.entered_at == NOW


async def test_an_item_that_ran_out_everywhere_is_told_as_a_sum_of_nothing(plant):
    plant.erp.set_item("PMP-H80", type="Service")

    found = await plant.read("stock")

    pumps = {one.item: one for one in found.stock if one.item.startswith("PMP")}
    assert sorted(pumps) == ["PMP-H32", "PMP-H50"]
    assert pumps["PMP-H32"] == Stock(
        item="PMP-H32",
        location=None,
        quantity=Quantity(Decimal(0), "PCS"),
        origin=Origin(source="Business Central", ref="PMP-H32", happened_at=None, entered_at=NOW),
    )


async def test_open_order_lines_are_read_with_number_price_day_and_place(plant):
    order = an_order_line(plant, receivedQuantity=Decimal(20))

    line = (await lines_of(plant))[10_000]

    sent = order["purchaseOrderLines"][0]
    assert (line.vendor, line.item) == (order["vendorNumber"], sent["lineObjectNumber"])
    assert line.outstanding == Quantity(sent["quantity"] - 20, "PCS")
    assert line.unit_cost == Money(sent["directUnitCost"], order["currencyCode"])
    assert line.expected == date.fromisoformat(sent["expectedReceiptDate"])
    assert line.location == "LEJ-RAW"
    assert line.origin.ref == "PO-106001/10000"
    assert line.origin.entered_at.isoformat() == order["lastModifiedDateTime"].replace(
        "Z", "+00:00"
    )


async def test_what_is_received_or_no_item_is_not_to_come(plant):
    an_order_line(plant, receivedQuantity=Decimal(100_000))
    an_order_line(plant, "PO-106002", lineType="Comment")

    found = await plant.read("purchase_lines")

    numbers = {(line.document, line.line) for line in found.purchase_lines}
    assert numbers.isdisjoint({("PO-106001", 10_000), ("PO-106002", 10_000)})
    assert len(numbers) == 106


async def test_a_blank_day_and_a_blank_place_are_none(plant):
    an_order_line(
        plant,
        expectedReceiptDate="0001-01-01",
        locationId="00000000-0000-0000-0000-000000000000",
    )

    line = (await lines_of(plant))[10_000]

    assert (line.expected, line.location) == (None, None)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Draft", "draft"),
        ("In_x0020_Review", "in_review"),
        ("In Review", "in_review"),
        ("Open", "released"),
        ("Released", "unknown"),
        ("draft", "unknown"),
        ("", "unknown"),
    ],
)
async def test_the_apis_status_words_are_shifted_and_one_that_nobody_listed_is_unknown(
    plant, word, status
):
    order = plant.erp.store.by("purchaseOrders", "number", "PO-106001")
    plant.erp.store.put("purchaseOrders", order | {"status": word})

    assert {line.status for line in (await lines_of(plant)).values()} == {status}


async def test_a_line_in_boxes_is_told_in_pieces_as_the_line_itself_converts(plant):
    an_order_line(
        plant,
        unitOfMeasureCode="BOX",
        _qtyPerUnitOfMeasure=Decimal(12),
        quantity=Decimal(5),
        receivedQuantity=Decimal(1),
        directUnitCost=Decimal(31),
    )

    line = (await lines_of(plant))[10_000]

    assert line.outstanding == Quantity(Decimal(48), "PCS")
    assert line.unit_cost == eur("2.58333")


async def test_without_the_query_a_line_in_boxes_stays_in_boxes_and_it_says_so(plant):
    an_order_line(plant, unitOfMeasureCode="BOX", quantity=Decimal(5), directUnitCost=Decimal(31))
    plant.erp.queries.denied.add("outstandingPurchaseLines")

    line = (await lines_of(plant))[10_000]

    assert (line.outstanding, line.unit_cost) == (Quantity(Decimal(5), "BOX"), eur(31))
    assert "in the unit of the order" in plant.reduced()["purchase_lines"]


async def test_an_order_in_no_currency_of_its_own_is_in_the_companys(plant):
    order = plant.erp.store.by("purchaseOrders", "number", "PO-106001")
    plant.erp.store.put("purchaseOrders", order | {"currencyCode": ""})

    assert {line.unit_cost.currency for line in (await lines_of(plant)).values()} == {"EUR"}


async def test_production_orders_are_read_while_they_are_open(plant):
    found = by((await plant.read("production")).production, "document")

    one = found["FA-1005"]
    assert (one.item, one.quantity) == ("PMP-H50", Quantity(Decimal(16), "PCS"))
    assert (one.starts, one.due) == (date(2026, 3, 7), date(2026, 3, 12))
    assert Counter(order.status for order in found.values()) == {
        "Released": 4,
        "Firm Planned": 4,
        "Planned": 1,
    }


async def test_a_simulation_and_an_order_for_a_family_are_no_production_of_an_item(plant):
    first, second, *_ = plant.erp.store.all("productionOrders")
    plant.erp.store.put("productionOrders", first | {"status": "Simulated"})
    plant.erp.store.put("productionOrders", second | {"sourceType": "Family"})

    found = by((await plant.read("production")).production, "document")

    assert {"FA-1001", "FA-1002"}.isdisjoint(found)
    assert len(found) == 7


async def test_needs_are_those_of_sales_and_of_production_and_no_returns(plant):
    found = await plant.read("needs")

    assert Counter(need.wanted_by for need in found.needs) == {"sales": 5, "production": 18}
    assert "SO-4001" not in by(found.needs, "document")
    sold = by(found.needs, "document")["SO-4003"]
    assert (sold.item, sold.quantity, sold.due, sold.location) == (
        "PMP-H80",
        Quantity(Decimal(4), "PCS"),
        date(2026, 3, 8),
        "GDN-FIN",
    )
    part = by(found.needs, "document")["FA-1001"]
    assert (part.item, part.due, part.location) == ("CST-H32", date(2026, 2, 27), "GDN-RAW")


async def test_who_named_no_day_wants_it_now(plant):
    found = await plant.read("needs")

    assert by(found.needs, "document")["SO-4002"].due == NOW.date()


async def test_budgets_are_added_up_by_account_and_month(plant):
    found = await plant.read("budgets")

    february = by(found.budgets, "origin")[
        Origin(
            source="Business Central",
            ref="BUDGET2026/61100/2026-02",
            happened_at=None,
            entered_at=SEEDED,
        )
    ]
    assert (february.account, february.name) == ("61100", "BUDGET2026")
    assert (february.starts, february.ends) == (date(2026, 2, 1), date(2026, 2, 28))
    assert (february.given, february.spent) == (eur(42_000), None)
    assert len(found.budgets) == 36


async def test_budgets_of_long_ago_are_left_alone(plant):
    first = next(plant.erp.store.all("budgetEntries"))
    old = [first | {"id": f"old-{day}", "budgetDate": day} for day in ("2025-02-28", "2025-03-01")]
    plant.erp.store.put_all("budgetEntries", old)

    found = await plant.read("budgets")

    assert min(budget.starts for budget in found.budgets) == date(2025, 3, 1)


async def test_what_business_central_does_not_know_is_missing_and_no_error(plant):
    found = await plant.read(*SCOPES)

    assert set(found.missing) == {"consumption", "machines"}
    assert found.read_at == NOW
    assert (found.since, found.whole) == (None, frozenset())
    assert plant.reader.capabilities().reads == set(SCOPES) - set(found.missing)
    assert plant.reduced() == {}


async def test_only_what_is_asked_for_is_read(plant):
    found = await plant.read("vendors")

    assert {request.path for request in plant.erp.log} == {"vendors"}
    assert (found.items, found.stock, found.missing) == ((), (), {})


async def test_a_long_collection_is_read_page_by_page(plant):
    pattern = plant.erp.store.by("items", "number", "BRG-6204")
    more = [pattern | {"id": f"more-{n}", "number": f"MORE-{n}"} for n in range(4100)]
    plant.erp.store.put_all("items", more)

    found = await plant.read("items")

    assert len(by(found.items, "number")) == len(found.items) == 4169
    assert plant.asked("items") == 3


async def test_with_since_only_what_changed_after_it_is_told_and_the_rest_is_whole(plant):
    plant.later(days=1)
    first = await plant.read("items", "vendors", "locations")
    plant.later(hours=1)
    plant.erp.set_item("BRG-6205", unitCost=Decimal("2.95"))
    plant.erp.set_vendor("V1020", email="new@example.com")

    found = await plant.read(*SCOPES, since=first.read_at)

    assert [(one.number, one.unit_cost) for one in found.items] == [("BRG-6205", eur("2.95"))]
    assert [one.email for one in found.vendors] == ["new@example.com"]
    assert found.locations == ()
    assert found.whole == {"stock", "purchase_lines", "production", "needs", "budgets"}
    assert len(found.stock) == 135
    assert len(found.purchase_lines) == 108


async def test_items_alone_are_asked_for_by_their_moment(plant):
    plant.later(days=1)
    plant.erp.set_item("BRG-6205", unitCost=Decimal("2.95"))

    found = await plant.read("items", "locations", since=plant.now)

    assert [one.number for one in found.items] == ["BRG-6205"]
    assert found.whole == frozenset()


async def test_a_little_more_than_asked_is_told_because_clocks_differ_and_replicas_lag(plant):
    plant.later(days=1)
    plant.erp.set_item("BRG-6204", unitCost=Decimal(2))
    plant.later(minutes=2)
    plant.erp.set_item("BRG-6205", unitCost=Decimal(3))

    found = await plant.read("items", since=plant.now + timedelta(minutes=4))

    assert [one.number for one in found.items] == ["BRG-6205"]


async def test_a_new_date_on_a_line_is_seen_although_its_order_says_nothing_of_it(plant):
    plant.later(days=1)
    before = await plant.read("purchase_lines")
    an_order_line(plant, expectedReceiptDate="2026-05-05")

    found = await plant.read("purchase_lines", since=before.read_at)

    assert date(2026, 5, 5) in {line.expected for line in found.purchase_lines}


async def test_an_erp_that_is_away_is_an_error_and_nothing_is_missing(plant):
    await plant.read("vendors")  # so that it has logged in
    plant.erp.faults.down = True

    with pytest.raises(ErpUnreachableError, match="connection was lost"):
        await plant.read(*SCOPES)


async def test_what_is_about_an_item_that_came_since_is_left_for_the_next_time(plant):
    for kind in ("ledgerEntries", "salesLines", "productionOrders"):
        first = next(plant.erp.store.all(kind))
        new = {"itemNo": "NEW", "sourceNo": "NEW", "documentType": "Order"}
        plant.erp.store.put(kind, first | {"id": "new", "no": "NEW"} | new)

    found = await plant.read("stock", "needs", "production")

    facts = (*found.stock, *found.needs, *found.production)
    assert "NEW" not in {fact.item for fact in facts}
    assert len(facts) == 135 + 23 + 9


async def test_a_busy_erp_is_asked_again_when_it_said(plant):
    plant.erp.faults.next("GET", "/vendors", Fault.TOO_MANY_REQUESTS)

    found = await plant.read("vendors")

    assert len(found.vendors) == 16
