"""The routing document: plants, people, channels, rules and rates, as a YAML file."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from decisions.errors import CountersignError
from decisions.money import Currency, Rates
from decisions.people import ChannelId, Person, PersonId
from decisions.plan import Tolerance
from decisions.routing import EscalationStep, Plant, PlantId, RoutingTable, Rule


class RoutingFileError(CountersignError):
    """The routing document cannot be used; nobody configured means nobody may."""

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        """List every problem, one a line."""
        self.problems = problems
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"{path} cannot be used as routing file (docs/routing.md):\n{lines}")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{value!r} is not an IANA time zone such as Europe/Berlin") from None
    return value


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Plant(_Part):
    name: str = Field(min_length=1)
    timezone: Annotated[str, AfterValidator(_zone)]
    language: str = "en"


class _Person(_Part):
    id: UUID
    name: str = Field(min_length=1)


class _Step(_Part):
    after: timedelta = Field(gt=timedelta(0))
    to: str


Share = Annotated[Decimal, Field(ge=0, le=1)]


class _Tolerance(_Part):
    price: Share = Decimal(0)
    on_order: Share = Decimal(0)
    stock: Share | None = None


class _Path(_Part):
    channel: str = Field(min_length=1)
    owner: str
    deputies: tuple[str, ...] = ()
    sla: timedelta = Field(gt=timedelta(0))
    escalation: tuple[_Step, ...] = ()
    grace: timedelta = Field(default=timedelta(0), ge=timedelta(0), le=timedelta(hours=24))
    tolerance: _Tolerance = Field(default_factory=_Tolerance)


class _Rule(_Path):
    name: str = Field(min_length=1)
    kinds: frozenset[str] = frozenset()
    plants: frozenset[str] = frozenset()


class _Rates(_Part):
    base: str = Field(pattern=r"^[A-Z]{3}$")
    per_unit: dict[str, Decimal] = Field(default_factory=dict)


class _Document(_Part):
    plants: dict[str, _Plant] = Field(min_length=1)
    people: dict[str, _Person] = Field(min_length=1)
    channels: dict[str, str] = Field(min_length=1)
    rates: _Rates
    rules: tuple[_Rule, ...] = ()
    everything_else: _Path
    alarms: str | None = None


def read_routing(path: Path) -> RoutingTable:
    """Read a routing document.

    Raises:
        RoutingFileError: it is missing, no YAML, or names what it does not define; lists every
            problem.
    """
    try:
        raw: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RoutingFileError(path, (f"{error.strerror}.",)) from None
    except yaml.YAMLError as error:
        raise RoutingFileError(path, (f"it is not YAML: {error}",)) from None
    try:
        document = _Document.model_validate(raw)
    except ValidationError as invalid:
        raise RoutingFileError(path, _in_words(invalid)) from None
    problems = tuple(_dangling(document))
    if problems:
        raise RoutingFileError(path, problems)
    return _table(document)


def _in_words(invalid: ValidationError) -> tuple[str, ...]:
    return tuple(
        f"{'.'.join(str(part) for part in error['loc']) or 'the document'}: {error['msg']}."
        for error in invalid.errors()
    )


def _dangling(document: _Document) -> list[str]:
    problems: list[str] = []
    paths = [(rule.name, rule) for rule in document.rules]
    for name, path in [*paths, ("everything_else", document.everything_else)]:
        named = (path.owner, *path.deputies, *(step.to for step in path.escalation))
        problems += [
            f"{name}: {person!r} is not under `people`."
            for person in dict.fromkeys(named)
            if person not in document.people
        ]
        if path.channel not in document.channels:
            problems.append(f"{name}: {path.channel!r} is not under `channels`.")
    if document.alarms is not None and document.alarms not in document.channels:
        problems.append(f"alarms: {document.alarms!r} is not under `channels`.")
    for rule in document.rules:
        problems += [
            f"{rule.name}: {plant!r} is not under `plants`."
            for plant in sorted(rule.plants)
            if plant not in document.plants
        ]
    ids = [person.id for person in document.people.values()]
    if len(set(ids)) != len(ids):
        problems.append("people: two of them share one Entra object id.")
    return problems


def _table(document: _Document) -> RoutingTable:
    plants = {
        PlantId(key): Plant(
            id=PlantId(key), name=one.name, timezone=one.timezone, language=one.language
        )
        for key, one in document.plants.items()
    }
    nothing = _Rule(name="everything else", **dict(document.everything_else))
    return RoutingTable(
        plants=MappingProxyType(plants),
        rules=tuple(_rule(rule, document) for rule in document.rules),
        catch_all=_rule(nothing, document),
        rates=Rates(
            base=Currency(document.rates.base),
            per_unit=MappingProxyType(
                {Currency(code): rate for code, rate in document.rates.per_unit.items()}
            ),
        ),
        alarms=ChannelId(document.channels[document.alarms]) if document.alarms else None,
    )


def _rule(rule: _Rule, document: _Document) -> Rule:
    def person(key: str) -> Person:
        one = document.people[key]
        return Person(id=PersonId(str(one.id)), name=one.name)

    return Rule(
        name=rule.name,
        kinds=rule.kinds,
        plants=frozenset(PlantId(plant) for plant in rule.plants),
        channel=ChannelId(document.channels[rule.channel]),
        owner=person(rule.owner),
        deputies=tuple(person(key) for key in rule.deputies),
        sla=rule.sla,
        escalation=tuple(
            EscalationStep(after=step.after, to=person(step.to)) for step in rule.escalation
        ),
        grace=rule.grace,
        tolerance=Tolerance(
            price=rule.tolerance.price,
            on_order=rule.tolerance.on_order,
            stock=rule.tolerance.stock,
        ),
    )
