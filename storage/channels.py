"""Channels: the Teams conversations that the bot was added to."""

from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from decisions.people import Channel, ChannelId
from storage.inserts import insert_unless_there
from storage.tables import channels


class Channels:
    """The channels of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def keep(self, channel: Channel, now: datetime) -> None:
        """Keep how to reach a channel, as it was seen last; a removed one is back with it."""
        row = {
            "tenant": channel.tenant,
            "service_url": channel.service_url,
            "name": channel.name,
            "bot_id": channel.bot_id,
            "seen_at": now,
            "removed_at": None,
        }
        if insert_unless_there(self._connection, channels, row | {"id": channel.id}) is None:
            self._connection.execute(
                update(channels).where(channels.c.id == channel.id).values(row)
            )

    def removed(self, channel: ChannelId, now: datetime) -> None:
        """Keep that the bot was taken out of a channel; nothing, if it never was in it."""
        self._connection.execute(
            update(channels).where(channels.c.id == channel).values(removed_at=now)
        )

    def get(self, channel: ChannelId) -> Channel | None:
        """Return a channel; None when the bot is not in it."""
        row = self._connection.execute(
            select(channels).where(channels.c.id == channel, channels.c.removed_at.is_(None))
        ).first()
        return None if row is None else _channel(row)

    def all(self) -> tuple[Channel, ...]:
        """Return every channel that the bot is in, by name."""
        rows = self._connection.execute(
            select(channels)
            .where(channels.c.removed_at.is_(None))
            .order_by(channels.c.name, channels.c.id)
        )
        return tuple(map(_channel, rows))


def _channel(row: Row[tuple[object, ...]]) -> Channel:
    return Channel(
        id=row.id,
        tenant=row.tenant,
        service_url=row.service_url,
        name=row.name,
        bot_id=row.bot_id,
    )
