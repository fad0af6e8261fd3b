"""Put the card on people's screens, and keep every copy of it up to date."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec

from bot.ports import (
    CardJson,
    Poster,
    PosterBusyError,
    PosterRefusedError,
    PosterUnknownError,
    PostingGoneError,
)
from bot.workflow import lineup
from bot.workflow.context import Context, reader_of
from bot.workflow.keep import note
from bot.workflow.retry import LaneWaitsError, RetryLaterError
from cards.approval import approval_card
from cards.listing import summary
from decisions.canonical import Plain, utc_text
from decisions.lifecycle import OPEN, State
from decisions.people import Channel, ChannelId, Posting, TenantId
from decisions.recommendation import Recommendation, RecommendationId
from storage.postings import Shown
from storage.unit_of_work import UnitOfWork

NOT_INSTALLED: Final = timedelta(minutes=1)
REFUSED: Final = timedelta(minutes=15)
UNKNOWN: Final = timedelta(seconds=10)


def card_bytes(card: CardJson) -> bytes:
    """Return the bytes of a card as they are kept and hashed."""
    return msgspec.json.encode(card, order="sorted")


async def post(payload: Mapping[str, Plain], ctx: Context, poster: Poster) -> None:
    """Post the card, unless it stands somewhere already.

    It is drawn from the record as it is now, so a late job can never paint an old state.

    Raises:
        RetryLaterError: Teams asked to wait, is away, or the bot is not in the channel.
    """
    seen = await _seen(payload, ctx)
    if seen is None or seen.shown or seen.one.state is State.PROPOSED:
        return
    with _in_words():
        await _share(seen.one, ctx)
        await _post(seen.one, seen.channel, ctx, poster)


async def repaint(payload: Mapping[str, Plain], ctx: Context, poster: Poster) -> None:
    """Repaint every copy that shows an older revision, with the record as it is now.

    Raises:
        RetryLaterError: Teams asked to wait, or is away.
    """
    seen = await _seen(payload, ctx)
    if seen is None:
        return
    for copy in seen.shown:
        if copy.revision < seen.one.revision:
            with _in_words():
                await _share(seen.one, ctx)
                await _repaint(seen.one, copy.posting, ctx, poster)


async def remove(payload: Mapping[str, Plain], ctx: Context, poster: Poster) -> None:
    """Take a second copy of a card away, so that one card stands in the channel.

    Raises:
        RetryLaterError: Teams asked to wait, is away, or refused.
    """
    seen = await _seen(payload, ctx)
    if seen is None:
        return
    for copy in seen.shown:
        if copy.posting.activity_id == payload["activity"]:
            with _in_words(), suppress(PostingGoneError):
                await poster.remove(copy.posting)
            await ctx.store.turn(_taken_away(seen.one, copy.posting, ctx))


def _taken_away(
    one: Recommendation, posting: Posting, ctx: Context
) -> Callable[[UnitOfWork], None]:
    def turn(unit: UnitOfWork) -> None:
        now = ctx.now()
        unit.postings.gone(posting, now)
        note(unit, one, "copy_removed", at=now, body={"activity": posting.activity_id})

    return turn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    one: Recommendation
    shown: tuple[Shown, ...]
    channel: Channel | None


async def _seen(payload: Mapping[str, Plain], ctx: Context) -> _Seen | None:
    subject = lineup.job_subject(payload)

    def load(unit: UnitOfWork) -> _Seen | None:
        one = unit.recommendations.get(subject)
        if one is None:
            return None
        shown, channel = unit.postings.of(subject), unit.channels.get(one.route.channel)
        return _Seen(one=one, shown=shown, channel=channel)

    return await ctx.store.read(load)


async def _share(one: Recommendation, ctx: Context) -> None:
    """Take one of the channel's messages, which all replicas share.

    Raises:
        LaneWaitsError: they are used up for the moment.
    """
    now = ctx.now()
    wait = await ctx.store.turn(lambda unit: unit.jobs.take_rate(lineup.post_lane(one.route), now))
    if wait is not None:
        raise LaneWaitsError(wait, "this channel's share of messages is used up for the moment")


@contextmanager
def _in_words() -> Generator[None]:
    """Say how a job waits for what Teams answered."""
    try:
        yield
    except PosterBusyError as busy:
        raise LaneWaitsError(busy.retry_after, str(busy)) from busy
    except PosterUnknownError as lost:
        raise RetryLaterError(UNKNOWN, str(lost)) from lost
    except PosterRefusedError as refused:
        raise RetryLaterError(REFUSED, str(refused)) from refused


async def _post(
    one: Recommendation, channel: Channel | None, ctx: Context, poster: Poster
) -> None:
    if channel is None:
        raise RetryLaterError(
            NOT_INSTALLED, f"The bot is not in channel {one.route.channel}. Add the app there."
        )
    now = ctx.now()
    reader = reader_of(one)
    card = approval_card(one, reader=reader, now=now, system=ctx.system)
    posting = await poster.post(channel, card, summary=summary(one, reader=reader, now=now))

    def turn(unit: UnitOfWork) -> None:
        held = unit.recommendations.lock(one.id)
        if _stands_elsewhere(unit, one, posting):
            # Somebody took this job over while we slept, and the card stands already.
            lineup.remove(unit, held, posting, due_at=now)
        sha = unit.cards.keep(card_bytes(card))
        unit.postings.add(one.id, posting, revision=one.revision, card_sha=sha)
        note(unit, one, "posted", at=ctx.now(), body=_delivery(one, posting, sha))
        if held.revision != one.revision:
            # The repaint that came with the change may have looked while nothing was posted.
            lineup.repaint(unit, held, due_at=now, after=posting.activity_id)

    await ctx.store.turn(turn)


async def _repaint(one: Recommendation, posting: Posting, ctx: Context, poster: Poster) -> None:
    reader, now = reader_of(one), ctx.now()
    card = approval_card(one, reader=reader, now=now, system=ctx.system)
    try:
        await poster.update(posting, card, summary=summary(one, reader=reader, now=now))
    except PostingGoneError:
        await ctx.store.turn(_forgotten(one, posting, ctx))
        return
    await ctx.store.turn(_painted(one, posting, card, ctx))


def _painted(
    one: Recommendation, posting: Posting, card: CardJson, ctx: Context
) -> Callable[[UnitOfWork], None]:
    def turn(unit: UnitOfWork) -> None:
        now = ctx.now()
        held = unit.recommendations.lock(one.id)
        if _overtaken(unit, one, posting):
            # We slept, and what we painted now hides a newer card: the newest goes on top again.
            again = f"overtaken:{posting.activity_id}:{utc_text(now)}"
            lineup.repaint(unit, held, due_at=now, after=again)
        sha = unit.cards.keep(card_bytes(card))
        unit.postings.painted(posting, revision=one.revision, card_sha=sha)
        note(unit, one, "repainted", at=now, body=_delivery(one, posting, sha))

    return turn


def _stands_elsewhere(unit: UnitOfWork, one: Recommendation, posting: Posting) -> bool:
    """Tell whether another message shows it; a quick click may have told us of this one."""
    return any(
        copy.posting.activity_id != posting.activity_id for copy in unit.postings.of(one.id)
    )


def _overtaken(unit: UnitOfWork, one: Recommendation, posting: Posting) -> bool:
    """Tell whether somebody painted a newer revision on a message while we painted ours."""
    return any(
        copy.revision > one.revision
        for copy in unit.postings.of(one.id)
        if copy.posting.activity_id == posting.activity_id
    )


def _forgotten(
    one: Recommendation, posting: Posting, ctx: Context
) -> Callable[[UnitOfWork], None]:
    def turn(unit: UnitOfWork) -> None:
        now = ctx.now()
        unit.postings.gone(posting, now)
        note(unit, one, "card_deleted", at=now, body={"activity": posting.activity_id})
        if one.state in OPEN:
            lineup.post_again(unit, one, deleted=posting.activity_id, due_at=now)

    return turn


def _delivery(one: Recommendation, posting: Posting, sha: str) -> dict[str, Plain]:
    return {
        "conversation": posting.conversation_id,
        "activity": posting.activity_id,
        "revision": one.revision,
        "card": sha,
    }


async def say(payload: Mapping[str, Plain], poster: Poster) -> None:
    """Answer somebody who wrote to the bot; a lost or refused answer is not sent twice.

    Raises:
        RetryLaterError: Teams asked to wait or is away.
    """
    where = payload["channel"]
    if not isinstance(where, dict):
        raise TypeError("the channel of an answer is a record")
    channel = Channel(
        id=ChannelId(str(where["id"])),
        tenant=TenantId(str(where["tenant"])),
        service_url=str(where["service_url"]),
        name=str(where["name"]),
        bot_id=str(where["bot_id"]),
    )
    card = msgspec.json.decode(str(payload["card"]), type=dict[str, object])
    try:
        with suppress(PosterUnknownError, PosterRefusedError):
            await poster.say(channel, str(payload["conversation"]), card)
    except PosterBusyError as busy:
        raise LaneWaitsError(busy.retry_after, str(busy)) from busy


def shown_to(subject: RecommendationId, revision: int, unit: UnitOfWork) -> str | None:
    """Return the hash of the card that a revision was last painted with; None when repainted."""
    return next(
        (
            copy.card_sha
            for copy in unit.postings.of(subject)
            if copy.revision == revision and copy.card_sha
        ),
        None,
    )
