"""Who owns a decision, where it is asked and by when; frozen onto the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from decisions.errors import CountersignError
from decisions.money import Rates
from decisions.people import ChannelId, Person, PersonId
from decisions.plan import EXACT, Tolerance

PlantId = NewType("PlantId", str)


class NoPlantError(CountersignError):
    """A recommendation names a plant that nobody configured."""

    def __init__(self, plant: PlantId) -> None:
        """Say which."""
        self.plant = plant
        super().__init__(f"Plant {plant} is not in the routing file. Add it under `plants`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A site: its name, its clock (an IANA zone) and the language of its cards (BCP 47)."""

    id: PlantId
    name: str
    timezone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Who is asked next, and how long after the card was posted."""

    after: timedelta
    to: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where recommendations of some kinds and plants go; an empty set means every one.

    An approved write waits for `grace`, while its approver may pull it back. `tolerance` is how
    far the ERP may move between the card and the click.
    """

    name: str
    kinds: frozenset[str]
    plants: frozenset[PlantId]
    channel: ChannelId
    owner: Person
    deputies: tuple[Person, ...]
    sla: timedelta
    escalation: tuple[EscalationStep, ...]
    grace: timedelta = timedelta(0)
    tolerance: Tolerance = EXACT

    def matches(self, *, kind: str, plant: PlantId) -> bool:
        """Tell whether this rule is about such a recommendation."""
        return (not self.kinds or kind in self.kinds) and (not self.plants or plant in self.plants)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingTable:
    """The rules in their order, and the one that catches what they leave.

    `alarms` is the channel of the people who keep the installation safe.
    """

    plants: Mapping[PlantId, Plant]
    rules: tuple[Rule, ...]
    catch_all: Rule
    rates: Rates
    alarms: ChannelId | None = None

    def plant(self, plant: PlantId) -> Plant:
        """Return a plant.

        Raises:
            NoPlantError: nobody configured it.
        """
        try:
            return self.plants[plant]
        except KeyError:
            raise NoPlantError(plant) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The path of one recommendation as it was when it came in; later edits do not move it."""

    rule: str
    plant: Plant
    channel: ChannelId
    owner: Person
    deputies: tuple[Person, ...]
    sla: timedelta
    escalation: tuple[EscalationStep, ...]
    grace: timedelta = timedelta(0)
    tolerance: Tolerance = EXACT

    def may_decide(self, person: PersonId, *, escalated: int) -> bool:
        """Tell whether a person may decide after so many escalation steps."""
        reached = tuple(step.to for step in self.escalation[:escalated])
        return any(one.id == person for one in (self.owner, *self.deputies, *reached))

    def now_with(self, escalated: int) -> Person:
        """Return whose turn it is after so many escalation steps."""
        return self.escalation[escalated - 1].to if escalated else self.owner


def route(table: RoutingTable, *, kind: str, plant: PlantId) -> Route:
    """Find the first rule that matches and copy its path.

    Raises:
        NoPlantError: nobody configured the plant.
    """
    site = table.plant(plant)
    rule = next(
        (rule for rule in table.rules if rule.matches(kind=kind, plant=plant)), table.catch_all
    )
    return Route(
        rule=rule.name,
        plant=site,
        channel=rule.channel,
        owner=rule.owner,
        deputies=rule.deputies,
        sla=rule.sla,
        escalation=rule.escalation,
        grace=rule.grace,
        tolerance=rule.tolerance,
    )


def review_point(posted_at: datetime, sla: timedelta, now: datetime) -> datetime:
    """Return until when waiting is counted: the end of the SLA, then one SLA at a time."""
    due = posted_at + sla
    return due if due > now else now + sla
