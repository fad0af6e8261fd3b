"""What a planner sends about the demo's own plant."""

from datetime import timedelta

from bot.clock import utc_now

ITEM, VENDOR = "BRG-6205", "V1010"


def when(**ahead):
    return (utc_now() + timedelta(**ahead)).isoformat()


def a_stockout(*, hourly="4600.00"):
    """Bearings that run out, and an order that prevents it."""
    fact = {"name": "Stock on hand", "value": "40", "unit": "PCS", "source": "Business Central"}
    downtime = {
        "kind": "downtime",
        "amount": {"amount": hourly, "currency": "EUR"},
        "per": "hour",
        "probability": "0.7",
        "basis": "Assembly line 2 stands still at 4,600 EUR an hour.",
        "bites_at": when(hours=2),
        "ends_at": when(hours=8),
        "step": "Only a courier from Łódź arrives in time, at 380 EUR more.",
    }
    line = {
        "item": ITEM,
        "quantity": "400",
        "unit": "PCS",
        "unit_cost": {"amount": "2.85", "currency": "EUR"},
        "expected_receipt_date": when(days=9)[:10],
    }
    return {
        "id": "planner-1",
        "kind": "stockout_risk",
        "plant": "GDN",
        "headline": "Bearings 6205 for line 2 run out on Thursday",
        "subject": {"item": ITEM, "vendor": VENDOR},
        "facts": [fact | {"observed_at": when(minutes=-12)}],
        "confidence": "0.86",
        "impact": {"lines": [downtime]},
        "action": {
            "kind": "create_purchase_order",
            "vendor": VENDOR,
            "currency": "EUR",
            "lines": [line],
        },
        "valid_until": when(hours=20),
        "rationale": "40 are left, line 2 takes 90 a day, and the vendor needs nine days.",
    }
