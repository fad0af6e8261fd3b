"""Who decides and where: people, tenants and the Teams channels they sit in."""

from dataclasses import dataclass
from typing import NewType

PersonId = NewType("PersonId", str)
"""A Microsoft Entra object id: a GUID in lower case. Names and addresses are not identities."""

TenantId = NewType("TenantId", str)
"""A Microsoft Entra tenant id: a GUID in lower case."""

ChannelId = NewType("ChannelId", str)
"""The id of a Teams conversation, `19:...@thread.tacv2` for a channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who can be named; the name is for reading only."""

    id: PersonId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A Teams conversation that the bot was added to, and how to reach it."""

    id: ChannelId
    tenant: TenantId
    service_url: str
    name: str
    bot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """Where one card stands on people's screens.

    `conversation_id` carries `;messageid=<root>` where Teams gave one.
    """

    channel: ChannelId
    service_url: str
    conversation_id: str
    activity_id: str
