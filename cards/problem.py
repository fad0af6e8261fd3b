"""A card for a click that has no card to go back to."""

from cards import build
from cards.build import Card
from cards.reading import Reader
from cards.wording import escape
from decisions.errors import CountersignError


def problem_card(problem: CountersignError, *, reader: Reader) -> Card:
    """Say what went wrong and what to do."""
    text = escape(str(problem))
    return build.finish([build.strong(text)], fallback=text, language=reader.language)
