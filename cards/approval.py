"""One recommendation on one card, whatever became of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import adaptive_cards.types as act

from cards import build
from cards.build import Card, Piece
from cards.change import change_rows
from cards.reading import Reader, System
from cards.wording import REASONS, Words, escape, field_name, status_of
from decisions.actions import Acknowledge, cost_of, editables
from decisions.costing import cost_of_waiting, next_bite, next_step
from decisions.errors import CountersignError
from decisions.lifecycle import State
from decisions.plan import Difference, WritePlan
from decisions.recommendation import FieldCheck, Recommendation
from decisions.routing import review_point

_ROOM: Final = ((8, 20), (4, 10), (2, 4))
"""How many facts and how many order lines are shown, from the roomiest down."""


def approval_card(
    recommendation: Recommendation,
    *,
    reader: Reader,
    now: datetime,
    system: System,
    problem: CountersignError | None = None,
) -> Card:
    """Show a recommendation as it stands and, while it is open, ask its owner."""
    one, words = recommendation, Words(reader, now)
    top = [
        *_problem(problem),
        *_head(one),
        *_SECTIONS.get(one.state, _closed)(one, words, system, now),
    ]
    bottom = [*build.buttons(_actions(one, words, system)), _foot(one, words)]
    mention = one.route.now_with(one.escalated) if one.state is State.AWAITING else None

    def drawn(facts: int, lines: int) -> Card:
        middle = [*_facts(one, words, facts), *_change(one, words, system, lines)]
        return build.finish(
            [*top, *middle, *bottom],
            fallback=one.proposal.headline,
            language=reader.language,
            mention=mention,
        )

    # Money, deadline and buttons are never cut; the long lists are, where a card is too large.
    for room in _ROOM:
        card = drawn(*room)
        if build.size(card) <= build.MAX_BYTES:
            return card
    return drawn(1, 1)


def _problem(problem: CountersignError | None) -> list[Piece]:
    if problem is None:
        return []
    return [build.box([build.strong(escape(str(problem)))], act.ContainerStyle.WARNING)]


def _head(one: Recommendation) -> list[Piece]:
    status = status_of(one)
    if one.state is State.AWAITING and one.escalated:
        status = f"Escalated: {status.lower()}"
    place = one.place
    if one.state is State.AWAITING and place and place.of > 1:
        status = f"{status} · {place.position} of {place.of} open"
    return [build.small(status), build.heading(escape(one.proposal.headline))]


def _waiting(one: Recommendation, words: Words, _: System, now: datetime) -> list[Piece]:
    impact = one.proposal.impact
    items = [build.strong(_cost(one, words, now))]
    step = next_step(impact, now)
    if step is not None:
        items.append(build.line(f"After {words.moment(step.bites_at)}: {escape(step.step or '')}"))
    acting = impact.cost_of_acting or (one.plan and one.plan.cost) or cost_of(one.action)
    if acting:
        items.append(build.line(f"Acting costs {words.money(acting)}."))
    items.append(build.line(f"Decide by {words.moment(one.proposal.valid_until)}."))
    owner = one.route.now_with(one.escalated)
    items.append(build.line(f"This is {build.at(owner)}’s decision."))
    return [*_moved(one, words), *items]


def _cost(one: Recommendation, words: Words, now: datetime) -> str:
    """Say what waiting costs until somebody looks again, or from when on it costs anything."""
    impact, last = one.proposal.impact, one.proposal.valid_until
    until = min(review_point(one.posted_at or one.received_at, one.route.sla, now), last)
    lost = cost_of_waiting(impact, now=now, until=until)
    if any(amount.amount for amount in lost):
        return f"Waiting until {words.moment(until)} costs about {words.sums(lost)}."
    bite = next_bite(impact, now)
    if bite is None or bite > last:
        return "Waiting costs nothing that is known."
    later = words.sums(cost_of_waiting(impact, now=now, until=last))
    return (
        f"Waiting costs nothing before {words.moment(bite)}, "
        f"and about {later} by {words.moment(last)}."
    )


def _moved(one: Recommendation, words: Words) -> list[Piece]:
    if not one.moved:
        return []
    lines = [build.strong("Changed since the last time: look again.")]
    lines += [build.line(_difference(moved, words)) for moved in one.moved]
    return [build.box(lines, act.ContainerStyle.WARNING)]


def _difference(moved: Difference, words: Words) -> str:
    name = " ".join(part for part in (field_name(moved.what), escape(moved.subject)) if part)
    return f"{name}: {words.value(moved.before)} → {words.value(moved.after)}"


def _closed(one: Recommendation, words: Words, system: System, now: datetime) -> list[Piece]:
    items: list[Piece] = []
    if one.decision is not None:
        items.append(build.strong(_verdict(one, words)))
        if one.decision.reason_code:
            reason = REASONS.get(one.decision.reason_code, escape(one.decision.reason_code))
            typed = f": {escape(one.decision.reason)}" if one.decision.reason else ""
            items.append(build.line(f"{reason}{typed}"))
    if one.trouble:
        items.append(build.line(escape(one.trouble)))
    return items + [build.line(text) for text in _next(one, words, system, now)]


def _verdict(one: Recommendation, words: Words) -> str:
    decision = one.decision
    if decision is None:
        return ""
    did = {
        "approve": "approved this",
        "approve_changed": "approved this with changes",
        "acknowledge": "has seen this and takes care of it",
        "override": "overrode this",
        "not_now": "put this off",
    }[decision.verdict]
    return f"{escape(decision.by.name)} {did} at {words.moment(decision.at)}."


_NEXT: Final = MappingProxyType(
    {
        State.APPROVED: "It is written to {name} next, once, and read back.",
        State.WRITING: "The order is on its way to {name}.",
        State.REFUSED: "Ask again when the cause is mended.",
        State.NOT_WRITTEN: "Ask again if it is still wanted.",
        State.CONFLICT: "The change is being worked out anew; this card will ask again.",
        State.UNKNOWN: "Nobody sends it twice. {name} is searched until this is certain.",
    }
)


def _next(one: Recommendation, words: Words, system: System, now: datetime) -> Sequence[str]:
    """Say what happens next, or what it came to."""
    until = one.writes_from
    if until is not None and one.decision is not None and now < until > one.decision.at:
        when = f"It is written to {escape(system.name)} at {words.moment(until)}."
        return (f"{when} Until then {escape(one.decision.by.name)} can pull it back.",)
    if one.state in _NEXT:
        return (_NEXT[one.state].format(name=escape(system.name)),)
    if one.state is State.SHELVED and one.decision and one.decision.until:
        return (f"It comes back at {words.moment(one.decision.until)}.",)
    if one.state is State.EXPIRED:
        start = one.posted_at or one.received_at
        lost = cost_of_waiting(one.proposal.impact, now=start, until=now)
        what = "Not acting" if one.decision else "Not deciding"
        return (f"{what} has cost about {words.sums(lost)} so far.",)
    if one.state is State.SUPERSEDED and one.superseded_by:
        return (f"The newer one is CS-{one.superseded_by}.",)
    return ()


_DID: Final = {
    "create_purchase_order": "Draft order {document} stands in",
    "cancel_draft_po": "Draft order {document} was cancelled in",
    "create_transfer_order": "Transfer order {document} stands in",
    "reschedule_production_order": "Production order {document} was moved in",
}


def _written(one: Recommendation, words: Words, system: System, now: datetime) -> list[Piece]:
    items = _closed(one, words, system, now)
    receipt = one.receipt
    if receipt is None:
        return items
    did = _DID.get(one.action.kind, "Order {document} was changed in")
    head = build.strong(
        f"{did.format(document=escape(receipt.document))} {escape(system.name)}, "
        f"read back at {words.moment(receipt.read_at)}."
    )
    wrong = [check for check in receipt.fields if not check.same]
    rows = [build.line(_check(check, words)) for check in wrong]
    state = (
        build.line(f"All {len(receipt.fields)} fields read back as approved.")
        if not wrong
        else build.strong(f"{len(wrong)} fields read back differently:", act.Colors.ATTENTION)
    )
    return [*items, build.box([head, state, *rows], act.ContainerStyle.EMPHASIS)]


def _check(check: FieldCheck, words: Words) -> str:
    name = " ".join(part for part in (field_name(check.field), escape(check.subject)) if part)
    return f"{name}: approved {words.value(check.planned)}, found {words.value(check.found)}"


_SECTIONS: Final[
    Mapping[State, Callable[[Recommendation, Words, System, datetime], list[Piece]]]
] = MappingProxyType({State.AWAITING: _waiting, State.WRITTEN: _written})


def _facts(one: Recommendation, words: Words, most: int) -> list[Piece]:
    facts = one.proposal.facts
    rows = [
        build.line(
            f"{escape(fact.name)}: {escape(fact.value)} {escape(fact.unit or '')}".rstrip()
            + f" · {escape(fact.source)} · {words.age(fact.observed_at)}"
        )
        for fact in facts[:most]
    ]
    if len(facts) > most:
        rows.append(build.small(f"… and {len(facts) - most} more under “Why”"))
    confidence = build.small(f"Confidence {words.percent(one.proposal.confidence)}")
    return [build.section("What it rests on"), *rows, confidence] if rows else [confidence]


def _change(one: Recommendation, words: Words, system: System, most: int) -> list[Piece]:
    if isinstance(one.action, Acknowledge):
        note = f": {escape(one.action.note)}" if one.action.note else "."
        return [build.line(f"Nothing is written to the ERP{note}")]
    if not _can(one, system):
        needs = escape(system.needs.get(one.action.kind, ""))
        kind = escape(one.action.kind.replace("_", " "))
        return [
            build.line(
                f"Countersign cannot do “{kind}” in {escape(system.name)}: {needs}. "
                "Acknowledge it and do it there."
            )
        ]
    if one.plan is None:
        why = escape(one.plan_problem) or "The ERP is being read."
        return [build.strong(f"The exact change is not known yet. {why}")]
    title = f"Exactly this is written to {escape(system.name)}"
    if one.state in (State.OVERRIDDEN, State.EXPIRED, State.SUPERSEDED, State.WITHDRAWN):
        title = "This would have been written"
    rows = [*change_rows(one.plan, words, most), *_reduced(one.plan, system)]
    return [build.box([build.section(title), *rows])]


def _reduced(plan: WritePlan, system: System) -> list[Piece]:
    """Say which of the facts that the change relies on could not be read as they should be."""
    names = dict.fromkeys(fact.name for fact in plan.preconditions)
    return [
        build.small(f"{field_name(name)}: {escape(system.reduced[name])}")
        for name in names
        if name in system.reduced
    ]


def _can(one: Recommendation, system: System) -> bool:
    """Tell whether it can be written; a plan proves it to a process that did not ask yet."""
    return one.plan is not None or one.action.kind in system.writes


def _actions(one: Recommendation, words: Words, system: System) -> list[Piece]:
    data = build.about(one)
    why = build.button("Why", "why", data, primary=one.state is not State.AWAITING)
    if one.state in (State.REFUSED, State.NOT_WRITTEN):
        return [build.button("Ask again", "retry", data), why]
    if one.decision and one.writes_from and one.writes_from > one.decision.at:
        return [build.button("Pull back", "pull_back", data), why]
    if one.state is not State.AWAITING:
        link = one.receipt.link if one.receipt else ""
        return [*([build.link(f"Open in {system.name}", link)] if link else []), why]
    writes = _can(one, system) and not isinstance(one.action, Acknowledge)
    first: list[Piece] = []
    if not writes:
        first.append(build.button("Acknowledge", "acknowledge", data))
    elif one.plan is not None:
        cost = f": {words.money(one.plan.cost)}" if one.plan.cost else ""
        first.append(build.button(f"Approve{cost}", "approve", data | {"plan": one.plan.hash}))
        if editables(one.action):
            first.append(build.button("Approve with changes", "changes", data))
    return [
        *first,
        build.button("Override", "override", data),
        build.button("Not now", "not_now", data),
        why,
    ]


def _foot(one: Recommendation, words: Words) -> Piece:
    plan = f" · change {one.plan.hash[:8]}" if one.plan else ""
    came = f"from {escape(one.source)} {escape(one.source_id, 60)}"
    return build.small(f"{one.marker}{plan} · {came} · {words.moment(one.received_at)}")
