"""What the writer needs of whatever carries mail."""

from collections.abc import Callable
from typing import Protocol

from erp.mail.message import Mail
from erp.ports import Outcome, Search


class MailPort(Protocol):
    """Carries one mail at a time."""

    async def send(self, mail: Mail, *, still_ours: Callable[[], bool]) -> Outcome:
        """Hand a mail over, once; `still_ours` is asked last before the mail itself leaves."""
        ...

    async def search(self, mail: Mail) -> Search:
        """Look whether the mail was sent."""
        ...

    async def read_back(self, mail: Mail) -> Mail | None:
        """Return the mail as it was sent; None where no copy is kept that could be read.

        Raises:
            ErpUnreachableError: there should be a copy, and it cannot be read now.
        """
        ...
