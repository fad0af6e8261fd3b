"""Thousands of odd requests against the running program; tests and `make fuzz` share them."""

import copy
import json
from collections import Counter

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
ALLOWED = {200, 201, 400, 401, 413, 415}
"""What the messaging endpoint may answer, whatever it is sent."""

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["", "\0", "\ud800", "\u202e", "x" * 70_000, "9999-99-99", 10**400, [], {}]),
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=5),
    st.integers(5, 60).map(lambda depth: json.loads("[" * depth + "]" * depth)),
)


def within(cases):
    """Return how hypothesis looks for trouble: this often, and the same way every time."""
    return settings(
        max_examples=cases,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def attack_api(url, headers, *, cases):
    """Send what the OpenAPI document allows, and what it does not; return the statuses."""
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    operations = [found.ok() for found in schema.get_all_operations()]
    seen = Counter()
    for operation in operations:
        for mode in GenerationMode:

            @within(max(1, cases // len(operations) // len(GenerationMode)))
            @given(case=operation.as_strategy(generation_mode=mode))
            def attacked(case):
                answer = case.call(headers=headers)
                seen[answer.status_code] += 1
                assert "Traceback" not in answer.text
                case.validate_response(answer, checks=CHECKS)

            attacked()
    return seen


def places(value, path=()):
    """Yield the path of every place in a JSON value."""
    yield path
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, inner in pairs:
        yield from places(inner, (*path, name))


@st.composite
def odd_activities(draw, good):
    """Draw a good activity with a few of its parts dropped, replaced or put into each other."""
    activity = copy.deepcopy(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 3))):
        paths = [path for path in places(activity) if path]
        if not paths:
            break
        *way, last = draw(st.sampled_from(paths))
        holder = activity
        for name in way:
            holder = holder[name]
        match draw(st.sampled_from(["drop", "junk", "junk", "wrap", "swap"])):
            case "drop":
                del holder[last]
            case "junk":
                holder[last] = draw(JUNK)
            case "wrap":
                holder[last] = draw(st.sampled_from([[holder[last]], {"a": holder[last]}]))
            case "swap":
                holder[last] = copy.deepcopy(activity)
    return activity


def attack_messages(url, token, good, *, cases):
    """Send activities that are nearly good; return the statuses."""
    seen = Counter()
    with requests.Session() as session:

        @within(cases)
        @given(activity=odd_activities(good))
        def attacked(activity):
            answer = session.post(
                url,
                data=json.dumps(activity),
                headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
                timeout=30,
            )
            seen[answer.status_code] += 1
            assert answer.status_code in ALLOWED, answer.text[:300]
            assert "Traceback" not in answer.text
            assert "Sorry" not in answer.text, answer.text[:300]

        attacked()
    return seen


def good_activities(world, person, message):
    """Return one activity of every kind that Teams sends."""
    make = world.teams.activities
    channel = world.teams.channel().id
    verbs = ("override", "confirm_override", "not_now", "changes", "recost", "why", "x")
    return [
        *(make.invoke(person, message, verb, world.teams_data(message)) for verb in verbs),
        make.message(person, "open", channel, "1"),
        *make.installation(person, channel, "add"),
    ]
