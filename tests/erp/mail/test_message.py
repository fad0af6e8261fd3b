"""The mail itself: exactly what was approved, and nothing that a header could be bent with."""

from dataclasses import replace
from email import message_from_bytes
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decisions.actions import SendSupplierChaser
from erp.mail.message import Letterhead, NotOurMailError, chaser_plan, composed, mail_in
from erp.ports import Contact, NotPlannableError
from tests.build import NOW

COMPANY = "nordwerk"
LETTERHEAD = Letterhead(sender="purchasing@plant.example")
CONTACT = Contact(vendor="V1010", name="Łożyska Bałtyk", email="orders@vendor.example")
MARKER = "CS-7KX2M9QH4T"


def a_chaser(**changes):
    values = {"vendor": "V1010", "document": "PO-1001", "text": "When does it come?\nWe wait."}
    return SendSupplierChaser(**values | changes)


def a_plan(action=None, *, contact=CONTACT, letterhead=LETTERHEAD):
    return chaser_plan(action or a_chaser(), contact, letterhead, company=COMPANY, marker=MARKER)


def a_mail(plan):
    return mail_in(plan, company=COMPANY, sender=LETTERHEAD.sender)


def rewritten(plan, old, new):
    (request,) = plan.requests
    return replace(plan, requests=(replace(request, body=request.body.replace(old, new)),))


def test_a_plan_says_who_writes_what_to_whom():
    plan = a_plan(letterhead=replace(LETTERHEAD, reply_to="ana@plant.example"))

    assert {change.field: change.after for change in plan.changes} == {
        "document": "PO-1001",
        "vendor": "Łożyska Bałtyk (V1010)",
        "recipient": "orders@vendor.example",
        "sender": "purchasing@plant.example",
        "reply_to": "ana@plant.example",
        "subject": "About order PO-1001",
        "text": "When does it come?\nWe wait.",
    }
    assert [fact.name for fact in plan.preconditions] == ["vendor name", "vendor e-mail"]
    assert a_mail(plan).text == "When does it come?\nWe wait."


def test_the_same_mail_has_the_same_id_and_another_company_another_one():
    again = chaser_plan(a_chaser(), CONTACT, LETTERHEAD, company="elsewhere", marker=MARKER)

    assert a_plan() == a_plan()
    first, second = a_mail(a_plan()), mail_in(again, company="elsewhere", sender=LETTERHEAD.sender)
    assert first.message_id.startswith(f"<{MARKER}.")
    assert first.message_id.endswith("@plant.example>")
    assert first.message_id != second.message_id


def test_what_is_sent_reads_as_it_was_approved():
    action = a_chaser(text=".\nŁódź – when?\n" + "a long line " * 20)

    message = message_from_bytes(composed(a_mail(a_plan(action)), at=NOW), policy=SMTP)

    assert message["From"] == "purchasing@plant.example"
    assert message["To"] == "orders@vendor.example"
    assert message["Subject"] == "About order PO-1001"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == action.text


@pytest.mark.parametrize(
    "email", ["", "  ", "orders", "a@b@c", "a@x.pl; b@x.pl", "a@x.pl\r\nBcc: b@x.pl"]
)
def test_a_vendor_without_one_plain_address_gets_no_plan(email):
    with pytest.raises(NotPlannableError, match="e-mail address"):
        a_plan(contact=replace(CONTACT, email=email))


@pytest.mark.parametrize(
    "changes",
    [
        {"text": ""},
        {"text": " \n "},
        {"text": "a" * 1001},
        {"text": "\n" * 50},
        {"text": "pay \u202eevil"},
        {"text": "a\rBcc: b@x.pl"},
        {"document": "PO-1\r\nBcc: b@x.pl"},
        {"document": "PO-1\u200b"},
    ],
)
def test_what_a_card_could_not_show_as_it_is_gets_no_plan(changes):
    with pytest.raises(NotPlannableError):
        a_plan(a_chaser(**changes))


def test_a_line_break_in_the_vendors_name_reaches_no_header():
    plan = a_plan(contact=replace(CONTACT, name="Vendor\r\nBcc: b@x.pl"))

    sent = composed(a_mail(plan), at=NOW)

    assert b"Bcc" not in sent


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("purchasing@plant.example", "boss@plant.example"),
        (MARKER, "CS-0000000000"),
        ("orders@vendor.example", "orders@vendor.example, b@x.pl"),
        ("About order", "About\\r\\nBcc: b@x.pl order"),
        ('"text"', '"html"'),
        ("{", "["),
    ],
)
def test_a_plan_that_was_bent_is_no_mail(old, new):
    plan = rewritten(a_plan(), old, new)

    with pytest.raises(NotOurMailError):
        a_mail(plan)


@pytest.mark.parametrize("changes", [{"connector": "business_central"}, {"company": "x"}])
def test_a_plan_for_somebody_else_is_no_mail(changes):
    with pytest.raises(NotOurMailError):
        a_mail(replace(a_plan(), **changes))


def test_more_than_one_request_is_no_mail():
    plan = a_plan()

    with pytest.raises(NotOurMailError):
        a_mail(replace(plan, requests=plan.requests * 2))
    with pytest.raises(NotOurMailError):
        a_mail(replace(plan, requests=(replace(plan.requests[0], path="other"),)))


@given(text=st.text(max_size=300), document=st.text(min_size=1, max_size=50))
def test_no_text_becomes_a_header(text, document):
    try:
        plan = a_plan(a_chaser(text=text, document=document))
    except NotPlannableError:
        return

    message = message_from_bytes(composed(a_mail(plan), at=NOW), policy=SMTP)

    assert sorted(name.lower() for name in message) == sorted(
        (
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "auto-submitted",
            "content-type",
            "content-transfer-encoding",
            "mime-version",
        )
    )
    assert message["To"] == CONTACT.email
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")
