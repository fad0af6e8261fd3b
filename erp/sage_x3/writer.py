"""Writes nothing to Sage X3, and says so; why not is said in `reader.py`."""

from datetime import datetime
from typing import Final

from decisions.plan import WritePlan
from decisions.recommendation import Receipt
from erp.ports import CannotTell, Found, NotPlannableError, Outcome, Refused, Search
from erp.sage_x3.client import SYSTEM

_ONLY_READ: Final = f"{SYSTEM} is only read in this version."


class SageX3Writer:
    """Holds no log-in, because none is needed to refuse."""

    async def probe(self, plan: WritePlan) -> Search:
        """Tell that a plan for Sage X3, which nobody here built, cannot be searched for."""
        del plan
        return CannotTell(why=_ONLY_READ)

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Refuse the plan; nothing is sent."""
        del plan, before
        return Refused(code="only_read", text=_ONLY_READ)

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Refuse to read back what was never written.

        Raises:
            NotPlannableError: always.
        """
        del plan, found
        raise NotPlannableError(_ONLY_READ)
