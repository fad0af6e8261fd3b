"""What an Adaptive Card offers to somebody who reads it: its text, its buttons, its inputs.

https://adaptivecards.io/explorer/ describes the elements.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.ports import CardJson


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """An `Action.Execute`: what it is called, and what it sends."""

    title: str
    verb: str
    data: Mapping[str, object]
    id: str | None
    sends: bool
    """Whether it sends along what was filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One entry of a list to pick from."""

    title: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Something to fill in; without choices it takes text."""

    id: str
    label: str
    kind: Literal["text", "choice"]
    value: str
    choices: tuple[Choice, ...] = ()
    several: bool = False


def elements(part: object) -> Iterator[Mapping[str, object]]:
    """Walk the elements of a card, or of a part of one, from top to bottom."""
    for one in part if isinstance(part, list) else [part]:
        if not isinstance(one, Mapping):
            continue
        yield one
        for name in ("body", "items", "columns", "rows", "cells"):
            yield from elements(one.get(name, []))


def buttons(card: CardJson) -> tuple[Button, ...]:
    """Return the buttons in the order in which they are shown, those in the overflow menu too."""
    sets = [one.get("actions") for one in elements(card) if one.get("type") == "ActionSet"]
    return tuple(
        Button(
            title=text(action, "title"),
            verb=text(action, "verb"),
            data=data if isinstance(data := action.get("data"), Mapping) else {},
            id=text(action, "id") or None,
            sends=action.get("associatedInputs") != "none",
        )
        for actions in [*sets, card.get("actions")]
        for action in (actions if isinstance(actions, list) else [])
        if isinstance(action, Mapping)
        and action.get("type") == "Action.Execute"
        and action.get("isEnabled", True)
    )


def button(card: CardJson, verb: str) -> Button | None:
    """Return the button that sends a verb; None when the card has none."""
    return next((one for one in buttons(card) if one.verb == verb), None)


def fields(card: CardJson) -> tuple[Field, ...]:
    """Return what there is to fill in, in its order."""
    return tuple(
        _field(one) for one in elements(card) if str(one.get("type", "")).startswith("Input.")
    )


def _field(element: Mapping[str, object]) -> Field:
    listed = element.get("choices")
    choices = tuple(
        Choice(title=text(one, "title"), value=text(one, "value"))
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, Mapping)
    )
    if element.get("type") == "Input.Toggle":
        on, off = element.get("valueOn", "true"), element.get("valueOff", "false")
        choices = (Choice(title="yes", value=str(on)), Choice(title="no", value=str(off)))
    return Field(
        id=text(element, "id"),
        label=text(element, "label") or text(element, "title") or text(element, "placeholder"),
        kind="choice" if choices else "text",
        value=text(element, "value"),
        choices=choices,
        several=bool(element.get("isMultiSelect")),
    )


def headline(card: CardJson) -> str:
    """Return the text of the first heading; the first text where there is none."""
    texts = [one for one in elements(card) if one.get("type") == "TextBlock"]
    headings = [one for one in texts if one.get("style") == "heading"]
    return next((text(one, "text") for one in (*headings, *texts)), "")


def text(element: Mapping[str, object], name: str) -> str:
    """Return a text property; numbers as text, and empty when there is none."""
    found = element.get(name)
    return "" if found is None or isinstance(found, (list, Mapping)) else str(found)
