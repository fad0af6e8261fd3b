"""Plans mail to vendors beside what the ERP itself can do; it holds no log-in to send with."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from decisions.actions import DraftedAction, SendSupplierChaser
from decisions.plan import WritePlan
from decisions.reconciliation import Marked
from erp.mail.message import Letterhead, chaser_plan
from erp.mail.settings import letterhead
from erp.ports import Capabilities, Contact, NotPlannableError, Reader
from erp.snapshot import Scope, Snapshot

CHASER: Final = "send_supplier_chaser"
_NO_MAIL: Final = "no mail is set up (COUNTERSIGN_MAIL_VIA)"


def mailing_reader(inner: Reader, settings: Mapping[str, str], *, company: str) -> Reader:
    """Return the ERP's reader with mail beside it, as it is set up."""
    return MailingReader(inner, letterhead(settings), company=company)


class MailingReader:
    """An ERP's reader, and a mail to the address that the ERP has of a vendor."""

    def __init__(self, inner: Reader, letterhead: Letterhead | None, *, company: str) -> None:
        """Keep the ERP's reader and whom mail comes from; None where no mail is sent."""
        self._inner = inner
        self._letterhead = letterhead
        self._company = company

    def capabilities(self) -> Capabilities:
        """Return what the ERP and the mail port can do."""
        able = self._inner.capabilities()
        needs = {kind: why for kind, why in able.needs.items() if kind != CHASER}
        if self._letterhead is None:
            return replace(able, writes=able.writes - {CHASER}, needs=needs | {CHASER: _NO_MAIL})
        return replace(able, writes=able.writes | {CHASER}, needs=needs)

    async def plan(self, action: DraftedAction, *, marker: str) -> WritePlan:
        """Build the exact mail, or let the ERP's reader build its change.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: it cannot be done; a vendor has no e-mail address, say.
        """
        if not isinstance(action, SendSupplierChaser):
            return await self._inner.plan(action, marker=marker)
        if self._letterhead is None:
            raise NotPlannableError(f"No mail is sent: {_NO_MAIL}.")
        contact = await self._inner.contact(action.vendor)
        return chaser_plan(action, contact, self._letterhead, company=self._company, marker=marker)

    async def contact(self, vendor: str) -> Contact:
        """Return where a vendor is reached.

        Raises:
            ErpUnreachableError: no usable answer.
            NotPlannableError: the ERP knows no such vendor.
        """
        return await self._inner.contact(vendor)

    async def marked(self, *, since: datetime) -> tuple[Marked, ...]:
        """Return every document in the ERP with a mark of ours; mails are not among them.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        return await self._inner.marked(since=since)

    async def snapshot(
        self, scopes: Collection[Scope], *, since: datetime | None = None
    ) -> Snapshot:
        """Read the ERP widely.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        return await self._inner.snapshot(scopes, since=since)
