"""An Adaptive Card as text for a terminal; whoever wrote the text cannot steer the terminal."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.demo.card import Field, fields, text
from bot.ports import CardJson

Element: TypeAlias = Mapping[str, object]

_INLINE: Final = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|\*\*(?P<bold>(?:\\.|[^*\\])+)\*\*"
    r"|(?<![\w*])[_*](?P<italic>(?:\\.|[^_*\\])+)[_*](?![\w*])"
    r"|\[(?P<label>(?:\\.|[^\]\\])+)\]\((?P<url>[^)\s]+)\)"
    r"|<at>(?P<name>[^<]*)</at>"
)
"""The Markdown that Teams reads in a card: bold, italic, links, mentions, and escapes."""

_WIDE: Final = frozenset({"medium", "large", "extraLarge"})

_COLOURS: Final = MappingProxyType(
    {"attention": "red", "warning": "yellow", "good": "green", "accent": "cyan"}
)


def render(card: CardJson) -> RenderableType:
    """Draw a card as text, without its buttons."""
    return Group(*_all(card.get("body")))


def plain(marked: str) -> str:
    """Return the words of a text as they are read, on one line."""
    return " ".join(_marked(marked).plain.split())


def visible(typed: str) -> str:
    """Take out what a terminal would obey; keep line breaks."""
    return "".join(
        one for one in typed if one == "\n" or unicodedata.category(one) not in ("Cc", "Cf")
    )


def _marked(marked: str, style: str = "") -> Text:
    drawn = Text(style=style)
    source = visible(marked)
    end = 0
    for found in _INLINE.finditer(source):
        drawn.append(source[end : found.start()])
        _inline(drawn, found)
        end = found.end()
    drawn.append(source[end:])
    return drawn


def _inline(drawn: Text, found: re.Match[str]) -> None:
    match found.lastgroup:
        case "bold":
            drawn.append(_marked(found["bold"], "bold"))
        case "italic":
            drawn.append(_marked(found["italic"], "italic"))
        case "url":
            drawn.append(_marked(found["label"]))
            drawn.append(f" <{found['url']}>")
        case "name":
            drawn.append("@", "bold").append(_marked(found["name"], "bold"))
        case _:
            drawn.append(found["escaped"])


def _all(part: object) -> Iterator[RenderableType]:
    """Draw what is visible; an empty line stands where the card leaves space between two."""
    shown = [
        one
        for one in (part if isinstance(part, list) else [])
        if isinstance(one, Mapping) and one.get("isVisible", True)
    ]
    for number, one in enumerate(shown):
        if number and (one.get("separator") or one.get("spacing") in _WIDE):
            yield Text("")
        yield from _one(one)


def _one(element: Element) -> Iterator[RenderableType]:
    draw = _DRAWERS.get(text(element, "type"))
    if draw is not None:
        yield from draw(element)
    elif isinstance(instead := element.get("fallback"), Mapping):
        yield from _one(instead)


def _text_block(element: Element) -> Iterator[RenderableType]:
    styles = [_COLOURS.get(text(element, "color").lower(), "")]
    if element.get("style") == "heading" or text(element, "weight").lower() == "bolder":
        styles.append("bold")
    if element.get("isSubtle"):
        styles.append("dim")
    yield _marked(text(element, "text"), " ".join(styles).strip())


def _rich_text(element: Element) -> Iterator[RenderableType]:
    line = Text()
    inlines = element.get("inlines")
    for one in inlines if isinstance(inlines, list) else []:
        run = one if isinstance(one, Mapping) else {"text": one}
        bold = "bold" if text(run, "weight").lower() == "bolder" else ""
        line.append(visible(text(run, "text")), bold)
    yield line


def _fact_set(element: Element) -> Iterator[RenderableType]:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", ratio=2)
    table.add_column(ratio=5)
    facts = element.get("facts")
    for one in facts if isinstance(facts, list) else []:
        if isinstance(one, Mapping):
            table.add_row(_marked(text(one, "title")), _marked(text(one, "value")))
    yield table


def _container(element: Element) -> Iterator[RenderableType]:
    inside = Group(*_all(element.get("items")))
    yield Padding(inside, (0, 0, 0, 2)) if element.get("style") else inside


def _column_set(element: Element) -> Iterator[RenderableType]:
    columns = element.get("columns")
    cells = [
        Group(*_all(one.get("items")))
        for one in (columns if isinstance(columns, list) else [])
        if isinstance(one, Mapping)
    ]
    yield Columns(cells, padding=(0, 3))


def _table(element: Element) -> Iterator[RenderableType]:
    rows = [row for row in _list(element, "rows") if isinstance(row, Mapping)]
    drawn = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        cells = [cell for cell in _list(row, "cells") if isinstance(cell, Mapping)]
        drawn.add_row(*(Group(*_all(cell.get("items"))) for cell in cells))
    yield drawn


def _list(element: Element, name: str) -> list[object]:
    found = element.get(name)
    return found if isinstance(found, list) else []


def _image(element: Element) -> Iterator[RenderableType]:
    if words := text(element, "altText"):
        yield _marked(f"[{words}]", "dim")


def _input(element: Element) -> Iterator[RenderableType]:
    for field in fields(element):
        line = _marked(field.label, "bold")
        line.append(f": {shown_value(field)}", "not bold")
        yield line


def shown_value(field: Field) -> str:
    """Return what a field holds, in the words of its choices."""
    picked = [one.title for one in field.choices if one.value in field.value.split(",")]
    return visible(", ".join(picked) or field.value) or "(empty)"


_DRAWERS: Final[Mapping[str, Callable[[Element], Iterator[RenderableType]]]] = MappingProxyType(
    {
        "TextBlock": _text_block,
        "RichTextBlock": _rich_text,
        "FactSet": _fact_set,
        "Container": _container,
        "ColumnSet": _column_set,
        "Table": _table,
        "Image": _image,
        "Input.Text": _input,
        "Input.Number": _input,
        "Input.Date": _input,
        "Input.Time": _input,
        "Input.Toggle": _input,
        "Input.ChoiceSet": _input,
        "ActionSet": lambda _: iter(()),
    }
)
