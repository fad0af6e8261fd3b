"""The card for the people who keep the installation safe."""

from datetime import datetime

import adaptive_cards.types as act

from cards import build
from cards.build import Card
from cards.reading import Reader
from cards.wording import Words, escape
from decisions.errors import CountersignError
from decisions.recommendation import Recommendation


def alarm_card(
    recommendation: Recommendation, why: CountersignError, *, reader: Reader, now: datetime
) -> Card:
    """Say what was stopped, why, and what to do about it."""
    words, one = Words(reader, now), recommendation
    title = f"Alarm: {one.marker} was stopped before the ERP"
    return build.finish(
        [
            build.heading(title),
            build.box([build.strong(escape(str(why)))], act.ContainerStyle.WARNING),
            build.line(escape(one.proposal.headline)),
            build.line(f"{words.moment(now)}. Nothing was written."),
            build.line(
                "If nobody restored a backup or took a signing key out of use, somebody changed "
                "the database. Run “countersign audit verify”, and see “Alarms” in SECURITY.md."
            ),
        ],
        fallback=title,
        language=reader.language,
    )
