"""Pieces of a card, and its finish: what adaptive-cards-py cannot say is laid over at the end."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import adaptive_cards.card as ac
import adaptive_cards.types as act

from cards.wording import escape
from decisions.people import Person
from decisions.recommendation import Recommendation

Card: TypeAlias = dict[str, object]
Piece: TypeAlias = Any  # the library's elements share no base type that its lists accept

SMALL: Final = act.FontSize.SMALL
MAX_BYTES: Final = 27_000
"""Below the 28 KB that the Teams target of adaptive-cards-py takes."""


def heading(text: str) -> Piece:
    """Return the headline."""
    return ac.TextBlock(
        text=text,
        style=act.TextBlockStyle.HEADING,
        size=act.FontSize.LARGE,
        weight=act.FontWeight.BOLDER,
        wrap=True,
    )


def section(text: str) -> Piece:
    """Return the title of a part."""
    return ac.TextBlock(
        text=text, weight=act.FontWeight.BOLDER, wrap=True, spacing=act.Spacing.MEDIUM
    )


def line(text: str) -> Piece:
    """Return a line of text."""
    return ac.TextBlock(text=text, wrap=True, spacing=act.Spacing.SMALL)


def strong(text: str, color: act.Colors = act.Colors.DEFAULT) -> Piece:
    """Return a line that must not be missed; the words carry the meaning, not the colour."""
    return ac.TextBlock(text=text, wrap=True, weight=act.FontWeight.BOLDER, color=color)


def small(text: str) -> Piece:
    """Return small print."""
    return ac.TextBlock(
        text=text, wrap=True, size=SMALL, is_subtle=True, spacing=act.Spacing.SMALL
    )


def box(items: Sequence[Piece], style: act.ContainerStyle = act.ContainerStyle.EMPHASIS) -> Piece:
    """Return a framed group."""
    return ac.Container(items=list(items), style=style, spacing=act.Spacing.MEDIUM)


def button(
    title: str, verb: str, data: Mapping[str, object], *, primary: bool = True
) -> ac.ActionExecute:
    """Return a button whose click the bot answers."""
    mode = act.ActionMode.PRIMARY if primary else act.ActionMode.SECONDARY
    return ac.ActionExecute(title=title, verb=verb, data=dict(data), mode=mode)


def link(title: str, url: str) -> ac.ActionOpenUrl:
    """Return a button that opens a page to be looked at; it changes nothing."""
    return ac.ActionOpenUrl(title=title, url=url)


def buttons(actions: Sequence[Piece]) -> list[Piece]:
    """Return a row of buttons; nothing where there is none."""
    return [ac.ActionSet(actions=list(actions))] if actions else []


def about(one: Recommendation) -> dict[str, object]:
    """Return what every button carries: ids only, since the client sends it back."""
    return {"rec": one.id, "round": one.round, "rev": one.revision}


def finish(
    items: Sequence[Piece], *, fallback: str, language: str, mention: Person | None = None
) -> Card:
    """Return the card as JSON."""
    built = (
        ac.AdaptiveCard.new()
        .version("1.5")
        .lang(language)
        .fallback_text(fallback)
        .add_items(list(items))
        .create()
    )
    card: Card = json.loads(built.to_json())
    teams: dict[str, object] = {"width": "Full"}
    if mention:
        teams["entities"] = [
            {
                "type": "mention",
                "text": at(mention),
                "mentioned": {"id": mention.id, "name": mention.name},
            }
        ]
    card["msteams"] = teams
    return card


def at(person: Person) -> str:
    """Return the mention of a person; the same text must stand in the card and its entity."""
    return f"<at>{escape(person.name)}</at>"


def size(card: Card) -> int:
    """Return how many bytes a card has on the wire."""
    return len(json.dumps(card, ensure_ascii=False).encode())
