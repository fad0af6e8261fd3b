"""What people may write to the bot, and the card that answers."""

from collections.abc import Iterable
from typing import Final

from bot.ports import CardJson
from bot.workflow import lineup
from bot.workflow.context import Context, reader_of
from bot.workflow.decide import may_see
from bot.workflow.message import Message
from bot.workflow.show import card_bytes
from cards.forms import why_card
from cards.listing import help_card, open_list
from cards.problem import problem_card
from cards.reading import Reader
from decisions.errors import CountersignError
from decisions.ranking import Standing, measure, rank
from decisions.recommendation import Recommendation, RecommendationId
from storage.unit_of_work import UnitOfWork

LISTED: Final = 10
"""How many open decisions one card lists; more would not fit on a phone."""

CONSIDERED: Final = 50
"""How many of a channel's dearest are ranked anew for the list."""

_EVERYWHERE: Final = 100
"""How many of all channels' dearest are looked through for those of one person."""


class NoSuchIdError(CountersignError):
    """Somebody asked about an id that is not here."""

    def __init__(self, name: str) -> None:
        """Repeat it, shortened."""
        self.name = name[:20]
        super().__init__(
            f"Nothing here is called {self.name}. The id stands at the foot of a card."
        )


async def command(message: Message, ctx: Context) -> None:
    """Line up the answer to a message; once, however often Teams delivers it."""
    card = await _answer(message, ctx)
    now = ctx.now()
    await ctx.store.turn(
        lambda unit: lineup.say(unit, message, card=card_bytes(card).decode(), due_at=now)
    )


async def _answer(message: Message, ctx: Context) -> CardJson:
    reader = _reader(message, ctx)
    match message.text.lower().split():
        case ["open", *_]:
            return await _open(message, ctx, reader)
        case ["why", name, *_]:
            return await _why(name, message, ctx, reader)
        case _:
            return help_card(reader=reader)


def _reader(message: Message, ctx: Context) -> Reader:
    """Return the clock of the plant whose channel this is, in the writer's own language."""
    table = ctx.routing
    rules = (rule for rule in table.rules if rule.channel == message.channel.id and rule.plants)
    rule = next(rules, None)
    plant = table.plant(min(rule.plants)) if rule else next(iter(table.plants.values()))
    return Reader(language=message.locale or plant.language, timezone=plant.timezone)


async def _open(message: Message, ctx: Context, reader: Reader) -> CardJson:
    now = ctx.now()
    channel = message.channel.id

    def load(unit: UnitOfWork) -> tuple[tuple[Recommendation, ...], int]:
        here = unit.recommendations.standing_in(channel, limit=CONSIDERED)
        if here:
            first = [unit.recommendations.get(name) for name in dearest(here)]
            total = unit.recommendations.count_open_in(channel, cap=1000)
            return tuple(one for one in first if one is not None), total
        every = unit.recommendations.open_all(_EVERYWHERE)
        mine = {one.id: one for one in every if one.may_decide(message.person)}
        return tuple(mine[name] for name in dearest(mine.values())), len(mine)

    def dearest(some: Iterable[Recommendation | Standing]) -> list[RecommendationId]:
        ranked = rank(measure(one, now=now, rates=ctx.routing.rates) for one in some)
        return [one.id for one in ranked[:LISTED]]

    top, total = await ctx.store.read(load)
    return open_list(top, total=max(total, len(top)), reader=reader, now=now)


async def _why(name: str, message: Message, ctx: Context, reader: Reader) -> CardJson:
    wanted = RecommendationId(name.upper().removeprefix("CS-"))
    one = await ctx.store.read(lambda unit: unit.recommendations.get(wanted))
    if one is None or not may_see(one, message.person, message.channel.id):
        return problem_card(NoSuchIdError(name), reader=reader)
    return why_card(one, reader=reader_of(one), now=ctx.now())
