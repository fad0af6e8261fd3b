"""What a connector will send, exactly; the approver approves its hash."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, Literal, NewType, TypeAlias

from decisions.canonical import digest
from decisions.money import Money
from decisions.quantity import Quantity

PlanHash = NewType("PlanHash", str)
"""SHA-256 in hex over the canonical JSON of everything a plan sends and relies on."""

Value: TypeAlias = str | Money | Quantity | date | None
"""Something a card can show in the reader's own spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRequest:
    """One request to the ERP; `body` is the JSON text that will be sent, byte for byte."""

    method: Literal["POST", "PATCH", "DELETE"]
    path: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Precondition:
    """A value in the ERP that the plan relies on.

    Without a tolerance any other value means: ask again. With one, the value is watched,
    and only a move by more than the tolerance does. `name` is a word of the trade such as
    "unit cost"; `subject` says of what, such as an item number.
    """

    name: str
    subject: str
    value: str
    tolerance: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field as it is and as it will be; `before` is None where nothing stood.

    `field` is a stable word (vendor, item, quantity, unit_cost, line_total, location,
    expected_receipt_date, order_total, reference); `subject` groups the fields of one line,
    empty for the document itself.
    """

    field: str
    subject: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """Requests, what they rely on, and how they read; the card is drawn from it."""

    connector: str
    company: str
    marker: str
    requests: tuple[PlannedRequest, ...]
    preconditions: tuple[Precondition, ...]
    changes: tuple[Change, ...]
    cost: Money | None

    @property
    def hash(self) -> PlanHash:
        """Return the hash an approver signs; watched values are not part of it."""
        return _hash_of(self)


@lru_cache(maxsize=1024)
def _hash_of(plan: WritePlan) -> PlanHash:
    # Asked for several times in every click; a plan never changes.
    exact = tuple(item for item in plan.preconditions if item.tolerance is None)
    return PlanHash(
        digest(
            {
                "connector": plan.connector,
                "company": plan.company,
                "marker": plan.marker,
                "requests": plan.requests,
                "preconditions": exact,
                "changes": plan.changes,
                "cost": plan.cost,
            }
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something in the ERP, or in the change itself, is no longer what the person saw."""

    what: str
    subject: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """By which share of what a person saw a fact may move before the person is asked again.

    Money that is to be paid and the vendor are always exact; `price` is what the ERP says an item
    costs, which the order does not follow. Without a share for the stock the connector's counts.
    """

    price: Decimal = Decimal(0)
    on_order: Decimal = Decimal(0)
    stock: Decimal | None = None


EXACT: Final = Tolerance()


def _allowed(fact: Precondition, tolerance: Tolerance) -> Decimal | None:
    """Return by how much a fact may move; None when it may not."""
    share = {
        "unit cost in the ERP": tolerance.price,
        "quantity already on order": tolerance.on_order,
        "stock": tolerance.stock,
    }.get(fact.name)
    if not share:
        return fact.tolerance
    try:
        return abs(Decimal(fact.value)) * share
    except InvalidOperation:
        return None


def _moved(before: Precondition, after: Precondition, tolerance: Tolerance) -> bool:
    if before.value == after.value:
        return False
    allowed = _allowed(before, tolerance)
    if allowed is None:
        return True
    try:
        return abs(Decimal(after.value) - Decimal(before.value)) > allowed
    except InvalidOperation:
        return True


def differences(
    seen: WritePlan, rebuilt: WritePlan, tolerance: Tolerance = EXACT
) -> tuple[Difference, ...]:
    """Return what moved between the plan a person saw and the one rebuilt now.

    Empty exactly when the old approval may be acted on: then what is sent is the same.
    """
    found = [*_moved_facts(seen, rebuilt, tolerance), *_moved_changes(seen, rebuilt)]
    if not found and _exact(seen, tolerance) != _exact(rebuilt, tolerance):
        found.append(Difference(what="payload", subject="", before=seen.hash, after=rebuilt.hash))
    return tuple(found)


def _exact(plan: WritePlan, tolerance: Tolerance) -> tuple[object, ...]:
    """Return what must be the same, whether or not there is something to show of it."""
    facts = tuple(fact for fact in plan.preconditions if _allowed(fact, tolerance) is None)
    named = (plan.connector, plan.company, plan.marker)
    return *named, plan.requests, facts, plan.changes, plan.cost


def _moved_facts(
    seen: WritePlan, rebuilt: WritePlan, tolerance: Tolerance
) -> Iterator[Difference]:
    before = {(item.name, item.subject): item for item in seen.preconditions}
    after = {(item.name, item.subject): item for item in rebuilt.preconditions}
    for name, subject in dict.fromkeys((*before, *after)):
        old, new = before.get((name, subject)), after.get((name, subject))
        if old is None or new is None or _moved(old, new, tolerance):
            yield Difference(
                what=name,
                subject=subject,
                before=old.value if old else None,
                after=new.value if new else None,
            )


def _moved_changes(seen: WritePlan, rebuilt: WritePlan) -> Iterator[Difference]:
    before = {(item.field, item.subject): item.after for item in seen.changes}
    after = {(item.field, item.subject): item.after for item in rebuilt.changes}
    for field, subject in dict.fromkeys((*before, *after)):
        old, new = before.get((field, subject)), after.get((field, subject))
        if old != new:
            yield Difference(what=field, subject=subject, before=old, after=new)
