"""Nobody configured means nobody may: a routing file with a hole is refused."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.routing_file import RoutingFileError, read_routing
from decisions.routing import PlantId, route

GOOD = """
plants:
  GDN: {name: Gdańsk works, timezone: Europe/Warsaw, language: pl}
people:
  ana: {id: A11CE000-0000-4000-8000-000000000001, name: Ana}
  bo: {id: b0b00000-0000-4000-8000-000000000002, name: Bo}
channels: {purchasing: "19:purchasing@thread.tacv2"}
rates: {base: EUR, per_unit: {USD: "0.92"}}
rules:
  - name: stockouts
    kinds: [stockout_risk]
    channel: purchasing
    owner: ana
    deputies: [bo]
    sla: PT4H
    escalation: [{after: PT2H, to: bo}]
everything_else: {channel: purchasing, owner: bo, sla: PT8H}
"""


def reading(tmp_path, text):
    path = tmp_path / "routing.yaml"
    path.write_text(text, encoding="utf-8")
    return read_routing(path)


def test_a_good_file_becomes_a_table(tmp_path):
    table = reading(tmp_path, GOOD)

    found = route(table, kind="stockout_risk", plant=PlantId("GDN"))

    assert (found.rule, found.owner.id, found.sla) == (
        "stockouts",
        "a11ce000-0000-4000-8000-000000000001",
        timedelta(hours=4),
    )
    assert table.rates.per_unit["USD"] == Decimal("0.92")


def test_alarms_have_a_channel_where_the_file_names_one(tmp_path):
    named = reading(tmp_path, f"alarms: purchasing\n{GOOD}")

    assert named.alarms == named.catch_all.channel
    assert reading(tmp_path, GOOD).alarms is None


def test_what_no_rule_wants_goes_to_the_one_that_catches_all(tmp_path):
    table = reading(tmp_path, GOOD)

    assert route(table, kind="quality_hold", plant=PlantId("GDN")).owner.name == "Bo"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("everything_else:", "nothing_else:", "everything_else: Field required"),
        ("owner: ana", "owner: zoe", "'zoe' is not under `people`"),
        ("to: bo", "to: zoe", "'zoe' is not under `people`"),
        ("channel: purchasing\n", "channel: sales\n", "'sales' is not under `channels`"),
        ("Europe/Warsaw", "Europe/Gdansk", "is not an IANA time zone"),
        ("sla: PT4H", "sla: PT0S", "sla"),
        ("    kinds:", "    plants: [LEJ]\n    kinds:", "'LEJ' is not under `plants`"),
        ("b0b00000", "zzzzzzzz", "people.bo.id"),
        ("    deputies:", "    deputy:", "Extra inputs are not permitted"),
        (
            "b0b00000-0000-4000-8000-000000000002",
            "a11ce000-0000-4000-8000-000000000001",
            "share one Entra object id",
        ),
        ("plants:\n", "plants: [\n", "is not YAML"),
        ("everything_else:", "alarms: moon\neverything_else:", "alarms: 'moon' is not under"),
    ],
)
def test_each_mistake_is_named(tmp_path, old, new, problem):
    assert old in GOOD

    with pytest.raises(RoutingFileError, match=problem):
        reading(tmp_path, GOOD.replace(old, new))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RoutingFileError, match="No such file"):
        read_routing(tmp_path / "nowhere.yaml")
