"""What stands on people's screens in the stand-in for Teams, and what went over the wire."""

import asyncio
import copy
from dataclasses import dataclass, field

from decisions.people import Person

CARD = "application/vnd.microsoft.card.adaptive"


@dataclass(kw_only=True, eq=False)
class Shown:
    """A message on people's screens."""

    channel: str
    conversation_id: str
    activity_id: str
    history: list[dict]
    """Every card that everybody saw here, oldest first."""
    summaries: list[str | None]
    alert: bool
    deleted: bool = False
    private: dict[str, dict] = field(default_factory=dict)
    """The card that one person got as the answer to a click, until the message is edited."""

    @property
    def card(self) -> dict:
        """The card that everybody sees."""
        return self.history[-1]

    def seen_by(self, person: Person) -> dict:
        """Return the card on this person's screen."""
        return self.private.get(person.id, self.card)

    @property
    def text(self) -> str:
        """Everything that can be read on the card, for `in`."""
        return all_text(self.card)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How one request goes wrong."""

    status: int = 0
    code: str = "Injected"
    retry_after: str | None = None
    after_doing: bool = False
    """Do what was asked first, and only then answer badly."""
    delay: float = 0.0
    hang: bool = False
    until: asyncio.Event | None = None
    """Hold the request back until this is set."""

    drop: bool = False
    method: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request of the bot."""

    method: str
    path: str
    body: dict
    token: str | None


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the bot answered to something that happened in Teams."""

    status: int
    body: object

    @property
    def card(self) -> dict:
        """The card, if the answer is one."""
        assert self.status == 200, self
        assert self.body["type"] == CARD, self.body
        return self.body["value"]

    @property
    def message(self) -> str:
        """The sentence, if the answer is one."""
        assert self.status == 200, self
        assert self.body["type"] == "application/vnd.microsoft.activity.message", self.body
        return self.body["value"]

    @property
    def text(self) -> str:
        """Everything that can be read in the answer."""
        value = self.body["value"]
        return value if isinstance(value, str) else all_text(value)


def all_text(card: object) -> str:
    """Return what can be read on a card, one piece a line."""
    if isinstance(card, dict):
        own = [
            str(card[name])
            for name in ("text", "title", "value", "label", "placeholder")
            if isinstance(card.get(name), str)
        ]
        return "\n".join([*own, *(found for one in card.values() if (found := all_text(one)))])
    if isinstance(card, list):
        return "\n".join(found for one in card if (found := all_text(one)))
    return ""


def actions(card: object) -> list[dict]:
    """Return every button of a card that can be pressed."""
    if isinstance(card, dict):
        own = [card] if card.get("type") == "Action.Execute" else []
        return own + [found for one in card.values() for found in actions(one)]
    if isinstance(card, list):
        return [found for one in card for found in actions(one)]
    return []


def card_of(activity: dict) -> dict:
    attachment = activity["attachments"][0]
    assert attachment["contentType"] == CARD
    return copy.deepcopy(attachment["content"])
