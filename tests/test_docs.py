"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from bot import measure
from bot.cli.commands import cli
from bot.clock import utc_now
from bot.http.metrics import Standing
from bot.routing_file import read_routing
from decisions.lifecycle import State
from docs.generate import HERE, PARTS, filled
from storage.figures import Figures

ROOT = HERE.parent


@pytest.mark.parametrize("name", PARTS)
def test_the_generated_parts_are_up_to_date(name):
    page, make = PARTS[name]
    text = (HERE / page).read_text(encoding="utf-8")

    assert filled(text, name, make()) == text


def test_every_state_is_explained():
    rows = re.findall(r"^\| ([a-z_]+) \|", (HERE / "life.md").read_text(), re.MULTILINE)

    assert set(rows) == {state.value for state in State}


def test_the_example_routing_file_is_good(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", (HERE / "routing.md").read_text(), re.DOTALL)
    path = tmp_path / "routing.yaml"
    path.write_text(example, encoding="utf-8")

    table = read_routing(path)

    assert set(table.plants) == set(yaml.safe_load(example)["plants"])


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert [name for name in cli.commands if f"countersign {name}" not in readme] == []


def test_every_metric_is_explained():
    nothing = Figures(
        jobs={}, recommendations={}, orders={}, quarantined=0, audit_entries=0, alarms=0
    )
    ours = [*measure.REGISTRY.collect(), *Standing(nothing, utc_now).collect()]
    endings = {"counter": "_total", "info": "_info"}
    shown = {one.name + endings.get(one.type, "") for one in ours}
    page = (HERE / "operations.md").read_text(encoding="utf-8")

    explained = set(re.findall(r"^\| `(countersign_\w+)` \| ", page, re.MULTILINE))

    assert explained == {name for name in shown if name.startswith("countersign_")}


def test_every_decision_record_is_listed():
    listed = set(
        re.findall(r"\((\d{4}-[a-z-]+\.md)\)", (HERE / "decisions/README.md").read_text())
    )
    there = {path.name for path in Path(HERE / "decisions").glob("0*.md")}

    assert listed == there


def test_no_registry_host_and_no_path_of_a_machine_is_in_a_lock():
    for lock in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(
            r"https?://|--(extra-)?index-url|file:", lock.read_text(encoding="utf-8")
        )
