"""A plant of our own invention: Nordwerk Pumpen, which makes pumps in Gdańsk and Leipzig."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from erp.standin.orders import BLANK_DATE
from erp.standin.plant.catalogue import (
    LOCATIONS,
    Item,
    Vendor,
    entity,
    identity,
    items,
    vendors,
)
from erp.standin.plant.floor import seed_floor
from erp.standin.store import Entity, Store

__all__ = ["LOCATIONS", "Item", "Vendor", "identity", "items", "seed", "vendors"]

_SEED: Final = 20261
_ORDERS: Final = 54
_RECEIVED: Final = 40


def seed(store: Store, today: date) -> None:
    """Fill an empty company: master data, open orders, a third of them late, and the floor."""
    noon = datetime.combine(today, time(12), tzinfo=UTC)
    stamp = noon.isoformat().replace("+00:00", "Z")
    store.put_all("companyInformation", [entity("company", "info", currencyCode="EUR")])
    store.put_all("locations", [_location(one, stamp) for one in LOCATIONS.items()])
    store.put_all("vendors", [_vendor(one, stamp) for one in vendors().values()])
    store.put_all("items", [_item(one, stamp) for one in items().values()])
    units = sorted({one.unit for one in items().values()})
    store.put_all("unitsOfMeasure", [entity("unit", unit, code=unit) for unit in units])
    dice = random.Random(_SEED)  # noqa: S311  the same plant every time, nothing secret
    store.put_all("purchaseOrders", list(_open_orders(today, dice)))
    store.put_all("purchaseReceipts", list(_receipts(today, dice)))
    seed_floor(store, today)


def _location(one: tuple[str, str], stamp: str) -> Entity:
    code, name = one
    return entity("location", code, code=code, displayName=name, lastModifiedDateTime=stamp)


def _vendor(one: Vendor, stamp: str) -> Entity:
    return entity(
        "vendor",
        one.number,
        number=one.number,
        displayName=one.name,
        email=one.email,
        currencyCode=one.currency,
        blocked="_x0020_",
        lastModifiedDateTime=stamp,
    )


def _item(one: Item, stamp: str) -> Entity:
    return entity(
        "item",
        one.number,
        number=one.number,
        displayName=one.name,
        type="Inventory",
        blocked=False,
        inventory=Decimal(sum(one.stock.values())),
        unitCost=one.unit_cost,
        unitPrice=one.unit_cost * 2,
        baseUnitOfMeasureCode=one.unit,
        itemCategoryCode=one.category,
        gtin="",
        lastModifiedDateTime=stamp,
    )


def _open_orders(today: date, dice: random.Random) -> Iterator[Entity]:
    """Yield open orders; every third one is late by a day to a month."""
    catalogue = list(items().values())
    for number in range(_ORDERS):
        first = catalogue[(number * 7) % len(catalogue)]
        vendor = vendors()[first.vendor]
        late = number % 3 == 0
        days = -dice.randint(1, 30) if late else dice.randint(2, 35)
        expected = today + timedelta(days=days)
        ordered = expected - timedelta(days=vendor.lead_days)
        same = [one for one in catalogue if one.vendor == vendor.number and one != first]
        chosen = [first, *dice.sample(same, min(len(same), dice.randint(0, 2)))]
        released = late or dice.random() < 0.7  # noqa: PLR2004  most orders are released
        yield _order(f"PO-{106_001 + number}", vendor, chosen, ordered, expected, released, dice)


def _order(
    number: str,
    vendor: Vendor,
    chosen: Iterable[Item],
    ordered: date,
    expected: date,
    released: bool,  # noqa: FBT001  see above
    dice: random.Random,
) -> Entity:
    lines = [
        _line(number, index, item, expected, released, dice)
        for index, item in enumerate(chosen, 1)
    ]
    total = sum((line["amountExcludingTax"] for line in lines), Decimal(0))
    moment = datetime.combine(ordered, time(9), tzinfo=UTC)
    return entity(
        "order",
        number,
        number=number,
        orderDate=ordered.isoformat(),
        postingDate=ordered.isoformat(),
        vendorId=identity("vendor", vendor.number),
        vendorNumber=vendor.number,
        vendorName=vendor.name,
        currencyCode=vendor.currency or "EUR",
        requestedReceiptDate=BLANK_DATE,
        purchaser="",
        fullyReceived=False,
        status="Open" if released else "Draft",
        totalAmountExcludingTax=total,
        totalTaxAmount=Decimal(0),
        totalAmountIncludingTax=total,
        lastModifiedDateTime=moment.isoformat().replace("+00:00", "Z"),
        purchaseOrderLines=lines,
    )


def _line(
    number: str,
    index: int,
    item: Item,
    expected: date,
    released: bool,  # noqa: FBT001  see above
    dice: random.Random,
) -> Entity:
    quantity = Decimal(max(item.daily_use * dice.randint(5, 15), 1))
    received = quantity // 4 if released and dice.random() < 0.2 else Decimal(0)  # noqa: PLR2004  some came in part
    amount = (quantity * item.unit_cost).quantize(Decimal("0.01"))
    place = "GDN-RAW" if dice.random() < 0.6 else "LEJ-RAW"  # noqa: PLR2004  Gdańsk is the larger plant
    return entity(
        "line",
        f"{number}/{index}",
        _version=1,
        documentId=identity("order", number),
        sequence=index * 10_000,
        itemId=identity("item", item.number),
        lineType="Item",
        lineObjectNumber=item.number,
        description=item.name,
        description2="",
        unitOfMeasureCode=item.unit,
        quantity=quantity,
        directUnitCost=item.unit_cost,
        receivedQuantity=received,
        invoicedQuantity=Decimal(0),
        amountExcludingTax=amount,
        netAmount=amount,
        expectedReceiptDate=expected.isoformat(),
        locationId=identity("location", place),
    )


def _receipts(today: date, dice: random.Random) -> Iterator[Entity]:
    for number in range(_RECEIVED):
        vendor = dice.choice(list(vendors().values()))
        name = f"GR-{205_001 + number}"
        yield entity(
            "receipt",
            name,
            number=name,
            orderNumber=f"PO-{105_001 + number}",
            vendorNumber=vendor.number,
            vendorName=vendor.name,
            postingDate=(today - timedelta(days=dice.randint(1, 45))).isoformat(),
        )
