"""A recommendation held against the plant it is about: every problem, found at once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from decisions.actions import AddPurchaseOrderLine, CreatePurchaseOrder, cost_of
from decisions.money import Money
from decisions.recommendation import KINDS, Proposal
from decisions.routing import PlantId, RoutingTable

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a sender's clock may run ahead of ours before a fact lies in the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with one field, and what would be right; `path` is a JSON Pointer."""

    path: str
    what: str


def known_kinds(table: RoutingTable) -> frozenset[str]:
    """Return the kinds that are taken: the built-in ones and those that a rule names."""
    return frozenset(KINDS).union(*(rule.kinds for rule in table.rules))


def kind_problems(kind: str, table: RoutingTable) -> Iterator[Problem]:
    """Say whether a kind is one that anybody here knows."""
    if kind not in known_kinds(table):
        known = ", ".join(sorted(known_kinds(table)))
        yield Problem(path="/kind", what=f"{kind!r} is not known. Known kinds: {known}.")


def plant_problems(
    plant: str, table: RoutingTable, allowed: frozenset[PlantId]
) -> Iterator[Problem]:
    """Say whether a plant is configured and the sender may speak for it."""
    if PlantId(plant) not in table.plants:
        known = ", ".join(sorted(table.plants))
        yield Problem(path="/plant", what=f"{plant!r} is not configured. Configured: {known}.")
    elif PlantId(plant) not in allowed:
        yield Problem(path="/plant", what=f"this key may not send for plant {plant}.")


def proposal_problems(
    proposal: Proposal, table: RoutingTable, *, now: datetime
) -> Iterator[Problem]:
    """Find what is wrong with the content of a recommendation."""
    if proposal.valid_until <= now:
        yield Problem(path="/valid_until", what="lies in the past; nobody could decide in time.")
    for index, fact in enumerate(proposal.facts):
        if fact.recorded_at > now + CLOCK_SKEW:
            yield Problem(path=f"/facts/{index}/recorded_at", what="lies in the future.")
        if fact.observed_at > fact.recorded_at + CLOCK_SKEW:
            yield Problem(
                path=f"/facts/{index}/observed_at", what="is after recorded_at; swap the two?"
            )
    for index, line in enumerate(proposal.impact.lines):
        if line.ends_at is not None and line.ends_at <= line.bites_at:
            yield Problem(path=f"/impact/lines/{index}/ends_at", what="is not after bites_at.")
    yield from _currency_problems(proposal, table)


def _currency_problems(proposal: Proposal, table: RoutingTable) -> Iterator[Problem]:
    for path, amount in _amounts(proposal):
        if not table.rates.knows(amount.currency):
            yield Problem(
                path=path,
                what=f"{amount.currency} has no rate here, so it could not be ranked.",
            )
    action = proposal.action
    if isinstance(action, CreatePurchaseOrder):
        for index, line in enumerate(action.lines):
            if line.unit_cost.currency != action.currency:
                yield Problem(
                    path=f"/action/lines/{index}/unit_cost",
                    what=f"is in {line.unit_cost.currency}, the order in {action.currency}.",
                )


def _amounts(proposal: Proposal) -> Iterable[tuple[str, Money]]:
    for index, line in enumerate(proposal.impact.lines):
        yield f"/impact/lines/{index}/amount/currency", line.amount
    if proposal.impact.cost_of_acting is not None:
        yield "/impact/cost_of_acting/currency", proposal.impact.cost_of_acting
    if isinstance(proposal.action, AddPurchaseOrderLine):
        yield "/action/line/unit_cost", proposal.action.line.unit_cost
    if isinstance(proposal.action, CreatePurchaseOrder):
        lines = proposal.action.lines
        if len({line.unit_cost.currency for line in lines}) == 1:
            cost = cost_of(proposal.action)
            if cost is not None:
                yield "/action/currency", cost
