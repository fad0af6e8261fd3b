"""Sends approved mails, and hands every other plan to the ERP's own writer."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from decisions.plan import WritePlan
from decisions.recommendation import FieldCheck, Receipt
from erp.business_central.tokens import ClientCredentialTokens, EntraTokens, Tokens
from erp.mail.graph import GraphPort
from erp.mail.message import CONNECTOR, Mail, NotOurMailError, mail_in
from erp.mail.ports import MailPort
from erp.mail.settings import security_of
from erp.mail.smtp import MailServer, SmtpPort
from erp.ports import Found, Outcome, Refused, Search, Surroundings, Writer


class MailingWriter:
    """An ERP's writer, and a port for mails from one sender."""

    def __init__(
        self,
        inner: Writer,
        port: MailPort,
        *,
        sender: str,
        company: str,
        now: Callable[[], datetime],
    ) -> None:
        """Keep both, what every mail must come from and belong to, and the clock."""
        self._inner = inner
        self._port = port
        self._sender = sender
        self._company = company
        self._now = now

    async def probe(self, plan: WritePlan) -> Search:
        """Look whether what the plan does was done.

        Raises:
            NotOurMailError: the plan is no mail as we send it.
        """
        if plan.connector != CONNECTOR:
            return await self._inner.probe(plan)
        return await self._port.search(self._mail(plan))

    async def apply(self, plan: WritePlan, *, before: datetime) -> Outcome:
        """Send the plan's one mail, or let the ERP's writer send its request; once."""
        if plan.connector != CONNECTOR:
            return await self._inner.apply(plan, before=before)
        try:
            mail = self._mail(plan)
        except NotOurMailError as wrong:
            return Refused(code="not_our_plan", text=str(wrong))
        return await self._port.send(mail, still_ours=lambda: self._now() < before)

    async def verify(self, plan: WritePlan, found: Found) -> Receipt:
        """Read back what was sent, where a copy is kept.

        Raises:
            ErpUnreachableError: no usable answer.
            NotOurMailError: the plan is no mail as we send it.
        """
        if plan.connector != CONNECTOR:
            return await self._inner.verify(plan, found)
        copy = await self._port.read_back(self._mail(plan))
        return Receipt(
            document=found.document,
            document_id=found.document_id,
            read_at=self._now(),
            fields=() if copy is None else tuple(_checks(plan, copy)),
        )

    def _mail(self, plan: WritePlan) -> Mail:
        return mail_in(plan, company=self._company, sender=self._sender)


def mailing_writer(inner: Writer, around: Surroundings, *, company: str) -> Writer:
    """Return the ERP's writer with mail beside it, where mail is set up.

    The session of `around` keeps no connections, as for every writer.
    """
    settings = around.settings
    if not settings.get("via"):
        return inner
    return MailingWriter(
        inner,
        _smtp(around) if settings["via"] == "smtp" else _graph(around),
        sender=settings["from"],
        company=company,
        now=around.now,
    )


_READ_BACK: Final = ("recipient", "sender", "reply_to", "subject", "text")


def _checks(plan: WritePlan, copy: Mail) -> Iterator[FieldCheck]:
    found = {
        "recipient": copy.to,
        "sender": copy.sender,
        "reply_to": copy.reply_to,
        "subject": copy.subject,
        "text": copy.text,
    }
    for change in plan.changes:
        if change.field in _READ_BACK:
            yield FieldCheck(
                field=change.field, subject="", planned=change.after, found=found[change.field]
            )


def _smtp(around: Surroundings) -> SmtpPort:
    settings = around.settings
    server = MailServer(
        host=settings["smtp_host"],
        port=int(settings["smtp_port"]),
        security=security_of(settings),
        user=settings["smtp_user"],
        password=settings["smtp_password"],
        trusted_ca=around.trusted_ca,
    )
    return SmtpPort(server, now=around.now)


def _graph(around: Surroundings) -> GraphPort:
    return GraphPort(around.session, _tokens(around), url=around.settings["graph_url"])


def _tokens(around: Surroundings) -> Tokens:
    settings = around.settings
    authority = f"{settings['graph_login_authority'].rstrip('/')}/{settings['graph_tenant_id']}"
    client_id, secret = settings["graph_app_id"], settings["graph_app_secret"]
    scope = f"{settings['graph_url'].rstrip('/')}/.default"
    if authority.startswith("https://"):
        return EntraTokens(
            authority=authority,
            client_id=client_id,
            client_secret=secret,
            scope=scope,
            verify=around.trusted_ca or True,
        )
    return ClientCredentialTokens(
        around.session,
        url=f"{authority}/oauth2/v2.0/token",
        client_id=client_id,
        client_secret=secret,
        scope=scope,
    )
