"""What lies in the plant, what it makes and sells, and what it may spend."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from erp.standin.orders import BLANK_DATE
from erp.standin.plant.catalogue import Item, entity, items
from erp.standin.store import Entity, Store

PUMPS: Final = {"H32": Decimal(412), "H50": Decimal(655), "H80": Decimal(1180)}
"""What is made, and what one costs to make."""

BUDGETED: Final = {"61100": 42_000, "61200": 18_500, "62300": 9_000}
"""G/L accounts, and what each may spend in a month."""

_ORDERS: Final = 9
_STATES: Final = ("Released", "Firm Planned", "Planned")


def seed_floor(store: Store, today: date) -> None:
    """Fill in the pumps, stock by location, production orders, sales and a budget."""
    noon = datetime.combine(today, time(12), tzinfo=UTC)
    stamp = noon.isoformat().replace("+00:00", "Z")
    store.put_all("items", [_pump(size, cost, stamp) for size, cost in PUMPS.items()])
    store.put_all("ledgerEntries", list(_ledger(today)))
    store.put_all("productionOrders", list(_production(today)))
    store.put_all("productionComponents", list(_components(today)))
    store.put_all("salesLines", list(_sales(today)))
    store.put_all("purchaseReturnLines", [_return(today)])
    store.put_all("budgetEntries", list(_budget(today, stamp)))


def _pump(size: str, cost: Decimal, stamp: str) -> Entity:
    number = f"PMP-{size}"
    return entity(
        "item",
        number,
        number=number,
        displayName=f"Pump {size}",
        type="Inventory",
        blocked=False,
        inventory=Decimal(0),
        unitCost=cost,
        unitPrice=cost * 2,
        baseUnitOfMeasureCode="PCS",
        itemCategoryCode="PUMP",
        gtin="",
        lastModifiedDateTime=stamp,
    )


def _ledger(today: date) -> Iterator[Entity]:
    """Yield what is left of the last two receipts of each item, and a receipt that is used up."""
    number = 1
    for item in items().values():
        for plant, stock in item.stock.items():
            for left in (stock - stock // 3, stock // 3, 0):
                yield _entry(number, item, f"{plant}-RAW", left, today)
                number += 1


def _entry(number: int, item: Item, place: str, left: int, today: date) -> Entity:
    return entity(
        "ledger entry",
        str(number),
        entryNo=number,
        entryType="Purchase",
        postingDate=(today - timedelta(days=1 + number % 40)).isoformat(),
        itemNo=item.number,
        locationCode=place,
        quantity=Decimal(max(left, item.daily_use)),
        unitOfMeasureCode=item.unit,
        remainingQuantity=Decimal(left),
        open=left > 0,
        positive=True,
    )


def _production(today: date) -> Iterator[Entity]:
    for number in range(_ORDERS):
        size = list(PUMPS)[number % len(PUMPS)]
        starts = today + timedelta(days=2 * number - 3)
        yield _production_order(number, size, starts, _STATES[min(number // 4, 2)])
    yield _production_order(_ORDERS, "H32", today - timedelta(days=30), "Finished")


def _production_order(number: int, size: str, starts: date, status: str) -> Entity:
    name = f"FA-{1_001 + number}"
    return entity(
        "production order",
        name,
        status=status.replace(" ", "_x0020_"),
        no=name,
        sourceType="Item",
        sourceNo=f"PMP-{size}",
        routingNo=f"R-{size}",
        startingDate=starts.isoformat(),
        endingDate=(starts + timedelta(days=4)).isoformat(),
        dueDate=(starts + timedelta(days=5)).isoformat(),
        quantity=Decimal(12 + number),
        description=f"Pump {size}",
    )


def _components(today: date) -> Iterator[Entity]:
    """Yield what the open production orders still want of bought parts."""
    wanted = ("BRG-6205", "SEA-MS25", "CST-H32", "MOT-1100")
    for number in range(_ORDERS):
        for item in wanted[number % 2 :: 2]:
            yield entity(
                "component",
                f"{number}/{item}",
                status=_STATES[min(number // 4, 2)].replace(" ", "_x0020_"),
                documentNo=f"FA-{1_001 + number}",
                itemNo=item,
                locationCode="GDN-RAW",
                remainingQtyBase=Decimal(12 + number),
                dueDate=(today + timedelta(days=2 * number - 3)).isoformat(),
                qtyPerUnitOfMeasure=Decimal(1),
                unitOfMeasureCode="PCS",
            )


def _sales(today: date) -> Iterator[Entity]:
    """Yield open sales lines; one is a return, and one has no day yet."""
    for number, size in enumerate(("H50", "H32", "H80", "H50", "H32", "H80")):
        day = today + timedelta(days=3 * number)
        yield entity(
            "sales line",
            str(number),
            documentNo=f"SO-{4_001 + number}",
            documentType="Return_x0020_Order" if number == 0 else "Order",
            sellToCustomerNo=f"C{500 + number}",
            itemNo=f"PMP-{size}",
            outstandingQtyBase=Decimal(2 + number),
            shipmentDate=BLANK_DATE if number == 1 else day.isoformat(),
            locationCode="GDN-FIN",
            qtyPerUnitOfMeasure=Decimal(1),
            unitOfMeasureCode="PCS",
        )


def _return(today: date) -> Entity:
    """Return a line that goes back to its vendor; the query shows it among what is to come."""
    return entity(
        "return line",
        "1",
        itemNo="FLT-10U",
        outstandingQtyBase=Decimal(25),
        expectedReceiptDate=today.isoformat(),
        locationCode="LEJ-RAW",
        buyFromVendorNo="V1120",
        documentNo="PR-301",
        documentType="Return_x0020_Order",
        qtyPerUnitOfMeasure=Decimal(1),
        unitOfMeasureCode="PCS",
    )


def _budget(today: date, stamp: str) -> Iterator[Entity]:
    """Yield a year of months, each account's month in two entries."""
    name, number = f"BUDGET{today.year}", 1
    for account, amount in BUDGETED.items():
        for month in range(1, 13):
            for part in (amount - amount // 4, amount // 4):
                yield entity(
                    "budget entry",
                    str(number),
                    entryNo=number,
                    budgetName=name,
                    glAccountNo=account,
                    budgetDate=date(today.year, month, 1).isoformat(),
                    budgetAmount=Decimal(part),
                    dimensionSetID=0,
                    lastModifiedDateTime=stamp,
                )
                number += 1
