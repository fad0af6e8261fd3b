"""How long it takes to read a whole plant: `python -m benchmarks.snapshot`.

The stand-in is filled with a plant of some size and answers each request 20 ms late. It runs in
the same process, so that its own work counts too, and a slow answer is never blamed on a network.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import aiohttp
from rich.console import Console
from rich.table import Table

from bot.clock import utc_now
from erp.business_central.reader import BusinessCentralReader
from erp.snapshot import SCOPES
from erp.standin.plant import seed
from erp.standin.plant.catalogue import entity, identity
from erp.standin.server import StandIn
from tests.erp.business_central.wide import a_reader

ITEMS: Final = 3_000
LINES: Final = 5_000
LATENCY: Final = 0.020
"""Seconds before each answer."""

FULL_WITHIN: Final = 10.0
DELTA_WITHIN: Final = 1.0
PER_ORDER: Final = 4
CHANGED: Final = 20
"""Items that somebody edits between a full reading and a poll."""
TIMES: Final = 3
LONG_AGO: Final = {"lastModifiedDateTime": "2026-01-05T08:00:00Z"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One reading: what it took, and what came of it."""

    name: str
    seconds: float
    within: float
    requests: int
    facts: int


def fill(erp: StandIn, items: int, lines: int) -> None:
    """Put a plant of this size beside the one that is there."""
    store, today = erp.store, utc_now().date()
    seed(store, today)
    pattern = store.by("items", "number", "BRG-6205")
    assert pattern is not None  # noqa: S101  the seed puts it there
    numbers = [f"BENCH-{number:05}" for number in range(items)]
    store.put_all(
        "items",
        [
            pattern | LONG_AGO | {"id": identity("item", number), "number": number}
            for number in numbers
        ],
    )
    store.put_all("ledgerEntries", list(_ledger(numbers)))
    store.put_all("purchaseOrders", list(_orders(numbers, lines, today)))
    store.put_all("productionComponents", list(_components(numbers, today)))


def _ledger(numbers: list[str]) -> Iterator[dict[str, Any]]:
    for index, number in enumerate(numbers):
        for place in ("GDN-RAW", "LEJ-RAW"):
            yield entity(
                "bench ledger",
                f"{number}/{place}",
                entryNo=100_000 + index,
                entryType="Purchase",
                postingDate="2026-01-05",
                itemNo=number,
                locationCode=place,
                quantity=Decimal(500),
                unitOfMeasureCode="PCS",
                remainingQuantity=Decimal(index % 300 + 1),
                open=True,
                positive=True,
            )


def _orders(numbers: list[str], lines: int, today: date) -> Iterator[dict[str, Any]]:
    for index in range(lines // PER_ORDER):
        number = f"PO-{300_000 + index}"
        yield entity(
            "bench order",
            number,
            number=number,
            vendorNumber="V1010",
            currencyCode="EUR",
            status="Open",
            fullyReceived=False,
            **LONG_AGO,
            purchaseOrderLines=[
                _line(number, place, numbers[(index * PER_ORDER + place) % len(numbers)], today)
                for place in range(PER_ORDER)
            ],
        )


def _line(order: str, place: int, item: str, today: date) -> dict[str, Any]:
    return entity(
        "bench line",
        f"{order}/{place}",
        _version=1,
        documentId=identity("bench order", order),
        sequence=(place + 1) * 10_000,
        lineType="Item",
        lineObjectNumber=item,
        description="A thing that is bought",
        unitOfMeasureCode="PCS",
        quantity=Decimal(250),
        directUnitCost=Decimal("2.85"),
        receivedQuantity=Decimal(0),
        expectedReceiptDate=(today + timedelta(days=place * 7)).isoformat(),
        locationId=identity("location", "GDN-RAW"),
    )


def _components(numbers: list[str], today: date) -> Iterator[dict[str, Any]]:
    for index, number in enumerate(numbers[::2]):
        yield entity(
            "bench component",
            number,
            status="Released",
            documentNo=f"FA-{5_000 + index // 10}",
            itemNo=number,
            locationCode="GDN-RAW",
            remainingQtyBase=Decimal(40),
            dueDate=(today + timedelta(days=index % 30)).isoformat(),
            qtyPerUnitOfMeasure=Decimal(1),
            unitOfMeasureCode="PCS",
        )


async def measured(
    name: str, within: float, erp: StandIn, reader: BusinessCentralReader, since: datetime | None
) -> Measured:
    """Read everything some times over and keep the fastest: what else runs here only adds."""
    seconds, facts = [], 0
    for _ in range(TIMES):
        erp.log.clear()
        began = time.perf_counter()
        found = await reader.snapshot(SCOPES, since=since)
        seconds.append(time.perf_counter() - began)
        facts = sum(len(getattr(found, scope)) for scope in SCOPES)
    return Measured(
        name=name, seconds=min(seconds), within=within, requests=len(erp.log), facts=facts
    )


async def run(items: int, lines: int) -> list[Measured]:
    """Read the plant in full, then poll it for what changed."""
    erp = StandIn(now=utc_now)
    fill(erp, items, lines)
    await erp.start()
    erp.latency = LATENCY
    try:
        async with aiohttp.ClientSession() as session:
            reader = a_reader(session, erp.base_url, now=utc_now)
            since = utc_now()
            full = await measured("full snapshot", FULL_WITHIN, erp, reader, None)
            for number in range(min(CHANGED, items)):
                erp.set_item(f"BENCH-{number:05}", unitCost=Decimal(3))
            return [full, await measured("delta poll", DELTA_WITHIN, erp, reader, since)]
    finally:
        await erp.stop()


def show(readings: list[Measured], console: Console, title: str) -> None:
    """Print the table."""
    table = Table("", "seconds", "at most", "requests", "facts", title=title)
    for one in readings:
        table.add_row(
            one.name,
            f"{one.seconds:.2f}",
            f"{one.within:.0f}",
            f"{one.requests:,}",
            f"{one.facts:,}",
        )
    console.print(table)


def main() -> None:
    """Measure, print, and fail where it took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=ITEMS)
    parser.add_argument("--lines", type=int, default=LINES)
    options = parser.parse_args()
    readings = asyncio.run(run(options.items, options.lines))
    title = f"{options.items:,} items, {options.lines:,} open lines, {LATENCY * 1000:.0f} ms each"
    show(readings, Console(width=100), title)
    sys.exit(any(one.seconds >= one.within for one in readings))


if __name__ == "__main__":
    main()
