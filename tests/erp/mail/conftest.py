"""Business Central with a mail server beside it."""

from types import SimpleNamespace

import pytest

from decisions.actions import SendSupplierChaser
from erp.mail.message import Letterhead
from erp.mail.reader import MailingReader
from erp.mail.smtp import MailServer, SmtpPort
from erp.mail.writer import MailingWriter
from tests.build import NOW
from tests.erp.business_central.bench import VENDOR
from tests.fakes.mail import FakeMailServer

SENDER = "purchasing@plant.example"
ACTION = SendSupplierChaser(vendor="V-2040", document="PO-1", text="When does it come?")


@pytest.fixture
async def mailing(bench):
    """The bench with a mail server; `reader` and `writer` wrap those of the bench."""
    bench.erp.store.put("vendors", VENDOR | {"email": "orders@vendor.example"})
    company = bench.erp.company_id
    async with FakeMailServer() as server:
        port = SmtpPort(
            MailServer(host=server.host, port=server.port, security="none"),
            now=lambda: NOW,
            step=2.0,
            delivery=1.0,
        )
        yield SimpleNamespace(
            bench=bench,
            server=server,
            company=company,
            action=ACTION,
            reader=MailingReader(bench.reader, Letterhead(sender=SENDER), company=company),
            writer=MailingWriter(
                bench.writer, port, sender=SENDER, company=company, now=lambda: NOW
            ),
        )
