"""The card for something that stands in the ERP otherwise than it was approved."""

from datetime import datetime
from types import MappingProxyType
from typing import Final

import adaptive_cards.types as act

from cards import build
from cards.build import Card
from cards.reading import Reader, System
from cards.wording import Words, escape
from decisions.reconciliation import Discrepancy

_TITLES: Final = MappingProxyType(
    {
        "nobody_approved": "{documents} in {name} carries our mark, and nobody approved it here",
        "twice": "{documents} in {name} carry the same mark: one approval, several orders",
        "gone": "{documents} was written and does not stand in {name} any more",
        "elsewhere": "{marker} stands in {documents}, not in the order that its receipt names",
        "came_late": "{documents} came late: its card says that nothing was written",
    }
)

_DO: Final = MappingProxyType(
    {
        "nobody_approved": "Find out who wrote it: somebody used the writer's log-in, or "
        "copied an order with its lines. Do not release it before that is known.",
        "twice": "Keep one of them and delete the others in the ERP before they are released.",
        "gone": "If it was deleted, ask who did and whether it is still needed. If it was "
        "received and invoiced, all is well.",
        "elsewhere": "Compare both orders in the ERP.",
        "came_late": "Do not order it again. Delete it in the ERP if it is not wanted.",
    }
)


def balance_card(one: Discrepancy, *, reader: Reader, now: datetime, system: System) -> Card:
    """Say what does not balance, and what to do about it."""
    words = Words(reader, now)
    title = _TITLES[one.what].format(
        documents=", ".join(escape(document) for document in one.documents),
        marker=one.marker,
        name=escape(system.name),
    )
    return build.finish(
        [
            build.heading(title),
            build.box([build.strong(_DO[one.what])], act.ContainerStyle.WARNING),
            build.small(f"{one.marker} · compared at {words.moment(now)}"),
        ],
        fallback=title,
        language=reader.language,
    )
