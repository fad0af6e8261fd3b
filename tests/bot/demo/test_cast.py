from importlib.resources import as_file, files
from uuid import UUID

from bot.demo.cast import ALEX, CHANNELS, MEMBERS, TENANT
from bot.demo.playground import configuration
from bot.routing_file import read_routing


def routing_of_the_demo():
    with as_file(files("bot.demo").joinpath("routing.yaml")) as path:
        return read_routing(path)


def everybody_on(rule):
    return [rule.owner, *rule.deputies, *(step.to for step in rule.escalation)]


def test_everybody_whom_the_rules_name_is_in_the_team():
    table = routing_of_the_demo()

    named = {one for rule in (*table.rules, table.catch_all) for one in everybody_on(rule)}

    assert named == {member.person for member in MEMBERS}


def test_the_rules_use_every_channel_of_the_team_and_no_other():
    table = routing_of_the_demo()

    used = {rule.channel for rule in (*table.rules, table.catch_all)}

    assert used == set(CHANNELS)


def test_whoever_sits_at_the_browser_owns_what_purchasing_is_asked():
    table = routing_of_the_demo()

    owner = next(
        rule.owner for rule in table.rules if rule.matches(kind="stockout_risk", plant="GDN")
    )

    assert owner == ALEX.person


def test_the_playground_gets_one_person_at_the_browser_and_exactly_five_others():
    written = configuration()

    assert written["currentUser"]["name"] == "Alex Wilber"
    assert [user["name"] for user in written["users"]] == [
        "Megan Bowen",
        "Adele Vance",
        "Isaiah Langer",
        "Patti Fernandez",
        "Lynne Robbins",
    ]


def test_the_playground_gets_ids_that_are_guids():
    written = configuration()

    ids = [user["aadObjectId"] for user in (written["currentUser"], *written["users"])]

    assert [str(UUID(one)) for one in (TENANT, *ids)] == [written["tenantId"], *ids]


def test_the_playground_gets_no_more_channels_than_its_schema_takes():
    written = configuration()

    assert [channel["name"] for channel in written["team"]["channels"]] == ["Purchasing"]
