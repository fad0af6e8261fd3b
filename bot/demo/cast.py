"""Who is there in the demo: one tenant, one team with two channels, six people."""

from dataclasses import dataclass
from typing import Final

from decisions.people import ChannelId, Person, PersonId, TenantId

TENANT: Final = TenantId("11111111-2222-4333-8444-555555555555")
APP: Final = "aaaaaaaa-0000-4000-8000-000000000001"
BOT: Final = f"28:{APP}"
TEAM: Final = "Operations"
TEAM_GROUP: Final = "cccccccc-0000-4000-8000-000000000031"

GENERAL: Final = ChannelId("19:operations@thread.tacv2")
"""A team's General channel has the id of the team."""

PURCHASING: Final = ChannelId("19:purchasing@thread.tacv2")

CHANNELS: Final = {PURCHASING: "Purchasing", GENERAL: "General"}
"""The Playground knows a team with General and one more (its schema: `channels`, maxItems 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in the team; `id` is what Teams calls the person in this bot's conversations."""

    id: str
    object_id: PersonId
    given_name: str
    surname: str
    role: str

    @property
    def name(self) -> str:
        """Return the full name."""
        return f"{self.given_name} {self.surname}"

    @property
    def email(self) -> str:
        """Return the address, which is the user principal name too."""
        return f"{self.given_name}.{self.surname}@example.com".lower()

    @property
    def person(self) -> Person:
        """Return the person as the workflow knows them."""
        return Person(id=self.object_id, name=self.name)


def _member(number: int, given_name: str, surname: str, role: str) -> Member:
    return Member(
        id=f"29:1{given_name.lower()}",
        object_id=PersonId(f"bbbbbbbb-0000-4000-8000-0000000000{number}"),
        given_name=given_name,
        surname=surname,
        role=role,
    )


ALEX: Final = _member(20, "Alex", "Wilber", "buyer")
MEGAN: Final = _member(21, "Megan", "Bowen", "senior buyer, Alex's deputy")
ADELE: Final = _member(22, "Adele", "Vance", "plant manager")
ISAIAH: Final = _member(23, "Isaiah", "Langer", "production planner")
PATTI: Final = _member(24, "Patti", "Fernandez", "maintenance lead")
LYNNE: Final = _member(25, "Lynne", "Robbins", "controller")

AT_THE_BROWSER: Final = ALEX
"""The only one who can click in the Playground; the terminal client can be anybody."""

MEMBERS: Final = (ALEX, MEGAN, ADELE, ISAIAH, PATTI, LYNNE)
