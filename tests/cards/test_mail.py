"""A mail on a card: exactly as it will be sent, and what became of it."""

from dataclasses import replace

import pytest

from cards.approval import approval_card
from cards.reading import Reader, System
from decisions.actions import SendSupplierChaser
from decisions.lifecycle import State
from decisions.recommendation import FieldCheck
from erp.mail.message import Letterhead, chaser_plan
from erp.ports import Contact
from tests.build import NOW, a_proposal, a_receipt, a_recommendation, an_approved
from tests.cards.stages import LATER
from tests.cards.target import problems
from tests.fakes.screens import actions, all_text

READER = Reader(language="en-GB", timezone="Europe/Berlin")
SYSTEM = System(name="Business Central", writes=frozenset({"send_supplier_chaser"}), needs={})
ACTION = SendSupplierChaser(
    vendor="V-2040", document="PO-1", text="When?\n\n1. *soon*\n[click](https://evil.example)"
)
PLAN = chaser_plan(
    ACTION,
    Contact(vendor="V-2040", name="Nordlager GmbH", email="orders@vendor.example"),
    Letterhead(sender="purchasing@plant.example", reply_to="ana@plant.example"),
    company="CRONUS",
    marker="CS-7KX2M9QH4T",
)
RECEIPT = a_receipt(document="orders@vendor.example", document_id="<x@y>", fields=())


def a_mail(state=State.AWAITING, **changes):
    made = a_recommendation if state is State.AWAITING else an_approved
    one = made(proposal=a_proposal(action=ACTION), plan=PLAN)
    return replace(one, state=state, **changes)


def asked():
    one = a_mail(State.UNKNOWN, trouble="the mail server did not say whether it took the mail")
    return replace(one, history=(*one.history, ("cannot_tell", NOW)))


def drawn(one):
    return approval_card(one, reader=READER, now=LATER, system=SYSTEM)


def test_the_mail_stands_on_the_card_exactly_as_it_will_be_sent():
    text = all_text(drawn(a_mail()))

    for line in (
        "Exactly this mail is sent",
        r"Vendor: Nordlager GmbH \(V-2040\)",
        "To: orders@vendor.example",
        "From: purchasing@plant.example",
        "Answers to: ana@plant.example",
        "Subject: About order PO-1",
        "When?",
        r"1\. \*soon\*",
        r"\[click\]\(https://evil.example\)",
    ):
        assert line in text


def test_the_longest_mail_stands_on_the_card_in_full():
    action = replace(ACTION, text="\n".join("word " * 4 + f"number {n}." for n in range(30)))
    plan = chaser_plan(
        action,
        Contact(vendor="V-2040", name="Nordlager GmbH", email="orders@vendor.example"),
        Letterhead(sender="purchasing@plant.example"),
        company="CRONUS",
        marker="CS-7KX2M9QH4T",
    )
    text = all_text(drawn(replace(a_mail(), action=action, plan=plan)))

    assert all(line in text for line in action.text.splitlines())


@pytest.mark.parametrize(
    ("one", "words", "first"),
    [
        (a_mail(State.APPROVED), "It is sent next, once.", "why"),
        (a_mail(State.WRITING), "The mail is on its way.", "why"),
        (a_mail(State.REFUSED), "Refused: nothing was sent", "retry"),
        (a_mail(State.UNKNOWN), "Nobody sends it twice.", "why"),
        (asked(), "say here whether it arrived", "came"),
        (a_mail(State.NOT_WRITTEN), "Nothing was sent", "retry"),
        (a_mail(State.WRITTEN, receipt=RECEIPT), "Sent to orders@vendor.example at", "why"),
        (a_mail(State.OVERRIDDEN), "This would have been sent", "why"),
    ],
)
def test_every_state_speaks_of_a_mail(one, words, first):
    card = drawn(one)

    assert words in all_text(card)
    assert actions(card)[0]["verb"] == first
    assert problems(card) == []


def test_a_copy_that_reads_back_differently_is_named():
    check = FieldCheck(field="subject", subject="", planned="About", found="Something else")

    text = all_text(drawn(a_mail(State.WRITTEN, receipt=replace(RECEIPT, fields=(check,)))))

    assert "Sent to orders@vendor.example at" in text
    assert "Subject: approved About, found Something else" in text
