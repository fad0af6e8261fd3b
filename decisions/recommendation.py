"""A recommendation: what came in, what it means, and where it stands."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal, NewType

from decisions.actions import DraftedAction
from decisions.costing import Impact
from decisions.lifecycle import Event, State, advance
from decisions.people import Person, PersonId, TenantId
from decisions.plan import Difference, PlanHash, Value, WritePlan
from decisions.routing import PlantId, Route

RecommendationId = NewType("RecommendationId", str)
"""Ten characters of Crockford's base 32, random; the ERP's marker is `CS-` and this."""

DecisionId = NewType("DecisionId", str)

KeyId = NewType("KeyId", str)
"""Names a pair of signing keys: sixteen hex digits of the SHA-256 of the public one."""

KINDS: Final = (
    "stockout_risk",
    "overdue_purchase_order",
    "production_at_risk",
    "budget_breach",
    "supplier_delay",
    "quality_hold",
    "maintenance_due",
)
"""The kinds that are known without registering them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecommendation:
    """What a source sent, word for word."""

    source: str
    source_id: str
    body: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a recommendation is about, in the ERP's own numbers."""

    item: str | None = None
    item_name: str | None = None
    vendor: str | None = None
    vendor_name: str | None = None
    document: str | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A value that the recommendation rests on; happened at, and was written down at."""

    name: str
    value: str
    unit: str | None
    source: str
    observed_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The content of a recommendation, understood."""

    kind: str
    plant: PlantId
    headline: str
    subject: Subject
    facts: tuple[Fact, ...]
    confidence: Decimal
    impact: Impact
    action: DraftedAction
    valid_until: datetime
    rationale: str


Verdict = Literal["approve", "approve_changed", "acknowledge", "override", "not_now"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Ed25519 over a decision (decisions.signature), in base 64, and the key that made it."""

    key: KeyId
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a named person answered, in which round, seeing which card."""

    id: DecisionId
    round: int
    verdict: Verdict
    by: Person
    tenant: TenantId
    at: datetime
    seen_revision: int
    invoke_id: str
    plan_hash: PlanHash | None
    reason_code: str | None = None
    reason: str = ""
    until: datetime | None = None
    signature: Signature | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCheck:
    """One field as it was approved and as the ERP reads it back."""

    field: str
    subject: str
    planned: Value
    found: Value

    @property
    def same(self) -> bool:
        """Tell whether the ERP holds what was approved."""
        return self.planned == self.found


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What stands in the ERP, read back; `document` is the number people know.

    `link` is where people see it, in the ERP's own client; empty where there is no such place.
    """

    document: str
    document_id: str
    read_at: datetime
    fields: tuple[FieldCheck, ...]
    link: str = ""

    @property
    def clean(self) -> bool:
        """Tell whether every field reads back as approved."""
        return all(check.same for check in self.fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it stood among what was open in its channel, and the reason in one line's terms.

    `reason` names the first measure that sets it apart from the next one down.
    """

    position: int
    of: int
    reason: Literal["only", "cost_of_delay", "deadline", "net_benefit", "arrival"]


LAST_MINUTES: Final = timedelta(minutes=5)
"""Before an approval expires, that are kept for writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One recommendation through its whole life.

    `round` counts how often people were asked, `revision` every change a card can show.
    `plan` is None until the ERP could be read; `plan_problem` then says why.
    `trouble` is what the ERP or the write step said last, in words.
    """

    id: RecommendationId
    source: str
    source_id: str
    content_hash: str
    received_at: datetime
    proposal: Proposal
    action: DraftedAction
    route: Route
    state: State = State.PROPOSED
    round: int = 1
    revision: int = 1
    posted_at: datetime | None = None
    place: Place | None = None
    plan: WritePlan | None = None
    plan_problem: str = ""
    moved: tuple[Difference, ...] = ()
    escalated: int = 0
    decision: Decision | None = None
    receipt: Receipt | None = None
    trouble: str = ""
    closed_at: datetime | None = None
    superseded_by: RecommendationId | None = None
    history: tuple[tuple[str, datetime], ...] = field(default=())

    @property
    def marker(self) -> str:
        """Return the mark that the ERP document carries."""
        return f"CS-{self.id}"

    @property
    def asks_what_came(self) -> bool:
        """Tell whether only a person can find out what became of what was sent."""
        last = self.history[-1][0] if self.history else ""
        return self.state is State.UNKNOWN and last == Event.CANNOT_TELL

    def may_decide(self, person: PersonId) -> bool:
        """Tell whether this person's click may decide now."""
        return self.route.may_decide(person, escalated=self.escalated)

    @property
    def writes_from(self) -> datetime | None:
        """Return from when an approved plan may be written; None when nothing is approved.

        Until then whoever approved it may pull it back. The wait ends in time to write before the
        approval expires.
        """
        if self.state is not State.APPROVED or self.decision is None:
            return None
        at = self.decision.at
        return max(at, min(at + self.route.grace, self.proposal.valid_until - LAST_MINUTES))

    def after(self, event: Event, *, now: datetime) -> "Recommendation":
        """Return the record after an event, one revision further.

        Raises:
            MoveRefusedError: the event cannot happen in this state.
        """
        return replace(
            self,
            state=advance(self.state, event),
            revision=self.revision + 1,
            history=(*self.history, (event.value, now)),
        )
