"""Cards: the bytes of each one that somebody saw, under their hash."""

import hashlib
import zlib

from sqlalchemy import Connection, select

from storage.inserts import insert_unless_there
from storage.tables import cards


class Cards:
    """The cards of one turn."""

    def __init__(self, connection: Connection) -> None:
        """Work inside the turn's transaction."""
        self._connection = connection

    def keep(self, card: bytes) -> str:
        """Keep a card once, and return its SHA-256 in hex."""
        sha = hashlib.sha256(card).hexdigest()
        insert_unless_there(self._connection, cards, {"sha": sha, "body": zlib.compress(card)})
        return sha

    def get(self, sha: str) -> bytes | None:
        """Return the bytes of a card."""
        body = self._connection.execute(select(cards.c.body).where(cards.c.sha == sha)).scalar()
        return None if body is None else zlib.decompress(body)
