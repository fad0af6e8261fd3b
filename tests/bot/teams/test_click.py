import copy
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.teams.click import UnreadableClickError, read_click
from bot.workflow.click import Click
from tests.build import ANA, TENANT
from tests.fakes.activities import Activities

SERVICE_URL = "https://smba.trafficmanager.net/emea/"
ACTIVITIES = Activities(service_url=SERVICE_URL, tenant=TENANT, bot_id="28:bot")
CLICK = ACTIVITIES.invoke(ANA, "1795215624308", "approve", {"rec": "R-1", "round": 2}, id="f:1")


def changed(*path, to):
    """Return the click with the value at a path replaced, or taken out by `...`."""
    activity = copy.deepcopy(CLICK)
    *way, last = path
    place = activity
    for name in way:
        place = place[name]
    if to is ...:
        del place[last]
    else:
        place[last] = to
    return activity


def test_a_click_is_read():
    assert read_click(CLICK) == Click(
        person=ANA.id,
        person_name="Ana Ruiz",
        tenant=TENANT,
        verb="approve",
        trigger="manual",
        data={"rec": "R-1", "round": 2},
        conversation_id="19:purchasing@thread.tacv2;messageid=1795215624308",
        activity_id="1795215624308",
        invoke_id="f:1",
        service_url=SERVICE_URL,
        locale="en-US",
        sent_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
    )


def test_the_object_id_is_read_in_lower_case():
    click = read_click(changed("from", "aadObjectId", to=ANA.id.upper()))

    assert click.person == ANA.id


def test_a_person_without_a_name_is_called_by_the_object_id():
    click = read_click(changed("from", "name", to=...))

    assert click.person_name == ANA.id


def test_a_click_without_data_carries_none():
    click = read_click(changed("value", "action", "data", to=...))

    assert click.data == {}


def test_the_data_of_a_click_cannot_be_changed():
    click = read_click(CLICK)

    with pytest.raises(TypeError):
        click.data["rec"] = "R-2"


@pytest.mark.parametrize(
    ("trigger", "read"), [(..., "manual"), (None, "manual"), ("automatic", "automatic")]
)
def test_the_trigger_is_passed_along(trigger, read):
    assert read_click(changed("value", "trigger", to=trigger)).trigger == read


@pytest.mark.parametrize("sent_at", [..., "yesterday", "2026-03-02T09:00:00", 7, "0001-01-01T00Z"])
def test_a_click_without_a_good_time_is_read_all_the_same(sent_at):
    assert read_click(changed("timestamp", to=sent_at)).verb == "approve"


@pytest.mark.parametrize(
    ("path", "to", "what"),
    [
        (["from", "aadObjectId"], ..., "who clicked is missing"),
        (["from", "aadObjectId"], "ana@example.com", "who clicked is missing"),
        (["from", "aadObjectId"], f"{ANA.id}\n", "who clicked is missing"),
        (["from"], "Ana", "who clicked is missing"),
        (["value", "action", "verb"], "", "the button is missing"),
        (["value", "action", "verb"], 1, "the button is missing"),
        (["value", "action", "type"], "Action.Submit", "it is not an Action.Execute"),
        (["value"], ..., "it is not an Action.Execute"),
        (["value", "trigger"], 1, "what set it off is not a word"),
        (["value", "action", "data"], [1], "it carries data that no card of ours sends"),
        (["value", "action", "data"], {"n": 2**53}, "it carries data that no card of ours sends"),
        (
            ["value", "action", "data"],
            {"n": float("nan")},
            "it carries data that no card of ours sends",
        ),
        (["value", "action", "data"], {"t": "a\0"}, "it carries data that no card of ours sends"),
        (
            ["value", "action", "data"],
            {"t": "\ud800"},
            "it carries data that no card of ours sends",
        ),
        (
            ["value", "action", "data"],
            {"a": {"b": {"c": {"d": {}}}}},
            "it carries data that no card of ours sends",
        ),
        (["replyToId"], ..., "the card that was clicked is missing"),
        (["id"], None, "the id of the click is missing"),
        (["conversation", "id"], "x" * 1025, "the conversation is missing"),
        (["serviceUrl"], {}, "the service URL is missing"),
    ],
)
def test_what_is_missing_is_named(path, to, what):
    with pytest.raises(UnreadableClickError) as unreadable:
        read_click(changed(*path, to=to))

    assert unreadable.value.what == what


def test_a_click_without_a_tenant_is_unreadable():
    activity = changed("conversation", "tenantId", to=...) | {"channelData": None}

    with pytest.raises(UnreadableClickError, match="the tenant is missing"):
        read_click(activity)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(
    [
        ("type",),
        ("from",),
        ("from", "aadObjectId"),
        ("from", "name"),
        ("conversation",),
        ("conversation", "id"),
        ("conversation", "tenantId"),
        ("channelData",),
        ("channelData", "tenant"),
        ("value",),
        ("value", "action"),
        ("value", "action", "verb"),
        ("value", "action", "data"),
        ("value", "trigger"),
        ("replyToId",),
        ("timestamp",),
        ("locale",),
        ("id",),
        ("serviceUrl",),
    ]
)


@settings(max_examples=500, deadline=None)
@given(path=paths, value=anything)
def test_any_json_gives_a_click_or_says_what_is_missing(path, value):
    try:
        click = read_click(changed(*path, to=value))
    except UnreadableClickError:
        return

    kept = json.dumps([dict(click.data), click.person_name, click.verb], ensure_ascii=False)
    assert "\0" not in kept.encode().decode()
