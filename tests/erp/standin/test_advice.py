"""What the demo's planner sends is about the plant, and the intake understands it."""

from random import Random
from types import MappingProxyType

from bot.clock import utc_now
from bot.workflow.envelope import read_item
from bot.workflow.understand import Understood, understand
from decisions.canonical import canonical
from decisions.money import Rates
from decisions.routing import Plant, PlantId
from erp.standin.advice import Adviser
from erp.standin.plant import items, seed, vendors
from erp.standin.store import Store
from tests.build import EUR, a_routing_table

PLANTS = {
    PlantId(name): Plant(id=PlantId(name), name=name, timezone="Europe/Berlin", language="en")
    for name in ("GDN", "LEJ")
}
TABLE = a_routing_table(
    plants=MappingProxyType(PLANTS),
    rates=Rates(base=EUR, per_unit={"PLN": 1, "USD": 1}),
)


def advised(count):
    store = Store(None)
    seed(store, utc_now().date())
    adviser = Adviser(store, utc_now, Random(7))  # noqa: S311  the same advice every time
    bodies = [adviser() for _ in range(count)]
    store.close()
    return bodies


def test_three_hundred_recommendations_are_all_understood():
    for body in advised(300):
        item = read_item(canonical(body).decode())
        found = understand(item, TABLE, allowed=frozenset(PLANTS), now=utc_now())

        assert isinstance(found, Understood), found


def test_they_speak_of_things_that_exist():
    for body in advised(300):
        subject, action = body["subject"], body["action"]

        assert subject.get("item", "BRG-6205") in items()
        assert subject.get("vendor", "V1010") in vendors()
        if action["kind"] == "create_purchase_order":
            assert action["vendor"] in vendors()
            assert {line["item"] for line in action["lines"]} <= set(items())


def test_every_kind_comes_up_and_no_id_twice():
    bodies = advised(300)

    assert len({body["kind"] for body in bodies}) == 7
    assert len({body["id"] for body in bodies}) == 300
