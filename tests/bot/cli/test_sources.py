"""`countersign sources`: what a folder of mapping files gives, and what could not be read."""

import pytest
from click.testing import CliRunner

from bot.cli.commands import cli

FILES = """
name = "Cycle counts"
owner = "Jo Brandt <jo.brandt@example.com>"
kind = "files"
timezone = "Europe/Berlin"

[files]
folder = "{folder}"
settle = 0

[stock]
pattern = "count*.csv"

[stock.fields]
ref = "id"
item = "item"
location = "place"
quantity = {{from = "count", unit = "PCS"}}
"""


@pytest.fixture
def folder(tmp_path):
    """Make a folder with one mapping, and the folder that files are dropped in."""
    mappings, drop = tmp_path / "sources", tmp_path / "drop"
    mappings.mkdir()
    drop.mkdir()
    (mappings / "counts.toml").write_text(FILES.format(folder=drop), encoding="utf-8")
    return mappings, drop


def ran(folder):
    return CliRunner().invoke(cli, ["sources", str(folder)], env={"COLUMNS": "200"})


def test_what_was_read_is_counted_by_scope(folder):
    mappings, drop = folder
    (drop / "count-1.csv").write_text("id,item,place,count\n1,B6204,MAIN,40\n")

    result = ran(mappings)

    assert result.exit_code == 0, result.output
    assert "Cycle counts" in result.output
    assert "read" in result.output


def test_a_row_that_cannot_be_read_is_shown_with_what_is_wrong(folder):
    mappings, drop = folder
    (drop / "count-1.csv").write_text("id,item,place,count\n1,B6204,MAIN,forty\n2,B6205,MAIN,3\n")

    result = ran(mappings)

    assert result.exit_code == 1
    assert "forty" in result.output


def test_a_source_that_is_away_is_said_to_be(folder):
    mappings, _ = folder

    result = ran(mappings)

    assert result.exit_code == 1
    assert "Cycle counts" in result.output
    assert "count*.csv" in result.output


def test_a_mapping_that_cannot_be_used_names_every_problem(folder):
    mappings, _ = folder
    (mappings / "bad.toml").write_text('name = "Bad"\nkind = "fax"\n')

    result = ran(mappings)

    assert result.exit_code != 0
    assert "fax" in str(result.exception)
