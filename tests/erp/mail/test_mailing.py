"""Mail beside an ERP: the same gate, the same order of things, and the ERP left as it was."""

from dataclasses import replace
from datetime import timedelta

import pytest

from decisions.countersign import countersign
from erp.gate import AlreadyThere, ClearedOrder, GateClosedError, Shifted, WriteGate, Written
from erp.mail.message import NotOurMailError
from erp.mail.reader import MailingReader
from erp.ports import Applied, NotFound, NotPlannableError, Refused, Unsearchable
from tests.build import AUTHORITY, NOW, a_proof, a_proposal, an_approved
from tests.erp.business_central.bench import VENDOR

MARKER = "CS-7KX2M9QH4T"
SOON = NOW + timedelta(minutes=1)


@pytest.fixture
def gate(mailing):
    return WriteGate(mailing.reader, mailing.writer, AUTHORITY)


async def countersigned(mailing, action=None):
    action = action or mailing.action
    plan = await mailing.reader.plan(action, marker=MARKER)
    approved = an_approved(proposal=a_proposal(action=action), plan=plan)
    authority = replace(AUTHORITY, company=plan.company)
    return countersign(approved, [a_proof(approved)], authority, now=NOW)


async def test_an_approved_mail_goes_through_the_gate_once(mailing, gate):
    cleared = await gate.check(await countersigned(mailing))
    assert isinstance(cleared, ClearedOrder)
    assert not cleared.searched

    sent = await gate.send(cleared, before=SOON)

    assert isinstance(sent, Written)
    assert sent.receipt.document == "orders@vendor.example"
    assert sent.receipt.fields == ()
    assert len(mailing.server.mails) == 1
    with pytest.raises(GateClosedError):
        await gate.send(cleared, before=SOON)
    assert len(mailing.server.mails) == 1


async def test_an_order_of_the_erp_goes_the_way_it_always_went(mailing, gate):
    order = await countersigned(mailing, mailing.bench.action)
    cleared = await gate.check(order)
    assert isinstance(cleared, ClearedOrder)
    assert cleared.searched

    sent = await gate.send(cleared, before=SOON)

    assert isinstance(sent, Written)
    assert sent.receipt.clean
    assert isinstance(await gate.check(order), AlreadyThere)
    assert mailing.server.mails == []


async def test_a_lost_mail_cannot_be_looked_up(mailing, gate):
    order = await countersigned(mailing)

    assert await gate.look(order.plan) == Unsearchable()


async def test_a_lost_order_can_be_looked_up_as_before(mailing, gate):
    order = await countersigned(mailing, mailing.bench.action)

    assert await gate.look(order.plan) == NotFound()


async def test_another_address_in_the_erp_is_not_written_to(mailing, gate):
    order = await countersigned(mailing)
    mailing.bench.erp.store.put("vendors", VENDOR | {"email": "eve@evil.example"})

    checked = await gate.check(order)

    assert isinstance(checked, Shifted)
    assert {one.what for one in checked.differences} >= {"vendor e-mail", "recipient"}


async def test_a_vendor_who_lost_the_address_meanwhile_gets_nothing(mailing, gate):
    order = await countersigned(mailing)
    mailing.bench.erp.store.put("vendors", VENDOR | {"email": ""})

    with pytest.raises(NotPlannableError, match="no e-mail address"):
        await gate.check(order)


async def test_who_lost_the_right_to_send_sends_nothing(mailing, gate):
    cleared = await gate.check(await countersigned(mailing))

    await gate.send(cleared, before=NOW)

    assert mailing.server.mails == []


async def test_a_mail_from_another_sender_is_refused_by_the_writer(mailing):
    plan = await mailing.reader.plan(mailing.action, marker=MARKER)
    (request,) = plan.requests
    body = request.body.replace("purchasing@plant", "boss@plant")
    bent = replace(plan, requests=(replace(request, body=body),))

    assert isinstance(await mailing.writer.apply(bent, before=SOON), Refused)
    with pytest.raises(NotOurMailError):
        await mailing.writer.probe(bent)
    with pytest.raises(NotOurMailError):
        await mailing.writer.verify(bent, Applied(document="", document_id=""))
    assert mailing.server.mails == []


def test_the_kind_stands_among_those_that_are_written_only_with_mail(mailing):
    able = mailing.reader.capabilities()
    without = MailingReader(mailing.bench.reader, None, company="x").capabilities()

    assert "send_supplier_chaser" in able.writes
    assert "send_supplier_chaser" not in able.needs
    assert "send_supplier_chaser" not in without.writes
    assert "COUNTERSIGN_MAIL_VIA" in without.needs["send_supplier_chaser"]
    assert able.reads == mailing.bench.reader.capabilities().reads


async def test_without_mail_a_chaser_has_no_plan(mailing):
    reader = MailingReader(mailing.bench.reader, None, company="x")

    with pytest.raises(NotPlannableError, match="no mail is set up"):
        await reader.plan(mailing.action, marker=MARKER)


async def test_everything_else_is_the_erps(mailing):
    assert (await mailing.reader.contact("V-2040")).email == "orders@vendor.example"
    assert await mailing.reader.marked(since=NOW) == ()
    snapshot = await mailing.reader.snapshot(["vendors"])
    assert [one.number for one in snapshot.vendors] == ["V-2040"]
