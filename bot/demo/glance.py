"""A card in one line: what, what waiting costs, until when, whose; read off the card itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from bot.demo.card import buttons, elements, headline, text
from bot.demo.render import plain
from bot.ports import CardJson
from decisions.money import Currency, Money, NoRateError, Rates

_ANSWERS: Final = frozenset({"approve", "acknowledge", "override", "not_now"})
_ELSEWHERE: Final = frozenset({"back", "show"})
"""Buttons of forms and lists, which are about a recommendation but not its card."""

_WAITING: Final = re.compile(
    r"Waiting (?:until .+ costs about|costs) (nothing|[0-9].*?)(?: (?:before|that) .+)?\."
)
_DEADLINE: Final = re.compile(r"Decide by (.+)\.")
_OWNER: Final = re.compile(r"This is @(.+).s decision\.")
_AMOUNT: Final = re.compile(r"([0-9][0-9,]*) ([A-Z]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What a list shows of a card; empty where the card does not say it."""

    headline: str
    waiting: str
    deadline: str
    state: str
    is_open: bool


def glance(card: CardJson) -> Glance | None:
    """Read a card that is about one recommendation; None when it is another kind of card."""
    offered = buttons(card)
    about = {one.data.get("rec") for one in offered}
    verbs = {one.verb for one in offered}
    if len(about) != 1 or about == {None} or verbs & _ELSEWHERE:
        return None
    lines = list(_lines(card))
    is_open = not verbs.isdisjoint(_ANSWERS)
    status = lines[0].partition(" · ")[0] if lines else ""
    return Glance(
        headline=plain(headline(card)),
        waiting=_found(_WAITING, lines),
        deadline=_found(_DEADLINE, lines),
        state=_found(_OWNER, lines) or status if is_open else status,
        is_open=is_open,
    )


def weight(seen: Glance, rates: Rates) -> Decimal:
    """Return what waiting costs, in the base currency; what has no rate counts as nothing."""
    total = Decimal(0)
    for number, code in _AMOUNT.findall(seen.waiting):
        amount = Money(Decimal(number.replace(",", "")), Currency(code))
        try:
            total += rates.to_base(amount).amount
        except NoRateError:
            continue
    return total


def _lines(card: CardJson) -> Iterator[str]:
    for one in elements(card):
        if one.get("type") == "TextBlock":
            yield plain(text(one, "text"))


def _found(wanted: re.Pattern[str], lines: list[str]) -> str:
    found = (match[1] for line in lines if (match := wanted.fullmatch(line)))
    return next(found, "")
