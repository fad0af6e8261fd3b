import re
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot import measure
from bot.http.metrics import Standing
from storage.figures import Figures, JobFigures
from tests.build import NOW, an_event

FIGURES = Figures(
    jobs={"post": JobFigures(waiting=3, failing=1, oldest_due=NOW - timedelta(minutes=2))},
    recommendations={"awaiting": 4},
    orders={"unknown": 1},
    quarantined=2,
    audit_entries=70,
    alarms=1,
)


def samples(collector):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in collector.collect()
        for sample in metric.samples
    }


def test_what_stands_in_the_database_is_shown_by_kind_and_state():
    found = samples(Standing(FIGURES, lambda: NOW))

    assert found["countersign_job_lag_seconds", "post"] == 120
    assert found["countersign_jobs_waiting", "post"] == 3
    assert found["countersign_jobs_failing", "post"] == 1
    assert found["countersign_orders", "unknown"] == 1
    assert found["countersign_orders", "sending"] == 0
    assert found["countersign_recommendations", "awaiting"] == 4
    assert found["countersign_quarantine_held",] == 2
    assert found["countersign_audit_entries",] == 70
    assert found["countersign_alarms_total",] == 1
    assert found["countersign_database_up",] == 1


def test_a_scrape_without_the_database_says_so_and_nothing_else():
    found = samples(Standing(None, lambda: NOW))

    assert found == {("countersign_database_up",): 0}


def test_a_click_is_counted_by_what_the_chain_says_of_it():
    before = samples(measure.REGISTRY)

    with measure.clicked("approve"):
        refused = an_event(kind="click_refused", body={"why": "StaleCard"})
        measure.count_event(refused)

    after = samples(measure.REGISTRY)
    assert grown(before, after, "countersign_clicks_total", "approve", "refused") == 1
    assert grown(before, after, "countersign_clicks_refused_total", "StaleCard") == 1


def test_a_click_that_breaks_is_counted_and_breaks():
    before = samples(measure.REGISTRY)

    with pytest.raises(ZeroDivisionError), measure.clicked("why"):
        1 / 0  # noqa: B018  it breaks, that is all

    after = samples(measure.REGISTRY)
    assert grown(before, after, "countersign_clicks_total", "why", "failed") == 1


@pytest.mark.parametrize(
    ("code", "counted"),
    [("BotNotInConversationRoster", "BotNotInConversationRoster"), ("x" * 50, "other")],
)
def test_only_what_looks_like_a_code_becomes_a_label(code, counted):
    before = samples(measure.REGISTRY)

    measure.count_card_error(code)

    assert grown(before, samples(measure.REGISTRY), "countersign_card_errors_total", counted) == 1


def grown(before, after, *name):
    return after[name] - before.get(name, 0)


async def test_the_text_is_what_prometheus_reads(world):
    await world.recommend()
    await world.settled()

    async with world.http.get(f"{world.url}/metrics") as answer:
        text, kind = await answer.text(), answer.headers["Content-Type"]

    assert kind.startswith("text/plain; version=")
    names = {family.name for family in text_string_to_metric_families(text)}
    assert {
        "countersign_recommendations",
        "countersign_build_info",
        "process_cpu_seconds",
    } <= names
    assert re.search(r'countersign_call_seconds_count\{outcome="2xx",to="erp"\} \d', text)
    assert re.search(r'countersign_call_seconds_count\{outcome="2xx",to="teams"\} \d', text)


async def test_it_names_no_person_and_no_recommendation(world):
    await world.recommend()
    await world.settled()

    async with world.http.get(f"{world.url}/metrics") as answer:
        text = await answer.text()

    assert [word for word in ("Ana", "a11ce000", world.id, "Bearings") if word in text] == []
