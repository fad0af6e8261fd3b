"""A person's word on what was sent and can be looked up nowhere: it came, or it did not."""

from dataclasses import replace

from bot.workflow.click import Click
from bot.workflow.context import Context
from bot.workflow.decide import (
    Result,
    UnknownRecommendationError,
    answering,
    channel_of,
    may_see,
    named,
    refuse,
    trace,
)
from bot.workflow.keep import keep
from decisions.countersign import RefusedClickError
from decisions.lifecycle import Event
from decisions.said import check_said
from storage.unit_of_work import UnitOfWork


async def said(click: Click, ctx: Context, *, came: bool) -> Result:
    """Keep what a person says; what did not come may be asked for again, by a new approval.

    Raises:
        NoSuchRecommendationError: the recommendation is not here.
        UnknownRecommendationError: this person may not see it from there.
    """
    who, now = answering(click, ctx), ctx.now()
    event = Event.WRITTEN if came else Event.NOT_FOUND

    def turn(unit: UnitOfWork) -> Result:
        held = unit.recommendations.lock(named(click))
        if not may_see(held, click.person, channel_of(click)):
            raise UnknownRecommendationError
        try:
            check_said(held, who)
        except RefusedClickError as refused:
            refuse(unit, held, click, refused, now=now)
            return Result(recommendation=held, problem=refused)
        words = f"{who.person.name} says that it {'arrived' if came else 'did not arrive'}."
        after = replace(held.after(event, now=now), trouble=words)
        if came:
            after = replace(after, closed_at=now)
        unit.orders.finish(held.id, "written" if came else "not_written")
        keep(
            unit,
            after,
            "written" if came else "not_written",
            at=now,
            actor=who.person.id,
            body=trace(click) | {"text": words, "name": who.person.name},
        )
        return Result(recommendation=after)

    return await ctx.store.turn(turn)
