from io import StringIO

import pytest
from rich.console import Console

from bot.demo.render import plain, render


def drawn(*body, width=60):
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(render({"type": "AdaptiveCard", "body": list(body)}))
    lines = (line.rstrip() for line in console.file.getvalue().splitlines())
    return "\n".join(line for line in lines if line)


def text(words, **more):
    return {"type": "TextBlock", "text": words} | more


@pytest.mark.parametrize(
    ("marked", "read"),
    [
        ("**1,250 EUR** to pay", "1,250 EUR to pay"),
        ("_late_ since Monday", "late since Monday"),
        ("<at>Alex Wilber</at> decides", "@Alex Wilber decides"),
        (
            "see [the order](https://erp.example.com/1)",
            "see the order <https://erp.example.com/1>",
        ),
        (r"\*\*not bold\*\* \[no\]\(link\)", "**not bold** [no](link)"),
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
        ("[red]markup of rich[/red]", "[red]markup of rich[/red]"),
    ],
)
def test_marks_are_read_as_teams_reads_them(marked, read):
    assert plain(marked) == read


def test_what_somebody_typed_cannot_steer_the_terminal():
    hostile = text("Nord\x1b[2J\x1b]0;owned\x07lager\u202e GmbH\r")

    assert drawn(hostile) == "Nord[2J]0;ownedlager GmbH"


def test_facts_stand_beside_their_names():
    facts = {"type": "FactSet", "facts": [{"title": "Plant", "value": "Gdańsk"}]}

    assert drawn(facts).split() == ["Plant", "Gdańsk"]


def test_containers_columns_tables_and_inputs_are_walked_through():
    inside = {"type": "Container", "items": [text("in a container")], "style": "emphasis"}
    columns = {
        "type": "ColumnSet",
        "columns": [{"items": [text("left")]}, {"items": [text("right")]}],
    }
    cells = [{"type": "TableCell", "items": [text(word)]} for word in ("before", "after")]
    table = {"type": "Table", "rows": [{"type": "TableRow", "cells": cells}]}
    image = {"type": "Image", "url": "https://example.com/i.png", "altText": "a pump"}
    choices = [{"title": "Data is wrong", "value": "d"}]
    asked = {
        "type": "Input.ChoiceSet",
        "id": "c",
        "label": "Reason",
        "choices": choices,
        "value": "d",
    }
    rich_text = {
        "type": "RichTextBlock",
        "inlines": ["plain ", {"type": "TextRun", "text": "run"}],
    }

    seen = drawn(inside, columns, table, image, asked, rich_text)

    assert [" ".join(line.split()) for line in seen.splitlines()] == [
        "in a container",
        "left right",
        "before after",
        "[a pump]",
        "Reason: Data is wrong",
        "plain run",
    ]


def test_what_is_hidden_or_unknown_is_left_out_but_its_fallback_is_shown():
    hidden = text("hidden", isVisible=False)
    unknown = {"type": "Chart.Donut", "fallback": text("a chart, in words")}
    dropped = {"type": "Chart.Line", "fallback": "drop"}

    assert drawn(hidden, unknown, dropped) == "a chart, in words"


def test_a_card_fits_a_narrow_terminal():
    seen = drawn(text("Bearings 6204 run out on Wednesday at the latest " * 3), width=32)

    assert max(len(line) for line in seen.splitlines()) <= 32
