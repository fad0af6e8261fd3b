"""Where a recommendation stands, as its source may see it; and taking one back."""

import re
from dataclasses import replace
from typing import Final

from bot.workflow.context import Context
from bot.workflow.keep import keep
from bot.workflow.wire import as_sent
from bot.workflow.wire_values import is_clean_line
from decisions.canonical import Plain, plain, utc_text
from decisions.errors import CountersignError
from decisions.lifecycle import MOVES, Event, State
from decisions.people import Person
from decisions.recommendation import Decision, Receipt, Recommendation, RecommendationId
from storage.sources import ApiKey
from storage.unit_of_work import UnitOfWork

_ID: Final = re.compile("(CS-)?([0-9A-Z]{1,40})")
_LONGEST_ID: Final = 200


class NotYoursError(CountersignError):
    """A source asked for something that it did not send."""

    def __init__(self) -> None:
        """Say the same whether it is another source's or nobody's."""
        super().__init__("You have sent no such recommendation.")


class NotOpenError(CountersignError):
    """A recommendation can no longer be taken back."""

    def __init__(self, one: Recommendation) -> None:
        """Say how it stands."""
        self.state = one.state
        stands = one.state.value.replace("_", " ")
        super().__init__(f"{one.marker} is {stands}; it can no longer be withdrawn.")


class BadWithdrawalError(CountersignError):
    """A recommendation is taken back without saying why."""

    def __init__(self) -> None:
        """Say what is needed."""
        super().__init__('Send {"reason": "..."} with 1 to 200 characters on one line.')


async def track(wanted: str, key: ApiKey, ctx: Context) -> dict[str, Plain]:
    """Return where a recommendation stands, by our id or its marker.

    Raises:
        NotYoursError: this source sent none with this id.
    """
    known = _id(wanted)
    return status_of(
        await ctx.store.read(lambda unit: _theirs(unit.recommendations.get(known), key))
    )


async def track_by_source(source_id: str, key: ApiKey, ctx: Context) -> dict[str, Plain]:
    """Return where a recommendation stands, by the sender's own id.

    Raises:
        NotYoursError: this source sent none with this id.
    """
    name = source_id.strip()
    if not is_clean_line(name, _LONGEST_ID):
        raise NotYoursError
    return status_of(
        await ctx.store.read(
            lambda unit: _theirs(unit.recommendations.by_source(key.source, name), key)
        )
    )


async def withdraw(wanted: str, reason: object, key: ApiKey, ctx: Context) -> dict[str, Plain]:
    """Take back a recommendation that nobody has decided, and return how it stands.

    Raises:
        NotYoursError: this source sent none with this id.
        BadWithdrawalError: the reason is missing or cannot be kept.
        NotOpenError: it was decided, or is closed for another reason.
    """
    known, now = _id(wanted), ctx.now()
    if not isinstance(reason, str) or not is_clean_line(reason, _LONGEST_ID):
        raise BadWithdrawalError

    def turn(unit: UnitOfWork) -> Recommendation:
        one = _theirs(unit.recommendations.get(known), key)
        held = unit.recommendations.lock(one.id)
        if held.state is State.WITHDRAWN:
            return held
        if (held.state, Event.WITHDRAWN) not in MOVES:
            raise NotOpenError(held)
        closed = replace(held.after(Event.WITHDRAWN, now=now), closed_at=now)
        keep(
            unit,
            closed,
            "withdrawn",
            at=now,
            body={"reason": reason.strip(), "source": key.source, "key": key.id},
        )
        return closed

    return status_of(await ctx.store.turn(turn))


def _id(wanted: str) -> RecommendationId:
    shape = _ID.fullmatch(wanted.strip().upper())
    if shape is None:
        raise NotYoursError
    return RecommendationId(shape[2])


def _theirs(one: Recommendation | None, key: ApiKey) -> Recommendation:
    if one is None or one.source != key.source:
        raise NotYoursError
    return one


def status_of(one: Recommendation) -> dict[str, Plain]:
    """Return what a source may know of its recommendation."""
    owner = one.route.now_with(one.escalated)
    return {
        "id": one.id,
        "marker": one.marker,
        "source_id": one.source_id,
        "kind": one.proposal.kind,
        "plant": one.proposal.plant,
        "headline": one.proposal.headline,
        "state": one.state.value,
        "round": one.round,
        "revision": one.revision,
        "owner": _person(owner),
        "decision": _decision(one, one.decision) if one.decision else None,
        "receipt": _receipt(one.receipt) if one.receipt else None,
        "problem": one.trouble or one.plan_problem or None,
        "superseded_by": one.superseded_by,
        "received_at": utc_text(one.received_at),
        "posted_at": utc_text(one.posted_at) if one.posted_at else None,
        "valid_until": utc_text(one.proposal.valid_until),
        "closed_at": utc_text(one.closed_at) if one.closed_at else None,
        "history": [{"event": event, "at": utc_text(at)} for event, at in one.history],
    }


def _person(person: Person) -> Plain:
    return {"name": person.name, "entra_id": person.id}


def _decision(one: Recommendation, decision: Decision) -> Plain:
    return {
        "verdict": decision.verdict,
        "by": _person(decision.by),
        "at": utc_text(decision.at),
        "round": decision.round,
        "reason_code": decision.reason_code,
        "reason": decision.reason or None,
        "until": utc_text(decision.until) if decision.until else None,
        "plan_hash": decision.plan_hash,
        "changed_action": as_sent(one.action) if decision.verdict == "approve_changed" else None,
    }


def _receipt(receipt: Receipt) -> Plain:
    return {
        "document": receipt.document,
        "document_id": receipt.document_id,
        "read_at": utc_text(receipt.read_at),
        "clean": receipt.clean,
        "fields": plain(receipt.fields),
    }
