"""How a mail reads on a card, where an order would read differently."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from cards import build
from cards.build import Piece
from cards.wording import Words, escape, field_name
from decisions.actions import SendSupplierChaser
from decisions.lifecycle import State
from decisions.plan import Change
from decisions.recommendation import Receipt, Recommendation

_NEXT: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.APPROVED: "It is sent next, once.",
        State.WRITING: "The mail is on its way.",
        State.REFUSED: "Ask again when the cause is mended.",
        State.NOT_WRITTEN: "Ask again if it is still wanted.",
        State.CONFLICT: "The mail is being worked out anew; this card will ask again.",
        State.UNKNOWN: "Nobody sends it twice. It is looked up first.",
    }
)

_ASKS: Final = (
    "Nobody can look it up, because a mail server tells nobody what it took in. Ask the vendor, "
    "then say here whether it arrived. Nothing is sent a second time before that."
)


def is_mail(one: Recommendation) -> bool:
    """Tell whether what is approved is a mail."""
    return isinstance(one.action, SendSupplierChaser)


def next_of(one: Recommendation) -> str:
    """Return what happens next with a mail; empty where nothing does."""
    return _ASKS if one.asks_what_came else _NEXT.get(one.state, "")


def text_rows(change: Change) -> Iterator[Piece]:
    """Yield a mail's text line by line, all of it."""
    yield build.small(f"{field_name(change.field)}:")
    for line in str(change.after).split("\n"):
        if line.strip():
            yield build.line(escape(line, longest=len(line)))


def sent_rows(receipt: Receipt, words: Words) -> list[Piece]:
    """Return that a mail was sent, to whom and when."""
    to, at = escape(receipt.document), words.moment(receipt.read_at)
    rows = [build.strong(f"Sent to {to} at {at}.")]
    if not receipt.fields:
        rows.append(build.line("The mail server took it; no copy of it can be read back there."))
    return rows
