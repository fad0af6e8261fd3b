"""A sent recommendation, understood; or every problem in it, found at once, in plain words."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.workflow.envelope import Incoming, content_of, fields_of, opened, pointer_part
from bot.workflow.wire import SentRecommendation
from bot.workflow.wire_values import PROBLEM, is_clean_line
from decisions.actions import ACTION_KINDS
from decisions.canonical import Plain, digest
from decisions.money import Currency
from decisions.normalise import Problem, kind_problems, plant_problems, proposal_problems
from decisions.recommendation import Proposal
from decisions.routing import PlantId, RoutingTable

MAX_PROBLEMS: Final = 200
"""How many are listed; the last one says how many more there are."""

_LONGEST_ID: Final = 200
_LONGEST_CODE: Final = 50

Location: TypeAlias = tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A recommendation that can be kept."""

    source_id: str
    proposal: Proposal
    supersedes: str | None
    content: Plain
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misunderstood:
    """Something that cannot be kept as a recommendation, and why."""

    source_id: str | None
    problems: tuple[Problem, ...]


def understand(
    item: Incoming, table: RoutingTable, *, allowed: frozenset[PlantId], now: datetime
) -> Understood | Misunderstood:
    """Read an item for a key that may send for the allowed plants.

    What is wrong in one place does not hide what is wrong in another: broken parts are replaced
    by harmless ones, so that the rest can still be held against the configuration.
    """
    letter = opened(item.value)
    body = letter.content
    sent, broken = _parsed(body)
    listed = broken[:MAX_PROBLEMS]
    problems = [*map(_worded, listed), *_place_problems(body, table, allowed)]
    whole = sent or (_mended(body, broken, table.rates.base) if listed == broken else None)
    if whole is not None:
        problems += proposal_problems(whole.record(), table, now=now)
    if sent is not None and sent.supersedes == sent.id:
        problems.append(Problem(path="/supersedes", what="is its own id."))
    found = (*letter.problems, *(_below(letter.prefix, problem) for problem in problems))
    if found or sent is None:
        hidden = len(broken) - len(listed)
        return Misunderstood(source_id=_source_id(body), problems=_bounded(found, hidden))
    content = content_of(item.value)
    return Understood(
        source_id=sent.id,
        proposal=sent.record(),
        supersedes=sent.supersedes,
        content=content,
        content_hash=digest(content),
    )


def _parsed(body: object) -> tuple[SentRecommendation | None, list[ErrorDetails]]:
    try:
        return SentRecommendation.model_validate(body), []
    except ValidationError as invalid:
        errors = invalid.errors(include_url=False)
        return None, [error for error in errors if not _is_echo(error)]


def _is_echo(error: ErrorDetails) -> bool:
    """Tell whether a list is only called too short because its items are broken."""
    if error["type"] != "too_short":
        return False
    given, needed = cast("Sequence[object]", error["input"]), error.get("ctx", {})["min_length"]
    return len(given) >= int(needed)


def _place_problems(
    body: object, table: RoutingTable, allowed: frozenset[PlantId]
) -> Iterator[Problem]:
    sent = fields_of(body) or {}
    kind, plant = sent.get("kind"), sent.get("plant")
    if isinstance(kind, str) and is_clean_line(kind, _LONGEST_CODE):
        yield from kind_problems(kind.strip(), table)
    if isinstance(plant, str) and is_clean_line(plant, _LONGEST_CODE):
        yield from plant_problems(plant.strip(), table, allowed)


def _source_id(body: object) -> str | None:
    value = (fields_of(body) or {}).get("id")
    return str(value).strip() if is_clean_line(value, _LONGEST_ID) else None


def _below(prefix: str, problem: Problem) -> Problem:
    return Problem(path=prefix + problem.path, what=problem.what) if prefix else problem


def _bounded(problems: tuple[Problem, ...], hidden: int) -> tuple[Problem, ...]:
    more = len(problems) - MAX_PROBLEMS + hidden
    if more <= 0:
        return problems
    last = Problem(path="", what=f"has {more:,} more problems, not listed here.")
    return (*problems[:MAX_PROBLEMS], last)


_EPOCH: Final = "1970-01-01T00:00:00Z"
_HARMLESS: Final[Mapping[str, object]] = {
    "id": "-",
    "kind": "-",
    "plant": "-",
    "headline": "-",
    "subject": {},
    "facts": [],
    "confidence": 0,
    "impact": {"lines": []},
    "valid_until": "2199-12-31T00:00:00Z",
}
_HARMLESS_FACT: Final = {"name": "-", "value": "-", "source": "-", "observed_at": _EPOCH}
_HARMLESS_LINE: Final = {
    "kind": "other",
    "per": "once",
    "probability": 0,
    "basis": "-",
    "bites_at": _EPOCH,
}


def _mended(
    body: object, broken: list[ErrorDetails], currency: Currency
) -> SentRecommendation | None:
    """Return the recommendation with its broken parts replaced; None when that is not enough."""
    whole = dict(fields_of(body) or {})
    for error in broken:
        _mend(whole, error["loc"], currency)
    try:
        return SentRecommendation.model_validate(whole)
    except ValidationError:
        return None


def _mend(whole: dict[str, object], where: Location, currency: Currency) -> None:
    match where:
        case ("facts", int() as index, *_):
            facts = list(cast("Sequence[object]", whole["facts"]))
            facts[index] = _HARMLESS_FACT
            whole["facts"] = facts
        case ("impact", "lines", int() as index, *_):
            impact = dict(cast("Mapping[str, object]", whole["impact"]))
            lines = list(cast("Sequence[object]", impact.get("lines", ())))
            if index < len(lines):
                lines[index] = {**_HARMLESS_LINE, "amount": {"amount": 0, "currency": currency}}
            whole["impact"] = impact | {"lines": lines}
        case (str() as name, *_) if name in _HARMLESS:
            whole[name] = _HARMLESS[name]
        case (name, *_):
            whole.pop(str(name), None)
        case _:
            pass


def _worded(error: ErrorDetails) -> Problem:
    steps, model = _walk(error["loc"])
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        steps = (*steps, "kind")
    path = "".join(f"/{pointer_part(str(step))}" for step in steps)
    return Problem(path=path, what=_words(error, model))


def _walk(where: Location) -> tuple[Location, type[BaseModel]]:
    """Return the steps that stand in the JSON itself, and the model that the last one is in."""
    steps: list[int | str] = []
    model: type[BaseModel] = SentRecommendation
    choices: tuple[type[BaseModel], ...] = ()
    for index, step in enumerate(where):
        chosen = next((one for one in choices if _kind_of(one) == step), None)
        if chosen is not None:
            model, choices = chosen, ()
            continue
        steps.append(step)
        field = model.model_fields.get(str(step))
        if field is None or index == len(where) - 1:
            continue
        inside = tuple(_models_in(field.annotation))
        model, choices = (inside[0], ()) if len(inside) == 1 else (model, inside)
    return tuple(steps), model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401  any type form
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _kind_of(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


_FIXED_WORDS: Final[Mapping[str, str]] = {
    PROBLEM: "{what}",
    "missing": "is missing.",
    "string_type": "should be text.",
    "string_too_short": "is empty.",
    "string_too_long": "is too long; at most {max_length:,} characters are kept.",
    "string_unicode": "holds half of a character (a lone surrogate); send whole ones.",
    "too_long": "has {actual_length:,} entries; at most {max_length} are taken.",
    "too_short": "is empty; at least one entry is needed.",
    "tuple_type": "should be a list.",
    "model_type": "should be an object.",
    "model_attributes_type": "should be an object.",
    "union_tag_not_found": "is missing.",
}


def _words(error: ErrorDetails, model: type[BaseModel]) -> str:
    ctx, given = error.get("ctx", {}), error["input"]
    match error["type"]:
        case "extra_forbidden":
            return _unknown(str(error["loc"][-1]), tuple(model.model_fields))
        case "literal_error":
            field = model.model_fields[str(error["loc"][-1])]
            return _not_one_of(given, get_args(field.annotation))
        case "union_tag_invalid":
            kind = cast("Mapping[str, object]", given).get("kind")
            return _not_one_of(kind, ACTION_KINDS)
        case kind if kind in _FIXED_WORDS:
            return _FIXED_WORDS[kind].format(**ctx)
        case _:
            return f"cannot be read: {error['msg']}."


def _unknown(name: str, known: Iterable[str]) -> str:
    return f"is not a field here{_nearest(name, known) or ' and would be lost; leave it out'}."


def _not_one_of(given: object, known: tuple[str, ...]) -> str:
    listed = ", ".join(known)
    if not isinstance(given, str):
        return f"should be one of {listed}."
    return f"is {_quoted(given)}, not one of {listed}{_nearest(given, known)}."


def _nearest(name: str, known: Iterable[str]) -> str:
    # Names are compared up to a length that a real one has; the effort grows with its square.
    near = difflib.get_close_matches(name[:_LONGEST_CODE].lower(), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _quoted(text: str) -> str:
    shown = text[:_LONGEST_CODE]
    return repr(shown) if shown.isprintable() else ascii(shown)
