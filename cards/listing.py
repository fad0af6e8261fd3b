"""Answers to what people ask, and the line of a notification."""

from collections.abc import Sequence
from datetime import datetime

from cards import build
from cards.build import Card, Piece
from cards.reading import Reader
from cards.wording import Words, escape, status_of
from decisions.costing import cost_of_waiting
from decisions.recommendation import Recommendation
from decisions.routing import review_point


def open_list(
    ranked: Sequence[Recommendation], *, total: int, reader: Reader, now: datetime
) -> Card:
    """List what waits for a decision, the dearest delay first."""
    words = Words(reader, now)
    if not ranked:
        text = "Nothing waits for a decision here."
        return build.finish([build.heading(text)], fallback=text, language=reader.language)
    title = f"{total} open, the dearest delay first"
    items: list[Piece] = [build.heading(title)]
    for number, one in enumerate(ranked, 1):
        until = review_point(one.posted_at or one.received_at, one.route.sla, now)
        lost = words.sums(cost_of_waiting(one.proposal.impact, now=now, until=until))
        owner = escape(one.route.now_with(one.escalated).name)
        items.append(
            build.box(
                [
                    build.strong(f"{number}. {escape(one.proposal.headline)}"),
                    build.line(f"{lost} until {words.moment(until)} · {owner}"),
                    *build.buttons([build.button("Show", "show", build.about(one))]),
                ]
            )
        )
    return build.finish(items, fallback=title, language=reader.language)


def help_card(*, reader: Reader) -> Card:
    """Say what can be asked."""
    title = "What you can ask"
    return build.finish(
        [
            build.heading(title),
            build.line("**open**: what waits for a decision, the dearest delay first"),
            build.line("**why** and an id: how a recommendation came about and where it stands"),
            build.line("**help**: this"),
        ],
        fallback=title,
        language=reader.language,
    )


def summary(recommendation: Recommendation, *, reader: Reader, now: datetime) -> str:
    """Return the line of the notification: plain text, no Markdown."""
    words = Words(reader, now)
    one = recommendation
    until = words.moment(one.proposal.valid_until)
    headline = " ".join(one.proposal.headline.split())[:150]
    return f"{headline} · {status_of(one)} · {until}"
