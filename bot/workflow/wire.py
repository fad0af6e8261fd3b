"""A recommendation as it stands on the wire, and the records that are made of it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from bot.workflow.wire_values import (
    Amount,
    Code,
    CurrencyCode,
    Day,
    FactValue,
    Line,
    LineNumber,
    Moment,
    Pages,
    Positive,
    Probability,
    Sentences,
    UnitCode,
    Word,
)
from decisions.actions import (
    Acknowledge,
    AddPurchaseOrderLine,
    CancelDraftPurchaseOrder,
    CreatePurchaseOrder,
    CreateTransferOrder,
    DraftedAction,
    OrderLine,
    RescheduleProductionOrder,
    SendSupplierChaser,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.canonical import Plain, plain
from decisions.costing import Impact, ImpactKind, ImpactLine, Per
from decisions.money import Currency, Money
from decisions.quantity import Quantity, Unit
from decisions.recommendation import Fact, Proposal, Subject
from decisions.routing import PlantId


class Sent(BaseModel):
    """A part of what is sent; a field that is not named here is a problem, not a comment."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SentMoney(Sent):
    """An exact amount in one currency."""

    amount: Amount
    currency: CurrencyCode

    def record(self) -> Money:
        """Return the amount."""
        return Money(self.amount, Currency(self.currency))


class SentSubject(Sent):
    """What it is about, in the ERP's own numbers."""

    item: Code | None = None
    item_name: Word | None = None
    vendor: Code | None = None
    vendor_name: Word | None = None
    document: Code | None = None
    line: LineNumber | None = None

    def record(self) -> Subject:
        """Return the subject."""
        return Subject(
            item=self.item,
            item_name=self.item_name,
            vendor=self.vendor,
            vendor_name=self.vendor_name,
            document=self.document,
            line=self.line,
        )


class SentFact(Sent):
    """A value that the recommendation rests on."""

    name: Word
    value: FactValue
    unit: UnitCode | None = None
    source: Word = Field(description="The system that the value was read from.")
    observed_at: Moment = Field(description="When it was so.")
    recorded_at: Moment | None = Field(
        None, description="When it was written down there; observed_at where it is left out."
    )

    def record(self) -> Fact:
        """Return the fact."""
        return Fact(
            name=self.name,
            value=self.value,
            unit=self.unit,
            source=self.source,
            observed_at=self.observed_at,
            recorded_at=self.recorded_at or self.observed_at,
        )


class SentImpactLine(Sent):
    """Money that is lost with a probability once it starts to bite."""

    kind: ImpactKind
    amount: SentMoney
    per: Per = Field(description="`once`: all of it at bites_at; otherwise it accrues from then.")
    probability: Probability
    basis: Sentences = Field(description="How the amount was worked out, in words.")
    bites_at: Moment
    ends_at: Moment | None = Field(None, description="Until when it accrues.")
    step: Line | None = Field(
        None, description="A last responsible moment: what is no longer possible after bites_at."
    )

    def record(self) -> ImpactLine:
        """Return the line."""
        return ImpactLine(
            kind=self.kind,
            amount=self.amount.record(),
            per=self.per,
            probability=self.probability,
            basis=self.basis,
            bites_at=self.bites_at,
            ends_at=self.ends_at,
            step=self.step,
        )


class SentImpact(Sent):
    """What not acting costs, and what acting costs."""

    lines: tuple[SentImpactLine, ...] = Field(max_length=50)
    cost_of_acting: SentMoney | None = None

    def record(self) -> Impact:
        """Return the impact."""
        return Impact(
            lines=tuple(line.record() for line in self.lines),
            cost_of_acting=self.cost_of_acting.record() if self.cost_of_acting else None,
        )


def _quantity(value: Decimal, unit: str) -> Quantity:
    return Quantity(value, Unit(unit.upper()))


class SentOrderLine(Sent):
    """A line of a purchase order; unit_cost is for one of the unit."""

    item: Code
    quantity: Positive
    unit: UnitCode
    unit_cost: SentMoney
    location: Code | None = None
    expected_receipt_date: Day | None = None

    def record(self) -> OrderLine:
        """Return the line."""
        return OrderLine(
            item=self.item,
            quantity=_quantity(self.quantity, self.unit),
            unit_cost=self.unit_cost.record(),
            location=self.location,
            expected_receipt_date=self.expected_receipt_date,
        )


class SentCreatePurchaseOrder(Sent):
    """A new draft purchase order with one vendor; all lines in the order's currency."""

    kind: Literal["create_purchase_order"]
    vendor: Code
    currency: CurrencyCode
    lines: tuple[SentOrderLine, ...] = Field(min_length=1, max_length=100)

    def record(self) -> DraftedAction:
        """Return the action."""
        return CreatePurchaseOrder(
            vendor=self.vendor,
            currency=Currency(self.currency),
            lines=tuple(line.record() for line in self.lines),
        )


class SentAddPurchaseOrderLine(Sent):
    """One more line on a draft purchase order."""

    kind: Literal["add_po_line"]
    document: Code
    line: SentOrderLine

    def record(self) -> DraftedAction:
        """Return the action."""
        return AddPurchaseOrderLine(document=self.document, line=self.line.record())


class SentSetPurchaseOrderQuantity(Sent):
    """Another quantity on a line of a draft purchase order."""

    kind: Literal["set_po_quantity"]
    document: Code
    line: LineNumber
    quantity: Positive
    unit: UnitCode

    def record(self) -> DraftedAction:
        """Return the action."""
        return SetPurchaseOrderQuantity(
            document=self.document, line=self.line, quantity=_quantity(self.quantity, self.unit)
        )


class SentSetReceiptDate(Sent):
    """Another expected receipt date on a purchase order line."""

    kind: Literal["set_receipt_date"]
    document: Code
    line: LineNumber
    expected_receipt_date: Day

    def record(self) -> DraftedAction:
        """Return the action."""
        return SetReceiptDate(
            document=self.document,
            line=self.line,
            expected_receipt_date=self.expected_receipt_date,
        )


class SentCancelDraftPurchaseOrder(Sent):
    """A draft purchase order to be deleted before anybody released it."""

    kind: Literal["cancel_draft_po"]
    document: Code

    def record(self) -> DraftedAction:
        """Return the action."""
        return CancelDraftPurchaseOrder(document=self.document)


class SentCreateTransferOrder(Sent):
    """Stock to be moved from one location to another."""

    kind: Literal["create_transfer_order"]
    item: Code
    quantity: Positive
    unit: UnitCode
    from_location: Code
    to_location: Code
    receipt_date: Day

    def record(self) -> DraftedAction:
        """Return the action."""
        return CreateTransferOrder(
            item=self.item,
            quantity=_quantity(self.quantity, self.unit),
            from_location=self.from_location,
            to_location=self.to_location,
            receipt_date=self.receipt_date,
        )


class SentRescheduleProductionOrder(Sent):
    """Another due date for a production order."""

    kind: Literal["reschedule_production_order"]
    document: Code
    due_date: Day

    def record(self) -> DraftedAction:
        """Return the action."""
        return RescheduleProductionOrder(document=self.document, due_date=self.due_date)


class SentSupplierChaser(Sent):
    """A message that asks a vendor about an order."""

    kind: Literal["send_supplier_chaser"]
    vendor: Code
    document: Code
    text: Sentences

    def record(self) -> DraftedAction:
        """Return the action."""
        return SendSupplierChaser(vendor=self.vendor, document=self.document, text=self.text)


class SentAcknowledge(Sent):
    """Nothing is written; a named person has seen it and owns it."""

    kind: Literal["acknowledge"]
    note: Pages | None = None

    def record(self) -> DraftedAction:
        """Return the action."""
        return Acknowledge(note=self.note or "")


SentAction: TypeAlias = Annotated[
    SentCreatePurchaseOrder
    | SentAddPurchaseOrderLine
    | SentSetPurchaseOrderQuantity
    | SentSetReceiptDate
    | SentCancelDraftPurchaseOrder
    | SentCreateTransferOrder
    | SentRescheduleProductionOrder
    | SentSupplierChaser
    | SentAcknowledge,
    Field(discriminator="kind"),
]


class SentRecommendation(Sent):
    """One recommendation: what should be done, why, until when, and what waiting costs."""

    id: Line = Field(description="Your own id; the same id with the same content is kept once.")
    kind: Code = Field(description="stockout_risk, supplier_delay, ... or one a rule names.")
    plant: Code
    headline: Line = Field(description="What is wrong, in one plain sentence.")
    subject: SentSubject
    facts: tuple[SentFact, ...] = Field(max_length=100)
    confidence: Probability
    impact: SentImpact
    action: SentAction | None = Field(
        None, description="What should be written; left out, it only asks to be acknowledged."
    )
    valid_until: Moment = Field(description="After that an answer would come too late.")
    rationale: Pages | None = None
    supersedes: Line | None = Field(
        None, description="An earlier id of yours that this one replaces, if it is still open."
    )

    def record(self) -> Proposal:
        """Return the content, understood."""
        return Proposal(
            kind=self.kind,
            plant=PlantId(self.plant),
            headline=self.headline,
            subject=self.subject.record(),
            facts=tuple(fact.record() for fact in self.facts),
            confidence=self.confidence,
            impact=self.impact.record(),
            action=self.action.record() if self.action else Acknowledge(),
            valid_until=self.valid_until,
            rationale=self.rationale or "",
        )


def as_sent(action: DraftedAction) -> Plain:
    """Return an action in the shape that senders use, quantity and unit side by side."""
    return _flat(plain(action))


def _flat(value: Plain) -> Plain:
    if isinstance(value, list):
        return [_flat(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    flat: dict[str, Plain] = {}
    for name, one in value.items():
        if name == "quantity" and isinstance(one, Mapping):
            flat |= {"quantity": one["value"], "unit": one["unit"]}
        else:
            flat[name] = _flat(one)
    return flat
