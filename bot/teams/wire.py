"""Reading what others wrote as JSON, and writing what Teams expects as an answer."""

import re
from collections.abc import Mapping
from typing import Final

from bot.ports import CardJson

CARD: Final = "application/vnd.microsoft.card.adaptive"
_MESSAGE: Final = "application/vnd.microsoft.activity.message"
_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_ID: Final = 1024


def at(value: object, *path: str) -> object:
    """Return what stands at the end of a path of names; None when the path breaks off."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def text_at(value: object, *path: str) -> str | None:
    """Return the text at the end of a path; None when there is none that could be kept."""
    found = at(value, *path)
    return found if isinstance(found, str) and is_storable(found) else None


def id_at(value: object, *path: str) -> str | None:
    """Return the id at the end of a path; None when it is missing, empty or absurdly long."""
    found = text_at(value, *path)
    return found if found and len(found) <= _LONGEST_ID else None


def guid_at(value: object, *path: str) -> str | None:
    """Return the GUID at the end of a path, in lower case; None when there is none."""
    found = text_at(value, *path)
    return found.lower() if found and _GUID.fullmatch(found.lower()) else None


def is_storable(text: str) -> bool:
    """Tell whether text can be kept: PostgreSQL refuses NUL, UTF-8 refuses half a surrogate."""
    if text.isascii():
        return "\0" not in text
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def card_answer(card: CardJson) -> Mapping[str, object]:
    """Answer an invoke with a card that replaces the one that was clicked, on that client.

    The three keys are the HTTP body itself (botbuilder-dotnet #5881).
    """
    return {"statusCode": 200, "type": CARD, "value": card}


def message_answer(text: str) -> Mapping[str, object]:
    """Answer an invoke with a sentence; Teams repeats an invoke whose answer is empty."""
    return {"statusCode": 200, "type": _MESSAGE, "value": text}


def task_answer(text: str) -> Mapping[str, object]:
    """Answer the request for a dialog with a sentence."""
    return {"task": {"type": "message", "value": text}}
