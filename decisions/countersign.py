"""A named person's answer, and the only way to an order that may be written."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeAlias, final

from decisions.actions import Acknowledge, DraftedAction
from decisions.audit import Entry
from decisions.errors import CountersignError
from decisions.lifecycle import Event, State
from decisions.people import Person, TenantId
from decisions.plan import PlanHash, WritePlan
from decisions.reasons import OTHER, not_now_reasons, override_reasons
from decisions.recommendation import Decision, DecisionId, Recommendation, Verdict
from decisions.signature import Keyring

MAX_REASON: Final = 1000
"""Characters of free text that are kept."""

DECIDED: Final = "decided"
"""The kind of the audit entry that a decision leaves."""


class RefusedClickError(CountersignError):
    """A click that decides nothing; its classes say why."""


class NotYourDecisionError(RefusedClickError):
    """Somebody clicked who is not on the route."""

    def __init__(self, recommendation: Recommendation) -> None:
        """Say whose decision it is."""
        self.owner = recommendation.route.now_with(recommendation.escalated)
        super().__init__(f"This decision belongs to {self.owner.name}. Nothing was changed.")


class AlreadyDecidedError(RefusedClickError):
    """Somebody was faster."""

    def __init__(self, decision: Decision) -> None:
        """Say who and when."""
        self.decision = decision
        super().__init__(f"{decision.by.name} has already answered. Your click changed nothing.")


class ClosedError(RefusedClickError):
    """The recommendation no longer takes answers."""

    def __init__(self, state: State) -> None:
        """Say what became of it."""
        self.state = state
        super().__init__(
            f"This one is {state.value.replace('_', ' ')}. Your click changed nothing."
        )


class StaleCardError(RefusedClickError):
    """The card is from an earlier round; a newer one asks again."""

    def __init__(self) -> None:
        """Say where to look."""
        super().__init__("This card is out of date. Here is how things stand now.")


class NothingToApproveError(RefusedClickError):
    """The exact change is not known yet, or this ERP cannot write it."""

    def __init__(self, why: str) -> None:
        """Say why."""
        self.why = why
        super().__init__(f"There is no change to approve yet: {why}")


class OtherPlanError(RefusedClickError):
    """What was approved is not what would be written."""

    def __init__(self) -> None:
        """Say that nothing is lost."""
        super().__init__("The change is not the one you saw. Look at it once more and approve it.")


class ReasonMissingError(RefusedClickError):
    """An answer that needs a reason came without one."""

    def __init__(self, *, needs_text: bool) -> None:
        """Say what is missing."""
        self.needs_text = needs_text
        super().__init__(
            "Say in a few words why." if needs_text else "Pick a reason first.",
        )


class BadDateError(RefusedClickError):
    """A date that is missing, unreadable, in the past or too late."""

    def __init__(self, latest: datetime) -> None:
        """Say how far it may go."""
        self.latest = latest
        super().__init__("Pick a time that is still ahead and before the deadline.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Do exactly what the card shows."""

    plan_hash: PlanHash


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveChanged:
    """Do it with the person's own changes, under the plan rebuilt for them."""

    action: DraftedAction
    plan: WritePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeNote:
    """Seen and owned; nothing is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Do not do it, for this reason."""

    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotNow:
    """Ask again later, for this reason."""

    code: str
    text: str
    until: datetime


Answer: TypeAlias = Approve | ApproveChanged | TakeNote | Override | NotNow


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Who answers, from which card, in which round and through which invoke."""

    decision: DecisionId
    person: Person
    tenant: TenantId
    round: int
    seen_revision: int
    invoke_id: str


def check_open(recommendation: Recommendation, who: Answering, *, now: datetime) -> None:
    """Refuse a click that may not decide.

    Raises:
        NotYourDecisionError: the person is not on the route.
        AlreadyDecidedError: an answer stands already.
        StaleCardError: the card is from an earlier round.
        ClosedError: it expired or was replaced or withdrawn.
    """
    if not recommendation.may_decide(who.person.id):
        raise NotYourDecisionError(recommendation)
    if recommendation.state is not State.AWAITING:
        decision = recommendation.decision
        if decision is not None and recommendation.state not in _NO_ANSWER_STANDS:
            raise AlreadyDecidedError(decision)
        raise ClosedError(recommendation.state)
    if who.round != recommendation.round:
        raise StaleCardError
    if now >= recommendation.proposal.valid_until:
        raise ClosedError(State.EXPIRED)


_NO_ANSWER_STANDS: Final = frozenset({State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN})


def decide(
    recommendation: Recommendation, answer: Answer, who: Answering, *, now: datetime
) -> Recommendation:
    """Return the recommendation with a person's answer under it.

    Raises:
        RefusedClickError: in one of its classes; nothing is decided.
    """
    check_open(recommendation, who, now=now)
    match answer:
        case Approve(plan_hash=plan_hash):
            plan = approvable_plan(recommendation)
            if plan.hash != plan_hash:
                raise OtherPlanError
            return _kept(recommendation, Event.APPROVED, _decision(who, "approve", now, plan.hash))
        case ApproveChanged(action=action, plan=plan):
            approvable_plan(recommendation)
            changed = replace(recommendation, action=action, plan=plan)
            return _kept(
                changed, Event.APPROVED, _decision(who, "approve_changed", now, plan.hash)
            )
        case TakeNote():
            return _kept(
                recommendation, Event.ACKNOWLEDGED, _decision(who, "acknowledge", now, None)
            )
        case Override(code=code, text=text):
            reason = checked_reason(code, text, override_reasons(recommendation.proposal.kind))
            decision = _decision(who, "override", now, None)
            return _kept(
                recommendation,
                Event.OVERRIDDEN,
                replace(decision, reason_code=code, reason=reason),
            )
        case NotNow(code=code, text=text, until=until):
            reason = checked_reason(code, text, not_now_reasons())
            if not now < until < recommendation.proposal.valid_until:
                raise BadDateError(recommendation.proposal.valid_until)
            decision = _decision(who, "not_now", now, None)
            return _kept(
                recommendation,
                Event.SHELVED,
                replace(decision, reason_code=code, reason=reason, until=until),
            )


def approvable_plan(recommendation: Recommendation) -> WritePlan:
    """Return the plan that may be approved.

    Raises:
        NothingToApproveError: there is none.
    """
    if isinstance(recommendation.action, Acknowledge):
        raise NothingToApproveError("it only asks to be acknowledged.")
    if recommendation.plan is None:
        raise NothingToApproveError(recommendation.plan_problem or "the ERP is still being read.")
    return recommendation.plan


def checked_reason(code: str, text: str, allowed: tuple[str, ...]) -> str:
    """Return the words of a reason, trimmed.

    Raises:
        ReasonMissingError: no known code, or "other" without words.
    """
    words = text.strip()[:MAX_REASON]
    if code not in allowed:
        raise ReasonMissingError(needs_text=False)
    if code == OTHER and not words:
        raise ReasonMissingError(needs_text=True)
    return words


def _decision(
    who: Answering, verdict: Verdict, now: datetime, plan_hash: PlanHash | None
) -> Decision:
    return Decision(
        id=who.decision,
        round=who.round,
        verdict=verdict,
        by=who.person,
        tenant=who.tenant,
        at=now,
        seen_revision=who.seen_revision,
        invoke_id=who.invoke_id,
        plan_hash=plan_hash,
    )


def _kept(recommendation: Recommendation, event: Event, decision: Decision) -> Recommendation:
    after = recommendation.after(event, now=decision.at)
    return replace(after, decision=decision, moved=(), trouble="")


class NotCountersignedError(CountersignError):
    """Something asked to be written without an approval of exactly that payload."""

    def __init__(self, recommendation: Recommendation, why: str) -> None:
        """Say what does not hold."""
        self.recommendation = recommendation.id
        super().__init__(f"{recommendation.marker} was not written: {why}")


class ApprovalExpiredError(NotCountersignedError):
    """An approval is too old to be acted on, whoever gave it."""

    def __init__(self, recommendation: Recommendation) -> None:
        """Say that it was given, and that it no longer counts."""
        super().__init__(
            recommendation, "it was approved, but not written before the approval expired."
        )


@final
@dataclass(frozen=True, slots=True)
class _Seal:
    """Held by this module alone."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CountersignedOrder:
    """A plan with a named person behind it; only `countersign` makes one."""

    recommendation: Recommendation
    decision: Decision
    plan: WritePlan
    seal: _Seal = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Which approvals count here: of this tenant, for this company, signed with these keys."""

    keyring: Keyring
    tenant: TenantId
    company: str


def countersign(
    recommendation: Recommendation, story: Sequence[Entry], authority: Authority, *, now: datetime
) -> CountersignedOrder:
    """Put the approval that a person signed off under the plan it approved.

    `story` are the entries of the audit chain about this recommendation, oldest first.

    Raises:
        ApprovalExpiredError: it was approved, and is too old.
        NotCountersignedError: there is no approval, or not of this plan; the signature does not
            hold; the chain does not hold the approval, or says that it was acted on before.
    """
    decision, plan = recommendation.decision, recommendation.plan
    if recommendation.state is not State.APPROVED or decision is None or plan is None:
        raise NotCountersignedError(recommendation, "no approval stands.")
    if decision.verdict not in ("approve", "approve_changed"):
        raise NotCountersignedError(recommendation, f"the answer was {decision.verdict}.")
    if decision.plan_hash != plan.hash or decision.round != recommendation.round:
        raise NotCountersignedError(recommendation, "the approval is for another payload.")
    if not authority.keyring.holds(recommendation, decision):
        raise NotCountersignedError(
            recommendation, "the approval does not carry a signature that holds."
        )
    if (decision.tenant, plan.company) != (authority.tenant, authority.company):
        raise NotCountersignedError(recommendation, "it is of another tenant or company.")
    if not recommendation.may_decide(decision.by.id):
        raise NotCountersignedError(recommendation, "the approver is not on the route.")
    _check_story(recommendation, decision, story)
    if now >= recommendation.proposal.valid_until:
        raise ApprovalExpiredError(recommendation)
    return CountersignedOrder(
        recommendation=recommendation, decision=decision, plan=plan, seal=_Seal()
    )


_SPENT: Final = frozenset({"written", "refused", "not_written", "conflict", "pulled_back"})
"""Kinds of audit entries that end an approval; after one of them only another approval counts."""


def _check_story(
    recommendation: Recommendation, decision: Decision, story: Sequence[Entry]
) -> None:
    given = [
        entry
        for entry in story
        if entry.event.kind == DECIDED
        and entry.event.recommendation == recommendation.id
        and entry.event.body.get("decision") == decision.id
    ]
    if not given:
        raise NotCountersignedError(recommendation, "the audit chain does not hold the approval.")
    event = given[0].event
    if event.actor != decision.by.id or event.body.get("plan_hash") != decision.plan_hash:
        raise NotCountersignedError(recommendation, "the audit chain holds another approval.")
    if any(entry.seq > given[0].seq and entry.event.kind in _SPENT for entry in story):
        raise NotCountersignedError(
            recommendation, "the audit chain says that this approval was acted on before."
        )
