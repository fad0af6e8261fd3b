"""Who reads a card, and what a card must know of the ERP."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A language (BCP 47) and a clock (an IANA zone)."""

    language: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """The ERP's name, the action kinds it is written for, and what the others need.

    `reduced` says of a fact that a plan relies on how it is read in a lesser way, and why.
    """

    name: str
    writes: frozenset[str]
    needs: Mapping[str, str]
    reduced: Mapping[str, str] = field(default_factory=dict[str, str])
