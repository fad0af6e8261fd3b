"""What an answer to a write means."""

from datetime import timedelta

import pytest

from erp.ports import Applied, Moved, NotSent, Refused, Unknown
from erp.sap_business_one.client import Answer
from erp.sap_business_one.outcomes import outcome_of


def an_answer(status, code="", text="It said so.", body=b"", retry_after=None):
    return Answer(status=status, code=code, text=text, body=body, retry_after=retry_after)


def test_a_created_draft_is_named_by_its_entry_and_not_by_the_number_it_has_no_right_to():
    body = b'{"DocEntry": 12, "DocNum": 1200, "NumAtCard": "CS-7KX2M9QH4T"}'

    assert outcome_of(an_answer(201, body=body)) == Applied(
        document="Draft 12", document_id="Drafts(12)"
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"DocEntry": "twelve"}'])
def test_created_in_words_that_cannot_be_read_is_a_doubt(body):
    assert isinstance(outcome_of(an_answer(201, body=body)), Unknown)


def test_a_changed_draft_is_the_one_that_was_asked_for():
    assert outcome_of(an_answer(204), changed=12) == Applied(
        document="Draft 12", document_id="Drafts(12)"
    )


def test_nothing_said_to_a_new_draft_is_a_doubt():
    assert isinstance(outcome_of(an_answer(204)), Unknown)


def test_a_refusal_is_passed_on_in_its_own_words():
    said = an_answer(400, "-10", "10001071 - Vendor V-2040 is inactive")

    assert outcome_of(said) == Refused(code="-10", text="10001071 - Vendor V-2040 is inactive")


def test_a_refusal_without_words_says_so():
    assert outcome_of(an_answer(400, "-5002", "")) == Refused(
        code="-5002", text="SAP Business One gave no reason."
    )


def test_an_order_that_is_too_large_is_to_be_split():
    assert outcome_of(an_answer(413)) == Refused(
        code="413", text="The order is too large for one request. Split it."
    )


@pytest.mark.parametrize(("status", "code"), [(412, "-2039"), (400, "-2039"), (412, "")])
def test_a_document_that_somebody_changed_has_moved(status, code):
    assert outcome_of(an_answer(status, code), changed=12) == Moved(text="It said so.")


def test_a_session_that_had_ended_took_nothing_in():
    assert outcome_of(an_answer(401, "301")) == NotSent(
        why="the session had ended", retry_after=timedelta(seconds=5)
    )


def test_a_gateway_that_is_busy_let_nothing_through():
    said = an_answer(429, retry_after=timedelta(seconds=7))

    outcome = outcome_of(said)

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "-2028"), (400, "-2028"), (400, ""), (403, ""), (409, "-1"), (500, "-1"), (503, "")],
)
def test_everything_else_is_a_doubt(status, code):
    assert isinstance(outcome_of(an_answer(status, code)), Unknown)
