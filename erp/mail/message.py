"""The one mail that is sent: what a vendor is asked, from whom, to whom, word for word."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

import msgspec

from decisions.actions import SendSupplierChaser
from decisions.canonical import canonical
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from erp.ports import Contact, NotPlannableError

CONNECTOR: Final = "mail"
PATH: Final = "mail"

LONGEST: Final = 1000
MOST_LINES: Final = 40
"""So much of a mail stands on a card in full."""

_LONGEST_ADDRESS: Final = 254
_LONGEST_SUBJECT: Final = 200
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
"""RFC 5321's dot-string, in ASCII; quoted names and lists of addresses are not taken."""


class NotOurMailError(NotPlannableError):
    """A plan that this port would not have built; it is not sent."""

    def __init__(self, why: str) -> None:
        """Say what is wrong with it."""
        super().__init__(f"This plan is no mail as we send it: {why}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Whom mail comes from, and where answers go if not there."""

    sender: str
    reply_to: str = ""


class Mail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that an approver approves of a mail."""

    sender: str = msgspec.field(name="from")
    to: str
    subject: str
    text: str
    message_id: str
    reply_to: str = ""


def is_address(text: str) -> bool:
    """Tell whether a text is one plain address that can stand in a header and on a command."""
    return len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text) is not None


def chaser_plan(
    action: SendSupplierChaser,
    contact: Contact,
    letterhead: Letterhead,
    *,
    company: str,
    marker: str,
) -> WritePlan:
    """Return the exact mail to a vendor, and what it relies on.

    Raises:
        NotPlannableError: the vendor has no e-mail address, or the text cannot be sent as it is.
    """
    mail = Mail(
        sender=letterhead.sender,
        to=_recipient(contact),
        subject=f"About order {action.document}",
        text=action.text,
        message_id=message_id(marker, company, letterhead.sender),
        reply_to=letterhead.reply_to,
    )
    if problem := _problem(mail):
        raise NotPlannableError(f"This mail cannot be sent: {problem}.")
    return WritePlan(
        connector=CONNECTOR,
        company=company,
        marker=marker,
        requests=(PlannedRequest(method="POST", path=PATH, body=_body(mail)),),
        preconditions=(
            Precondition(name="vendor name", subject=contact.vendor, value=contact.name),
            Precondition(name="vendor e-mail", subject=contact.vendor, value=contact.email),
        ),
        changes=tuple(_changes(action, contact, mail)),
        cost=None,
    )


def message_id(marker: str, company: str, sender: str) -> str:
    """Return the Message-ID; the same mail has the same one, however often it is asked for."""
    where = hashlib.sha256(company.encode()).hexdigest()[:12]
    return f"<{marker}.{where}@{sender.rpartition('@')[2]}>"


def mail_in(plan: WritePlan, *, company: str, sender: str) -> Mail:
    """Return the mail of a plan, if it is one that may be sent.

    Raises:
        NotOurMailError: for another connector, company or sender, more than one request, or
            something that could not be sent exactly as it was approved.
    """
    if (plan.connector, plan.company) != (CONNECTOR, company):
        raise NotOurMailError(f"it is for {plan.connector} and company {plan.company}")
    if len(plan.requests) != 1:
        raise NotOurMailError("it is not one request")
    (request,) = plan.requests
    if (request.method, request.path) != ("POST", PATH):
        raise NotOurMailError("it is another request")
    try:
        mail = msgspec.json.decode(request.body, type=Mail)
    except msgspec.DecodeError as wrong:
        raise NotOurMailError(f"it cannot be read, {wrong}") from wrong
    if mail.sender != sender:
        raise NotOurMailError(f"it is sent by {mail.sender}")
    if mail.message_id != message_id(plan.marker, company, sender):
        raise NotOurMailError("it does not carry its marker")
    if problem := _problem(mail):
        raise NotOurMailError(problem)
    return mail


def composed(mail: Mail, *, at: datetime) -> bytes:
    """Return the mail as it goes over the wire: plain text, in ASCII throughout."""
    message = EmailMessage(policy=SMTP)
    message["From"] = mail.sender
    message["To"] = mail.to
    if mail.reply_to:
        message["Reply-To"] = mail.reply_to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = mail.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office robots keep silent
    message.set_content(mail.text, charset="utf-8", cte="quoted-printable")
    return message.as_bytes()


def _recipient(contact: Contact) -> str:
    who = f"{contact.name} ({contact.vendor})"
    if not contact.email.strip():
        raise NotPlannableError(f"The ERP has no e-mail address for {who}.")
    if not is_address(contact.email):
        raise NotPlannableError(
            f"What the ERP has as the e-mail address of {who} is no single address: "
            f"{contact.email!r}."
        )
    return contact.email


def _problem(mail: Mail) -> str:
    """Say what a header, a card or a mail program would show in another way than it stands."""
    for address in (mail.sender, mail.to, *([mail.reply_to] if mail.reply_to else [])):
        if not is_address(address):
            return f"{address!r} is no single e-mail address"
    if not mail.text.strip():
        return "it has no text"
    if len(mail.text) > LONGEST or len(mail.text.splitlines()) > MOST_LINES:
        return (
            f"it is longer than {LONGEST} characters or {MOST_LINES} lines, "
            "which no card shows in full"
        )
    if len(mail.subject) > _LONGEST_SUBJECT or _hides(mail.subject):
        return "its subject holds a line break or something else that cannot be seen"
    if _hides(mail.text.replace("\n", "").replace("\t", "")):
        return "its text holds characters that cannot be seen, so nobody could approve them"
    return ""


def _hides(text: str) -> bool:
    """Tell whether anything in a text cannot be seen: controls, direction marks, half characters.

    Unicode's categories Cc, Cf, Cs, Co, Cn, Zl and Zp.
    """
    return any(unicodedata.category(one)[0] == "C" or one in "\u2028\u2029" for one in text)


def _body(mail: Mail) -> str:
    return canonical(msgspec.to_builtins(mail)).decode()


def _changes(action: SendSupplierChaser, contact: Contact, mail: Mail) -> Iterator[Change]:
    fields = {
        "document": action.document,
        "vendor": f"{contact.name} ({contact.vendor})",
        "recipient": mail.to,
        "sender": mail.sender,
        "reply_to": mail.reply_to,
        "subject": mail.subject,
        "text": mail.text,
    }
    for field, after in fields.items():
        if after:
            yield Change(field=field, subject="", before=None, after=after)
