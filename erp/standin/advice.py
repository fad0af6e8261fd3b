"""Recommendations about the plant as a planning AI would send them, in the API's wire format."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from erp.standin.plant import Item, items, vendors
from erp.standin.store import Entity, Store

Body: TypeAlias = dict[str, Any]

ZONES: Final = {"GDN": ZoneInfo("Europe/Warsaw"), "LEJ": ZoneInfo("Europe/Berlin")}
LINES: Final = {"GDN": ("line 2", "line 4"), "LEJ": ("Linie 1", "Linie 3")}
_HOURLY: Final = (2300, 3100, 4600, 5200)
_PER_EURO: Final = {"EUR": Decimal(1), "PLN": Decimal("4.26"), "USD": Decimal("1.09")}
_PUMPS: Final = ("H32", "H50", "H80")


class Adviser:
    """Returns one recommendation a call: what it says fits the plant's own numbers."""

    def __init__(self, store: Store, now: Callable[[], datetime], rng: Random) -> None:
        """Look at this plant, at this time, with these dice."""
        self._store = store
        self._now = now
        self._rng = rng
        self._made = 0

    def __call__(self) -> Mapping[str, Any]:
        """Return the next recommendation; stockouts and late orders are the most frequent."""
        make = self._rng.choices(
            (
                self._stockout,
                self._overdue,
                self._at_risk,
                self._budget,
                self._delay,
                self._quality,
                self._maintenance,
            ),
            (42, 20, 12, 7, 9, 5, 5),
        )[0]
        self._made += 1
        now = self._now()
        return make(now) | {"id": f"planner-{now:%Y%m%d%H%M%S}-{self._made:04}"}

    def _plant(self) -> str:
        return self._rng.choice(("GDN", "GDN", "LEJ"))

    def _item(self, plant: str) -> Item:
        """Return an item that runs short, mostly."""
        scarce = [one for one in items().values() if one.stock[plant] < one.reorder_point]
        return self._rng.choice(scarce or list(items().values()))

    def _stockout(self, now: datetime) -> Body:
        plant = self._plant()
        item = self._item(plant)
        vendor = vendors()[item.vendor]
        days = round(item.stock[plant] / item.daily_use, 1)
        hourly = self._rng.choice(_HOURLY)
        bites = now + timedelta(hours=self._rng.choice((1, 2, 3, 5, 9)))
        quantity = -(-item.daily_use * (vendor.lead_days + 5) // 10) * 10
        cost = item.unit_cost * quantity
        line = self._rng.choice(LINES[plant])
        premium = (cost * Decimal("0.18")).quantize(Decimal(1)) + 240
        return {
            "kind": "stockout_risk",
            "plant": plant,
            "headline": f"{item.name} runs out in {days} days",
            "subject": {
                "item": item.number,
                "item_name": item.name,
                "vendor": vendor.number,
                "vendor_name": vendor.name,
            },
            "facts": [
                _fact("Stock", item.stock[plant], item.unit, "Business Central", now, 12),
                _fact("Use per day", item.daily_use, item.unit, f"MES {line}", now, 38),
                _fact("Lead time", vendor.lead_days, "days", "Business Central", now, 2900),
            ],
            "confidence": self._confidence(),
            "impact": {
                "lines": [
                    _loss(
                        "downtime",
                        hourly,
                        "hour",
                        self._chance(),
                        f"{line} stands still at {hourly:,} EUR an hour",
                        bites,
                        ends_at=bites + timedelta(hours=8),
                    ),
                    _loss(
                        "expedite_premium",
                        premium,
                        "once",
                        "1",
                        "Express freight instead of the weekly truck",
                        bites + timedelta(hours=2),
                        step=f"only express freight arrives in time (+{premium:,} EUR)",
                    ),
                ],
                "cost_of_acting": _money(cost * _PER_EURO[vendor.currency], vendor.currency),
            },
            "action": {
                "kind": "create_purchase_order",
                "vendor": vendor.number,
                "currency": vendor.currency,
                "lines": [
                    {
                        "item": item.number,
                        "quantity": str(quantity),
                        "unit": item.unit,
                        "unit_cost": _money(
                            item.unit_cost * _PER_EURO[vendor.currency], vendor.currency
                        ),
                        "location": f"{plant}-RAW",
                        "expected_receipt_date": _day(
                            now + timedelta(days=vendor.lead_days)
                        ).isoformat(),
                    }
                ],
            },
            "valid_until": self._end(now, plant),
            "rationale": (
                f"{item.stock[plant]} {item.unit} are left and {line} takes {item.daily_use} a "
                f"day; {vendor.name} delivers in {vendor.lead_days} days. The quantity covers "
                "the lead time and five days of safety."
            ),
        }

    def _late_order(self, now: datetime) -> tuple[Entity, Entity] | None:
        today = now.date().isoformat()
        late = [
            (order, line)
            for order in self._store.all("purchaseOrders")
            for line in order["purchaseOrderLines"]
            if line["lineType"] == "Item" and "0001-01-01" < line["expectedReceiptDate"] < today
        ]
        return self._rng.choice(late) if late else None

    def _overdue(self, now: datetime) -> Body:
        found = self._late_order(now)
        if found is None:
            return self._stockout(now)
        order, line = found
        promised = date.fromisoformat(line["expectedReceiptDate"])
        days = (now.date() - promised).days
        item = items()[line["lineObjectNumber"]]
        plant = self._plant()
        penalty = self._rng.choice((450, 900, 1600))
        return {
            "kind": "overdue_purchase_order",
            "plant": plant,
            "headline": f"{order['number']}: {item.name} is {days} days late",
            "subject": {
                "item": item.number,
                "item_name": item.name,
                "vendor": order["vendorNumber"],
                "vendor_name": order["vendorName"],
                "document": order["number"],
                "line": line["sequence"],
            },
            "facts": [
                _fact("Promised", promised.isoformat(), None, "Business Central", now, 25),
                _fact("Still to come", line["quantity"], item.unit, "Business Central", now, 25),
                _fact("Stock", item.stock[plant], item.unit, "WMS", now, 190),
            ],
            "confidence": self._confidence(),
            "impact": {
                "lines": [
                    _loss(
                        "otif_penalty",
                        penalty,
                        "day",
                        self._chance(),
                        "Penalty of the customer order that waits for it",
                        now + timedelta(hours=self._rng.choice((2, 6, 12))),
                    )
                ]
            },
            "action": {
                "kind": "send_supplier_chaser",
                "vendor": order["vendorNumber"],
                "document": order["number"],
                "text": f"Please confirm a new date for {order['number']}, {item.name}.",
            },
            "valid_until": self._end(now, plant),
            "rationale": f"{order['vendorName']} has not sent a new date for {days} days.",
        }

    def _at_risk(self, now: datetime) -> Body:
        plant = self._plant()
        item = self._item(plant)
        pump = self._rng.choice(_PUMPS)
        amount = self._rng.choice((3800, 7200, 12400))
        number = self._rng.randint(101, 140)
        return self._note(
            now,
            plant,
            kind="production_at_risk",
            headline=f"Pump {pump}, order {number}: {item.name} is missing",
            facts=[
                _fact("Stock", item.stock[plant], item.unit, "Business Central", now, 15),
                _fact("Needed", item.daily_use * 2, item.unit, "MES", now, 55),
            ],
            loss=_loss(
                "overtime",
                amount,
                "once",
                self._chance(),
                "Saturday shift that catches up",
                now + timedelta(hours=5),
                step="a Saturday shift is the only way to the date",
            ),
            note="Pull another order forward, or find the part",
            rationale=f"The order starts tomorrow and {item.name} does not cover it.",
        )

    def _budget(self, now: datetime) -> Body:
        over = self._rng.choice((1900, 4300, 8800))
        return self._note(
            now,
            self._plant(),
            kind="budget_breach",
            headline=f"Maintenance budget will be {over:,} EUR over this month",
            facts=[
                _fact("Booked", 41_300, "EUR", "Business Central", now, 700),
                _fact("Open orders", 12_900, "EUR", "Business Central", now, 30),
            ],
            loss=_loss(
                "other",
                over,
                "once",
                self._chance(),
                "Overrun at the present rate",
                now + timedelta(hours=11),
            ),
            note="Hold what can wait, or ask for the money",
            rationale="Spend of the last three weeks, carried on to the end of the month.",
        )

    def _delay(self, now: datetime) -> Body:
        vendor = self._rng.choice(list(vendors().values()))
        days = self._rng.randint(3, 12)
        return self._note(
            now,
            self._plant(),
            kind="supplier_delay",
            headline=f"{vendor.name} will be about {days} days late",
            facts=[
                _fact("Late deliveries, 90 days", self._rng.randint(3, 9), None, "WMS", now, 600),
                _fact("Mean delay", days, "days", "WMS", now, 600),
            ],
            loss=_loss(
                "expedite_premium",
                self._rng.choice((600, 1200)),
                "day",
                self._chance(),
                "Express freight for what cannot wait",
                now + timedelta(hours=4),
            ),
            note="Call the vendor and move what depends on it",
            rationale="Its last deliveries were late by about that much.",
        )

    def _quality(self, now: datetime) -> Body:
        plant = self._plant()
        item = self._item(plant)
        worth = (item.unit_cost * item.daily_use * 4).quantize(Decimal("0.01"))
        return self._note(
            now,
            plant,
            kind="quality_hold",
            headline=f"Batch of {item.name} is outside its tolerance",
            facts=[_fact("Rejected", self._rng.randint(4, 19), "%", "MES", now, 48)],
            loss=_loss(
                "write_off",
                worth,
                "once",
                self._chance(),
                "Worth of the batch",
                now + timedelta(hours=3),
                step="the batch is on the line",
            ),
            note="Hold the batch and have it measured",
            rationale="Five of the last forty parts were outside.",
        )

    def _maintenance(self, now: datetime) -> Body:
        plant = self._plant()
        line = self._rng.choice(LINES[plant])
        return self._note(
            now,
            plant,
            kind="maintenance_due",
            headline=f"Spindle of {line}: vibration is rising",
            facts=[_fact("Vibration", "7.1", "mm/s", "Condition monitoring", now, 6)],
            loss=_loss(
                "downtime",
                self._rng.choice(_HOURLY),
                "hour",
                "0.25",
                "Unplanned stop until the spindle is changed",
                now + timedelta(hours=20),
                ends_at=now + timedelta(hours=32),
            ),
            note="Plan the change into the next set-up window",
            rationale="The trend reaches the alarm limit within two days.",
        )

    def _note(
        self,
        now: datetime,
        plant: str,
        *,
        loss: Body,
        note: str,
        **content: object,
    ) -> Body:
        """Return one that only wants a person to take care of it."""
        body: Body = {
            "subject": {},
            "plant": plant,
            "confidence": self._confidence(),
            "impact": {"lines": [loss]},
            "action": {"kind": "acknowledge", "note": note},
            "valid_until": self._end(now, plant),
        }
        return body | content

    def _confidence(self) -> str:
        return f"{self._rng.uniform(0.45, 0.97):.2f}"

    def _chance(self) -> str:
        return f"{self._rng.uniform(0.3, 0.9):.1f}"

    def _end(self, now: datetime, plant: str) -> str:
        """Return the end of the shift after next, on the plant's clock: 06:00, 14:00 or 22:00."""
        local = now.astimezone(ZONES[plant]) + timedelta(hours=8)
        for hour in (6, 14, 22):
            end = datetime.combine(local.date(), time(hour), tzinfo=ZONES[plant])
            if end > local:
                return end.isoformat()
        tomorrow = local.date() + timedelta(days=1)
        return datetime.combine(tomorrow, time(6), tzinfo=ZONES[plant]).isoformat()


def _day(moment: datetime) -> date:
    """Return a working day: vendors do not deliver on weekends."""
    day = moment.date()
    while day.weekday() > 4:  # noqa: PLR2004  Friday
        day += timedelta(days=1)
    return day


def _money(amount: Decimal, currency: str = "EUR") -> Body:
    return {"amount": f"{amount:.2f}", "currency": currency}


def _fact(
    name: str, value: object, unit: str | None, source: str, now: datetime, minutes: int
) -> Body:
    seen = now - timedelta(minutes=minutes)
    fact = {
        "name": name,
        "value": str(value),
        "source": source,
        "observed_at": seen.isoformat(),
        "recorded_at": (seen + timedelta(seconds=40)).isoformat(),
    }
    return fact if unit is None else fact | {"unit": unit}


def _loss(
    kind: str,
    amount: object,
    per: str,
    probability: str,
    basis: str,
    bites_at: datetime,
    **more: object,
) -> Body:
    late = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in more.items()
    }
    return {
        "kind": kind,
        "amount": _money(Decimal(str(amount))),
        "per": per,
        "probability": probability,
        "basis": basis,
        "bites_at": bites_at.isoformat(),
    } | late
