"""A notice board instead of Teams: it keeps the cards for those who press buttons on them."""

import itertools

from bot.ports import CardJson
from decisions.people import Channel, Posting


class Board:
    """Takes every card and hands out ids, as Teams would."""

    def __init__(self, first_id: int) -> None:
        """Number the messages from here."""
        self._ids = itertools.count(first_id)
        self._cards: dict[str, CardJson] = {}

    def card(self, posting: Posting) -> CardJson:
        """Return what stands in a message."""
        return self._cards[posting.activity_id]

    async def post(self, channel: Channel, card: CardJson, *, summary: str) -> Posting:
        """Put up a new card."""
        del summary
        number = str(next(self._ids))
        self._cards[number] = card
        return Posting(
            channel=channel.id,
            service_url=channel.service_url,
            conversation_id=f"{channel.id};messageid={number}",
            activity_id=number,
        )

    async def update(self, posting: Posting, card: CardJson, *, summary: str) -> None:
        """Put another card in its place."""
        del summary
        self._cards[posting.activity_id] = card

    async def remove(self, posting: Posting) -> None:
        """Take a card down."""
        del self._cards[posting.activity_id]

    async def say(self, channel: Channel, conversation_id: str, card: CardJson) -> Posting:
        """Put up an answer."""
        del conversation_id
        return await self.post(channel, card, summary="")
