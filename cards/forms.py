"""The second cards: changes, override, not now, why; each has a way back."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import adaptive_cards.card as ac
import adaptive_cards.types as act

from cards import build
from cards.build import Card, Piece
from cards.reading import Reader
from cards.wording import LOSSES, REASONS, Words, escape, field_name, span
from decisions.actions import CreatePurchaseOrder, editables
from decisions.canonical import utc_text
from decisions.costing import LineCost, explain, next_bite
from decisions.errors import CountersignError
from decisions.plan import WritePlan
from decisions.reasons import not_now_reasons, override_reasons
from decisions.recommendation import Recommendation
from decisions.routing import review_point

_WAITS: Final = (
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
    timedelta(hours=24),
)
_SHOWN_FACTS: Final = 30

PLACES: Final = {
    "only": "it is the only one open in this channel",
    "cost_of_delay": "of what its delay costs until it is looked at again",
    "deadline": "of its deadline; the delay costs the same as its neighbour’s",
    "net_benefit": "of what acting gains; delay and deadline are the same as its neighbour’s",
    "arrival": "of when it came in; everything else is the same as its neighbour’s",
}


def _form(
    one: Recommendation,
    title: str,
    items: Sequence[Piece],
    actions: Sequence[ac.ActionExecute],
    *,
    reader: Reader,
    problem: CountersignError | None,
) -> Card:
    warning = [build.strong(escape(str(problem)), act.Colors.ATTENTION)] if problem else []
    back = build.button("Back", "back", build.about(one))
    return build.finish(
        [
            build.small(escape(one.proposal.headline)),
            build.heading(title),
            *warning,
            *items,
            *build.buttons([*actions, back]),
        ],
        fallback=title,
        language=reader.language,
    )


def changes_form(
    recommendation: Recommendation,
    *,
    reader: Reader,
    now: datetime,
    problem: CountersignError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Card:
    """Ask for other quantities, dates or another vendor; nothing counts before it is re-costed."""
    one, words, was = recommendation, Words(reader, now), typed or {}
    items: list[Piece] = []
    for index, line in enumerate(editables(one.action)):
        items.append(build.section(escape(line.name)))
        if line.quantity is not None:
            items.append(
                ac.InputText(
                    id=f"quantity_{index}",
                    label=f"Quantity ({escape(line.quantity.unit)})",
                    value=was.get(f"quantity_{index}", words.number(line.quantity.value)),
                )
            )
        if line.date is not None:
            day = line.date.on.isoformat() if line.date.on else None
            items.append(
                ac.InputDate(
                    id=f"date_{index}",
                    label="Expected receipt",
                    value=was.get(f"date_{index}", day),
                )
            )
    if isinstance(one.action, CreatePurchaseOrder):
        vendor = was.get("vendor", one.action.vendor)
        items.append(ac.InputText(id="vendor", label="Vendor number", value=vendor))
    send = build.button("Work out the new cost", "recost", build.about(one))
    return _form(one, "Approve with changes", items, [send], reader=reader, problem=problem)


def confirm_changes_card(
    recommendation: Recommendation,
    changed: WritePlan,
    *,
    reader: Reader,
    now: datetime,
    fields: Mapping[str, str],
    problem: CountersignError | None = None,
) -> Card:
    """Show the change as it would be written now, against the one that was recommended."""
    one, words = recommendation, Words(reader, now)
    old = {(item.field, item.subject): item.after for item in one.plan.changes} if one.plan else {}
    rows: list[Piece] = []
    for item in changed.changes:
        before = old.get((item.field, item.subject))
        name = f"{escape(item.subject)} · {field_name(item.field)}".removeprefix(" · ")
        same = before == item.after
        rows.append(
            build.line(f"{name}: {words.value(item.after)}")
            if same
            else build.strong(f"{name}: {words.value(before)} → {words.value(item.after)}")
        )
    data = build.about(one) | {"fields": dict(fields)}
    cost = f": {words.money(changed.cost)}" if changed.cost else ""
    return _form(
        one,
        "Is this what you want?",
        [build.box(rows)],
        [
            build.button(f"Approve{cost}", "approve_changed", data | {"plan": changed.hash}),
            build.button("Change again", "changes", data),
        ],
        reader=reader,
        problem=problem,
    )


def _reasons(codes: Sequence[str], typed: Mapping[str, str]) -> list[Piece]:
    return [
        ac.InputChoiceSet(
            id="code",
            label="Reason",
            style=act.ChoiceInputStyle.EXPANDED,
            value=typed.get("code"),
            choices=[ac.InputChoice(title=REASONS[code], value=code) for code in codes],
        ),
        ac.InputText(
            id="text",
            label="In your words",
            is_multiline=True,
            max_length=1000,
            value=typed.get("text"),
        ),
    ]


def override_form(
    recommendation: Recommendation,
    *,
    reader: Reader,
    now: datetime,
    problem: CountersignError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Card:
    """Ask why not."""
    del now
    one = recommendation
    codes = override_reasons(one.proposal.kind)
    send = build.button("Override", "confirm_override", build.about(one))
    return _form(
        one,
        "Override: why not?",
        _reasons(codes, typed or {}),
        [send],
        reader=reader,
        problem=problem,
    )


def not_now_form(
    recommendation: Recommendation,
    *,
    reader: Reader,
    now: datetime,
    problem: CountersignError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Card:
    """Ask why not now, and until when."""
    one, words, was = recommendation, Words(reader, now), typed or {}
    last = one.proposal.valid_until
    bite = next_bite(one.proposal.impact, now)
    ahead = [now + wait for wait in _WAITS if now + wait < last]
    choices = [
        ac.InputChoice(
            title=f"{words.moment(until)} (in {span(until - now)})", value=utc_text(until)
        )
        for until in ahead
    ]
    if bite and bite < last:
        choices.append(
            ac.InputChoice(
                title=f"{words.moment(bite)} (when it gets dearer)", value=utc_text(bite)
            )
        )
    if not choices:
        half = now + (last - now) / 2
        choices = [ac.InputChoice(title=words.moment(half), value=utc_text(half))]
    until = ac.InputChoiceSet(
        id="until",
        label="Ask again at",
        style=act.ChoiceInputStyle.EXPANDED,
        value=was.get("until"),
        choices=choices,
    )
    send = build.button("Put off", "confirm_not_now", build.about(one))
    return _form(
        one,
        "Not now: until when, and why?",
        [until, *_reasons(not_now_reasons(), was)],
        [send],
        reader=reader,
        problem=problem,
    )


def why_card(recommendation: Recommendation, *, reader: Reader, now: datetime) -> Card:
    """Unfold the money line by line, the facts, the path, and what happened so far."""
    one, words = recommendation, Words(reader, now)
    proposal = one.proposal
    until = review_point(one.posted_at or one.received_at, one.route.sla, now)
    costs = explain(proposal.impact, now=now, until=until)
    items: list[Piece] = [build.section(f"What waiting until {words.moment(until)} costs")]
    items += [build.line(_arithmetic(cost, words)) for cost in costs]
    if one.place:
        items.append(
            build.line(
                f"Place {one.place.position} of {one.place.of} when it came in, because "
                f"{PLACES[one.place.reason]}."
            )
        )
    if proposal.rationale:
        items += [build.section("What its source says"), build.line(escape(proposal.rationale))]
    items.append(build.section("What it rests on"))
    items += [
        build.line(
            f"{escape(fact.name)}: {escape(fact.value)} {escape(fact.unit or '')} · "
            f"{escape(fact.source)} · happened {words.moment(fact.observed_at)}, "
            f"recorded {words.moment(fact.recorded_at)}"
        )
        for fact in proposal.facts[:_SHOWN_FACTS]
    ]
    items += [build.section("Who is asked"), *_path(one)]
    items.append(build.section("What happened so far"))
    items += [
        build.line(f"{words.moment(at)} {escape(event.replace('_', ' '))}")
        for event, at in one.history
    ]
    return _form(one, "Why", items, [], reader=reader, problem=None)


def _arithmetic(cost: LineCost, words: Words) -> str:
    line = cost.line
    name = LOSSES[line.kind]
    per = "" if line.per == "once" else f" per {line.per}"
    times = "" if line.per == "once" else f"{words.number(round(cost.periods, 2))} × "
    return (
        f"{name}: {times}{words.money(line.amount)}{per} × {words.percent(line.probability)} = "
        f"{words.money(cost.expected)}. From {words.moment(line.bites_at)}. "
        f"{escape(line.basis)}"
    )


def _path(one: Recommendation) -> list[Piece]:
    route = one.route
    items = [
        build.line(
            f"Rule “{escape(route.rule)}”: {escape(route.owner.name)}, in {span(route.sla)}"
        )
    ]
    if route.deputies:
        names = ", ".join(escape(deputy.name) for deputy in route.deputies)
        items.append(build.line(f"Deputies: {names}"))
    items += [
        build.line(f"After {span(step.after)}: {escape(step.to.name)}")
        for step in route.escalation
    ]
    return items
