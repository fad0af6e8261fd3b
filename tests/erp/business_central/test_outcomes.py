"""What an answer to a write means."""

from datetime import timedelta

import pytest

from erp.business_central.client import Answer
from erp.business_central.outcomes import outcome_of
from erp.ports import Applied, Moved, NotSent, Refused, Unknown

ORDER_ID = "5d115c9c-44e3-ea11-bb43-000d3a2feca1"


def an_answer(status, code="", text="It said so.", body=b""):
    return Answer(status=status, code=code, text=text, body=body)


def test_a_created_order_is_named():
    body = f'{{"id":"{ORDER_ID}","number":"106023","status":"Draft"}}'.encode()

    assert outcome_of(an_answer(201, body=body)) == Applied(
        document="106023", document_id=ORDER_ID
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"id":"1","number":"2"}'])
def test_created_in_words_that_cannot_be_read_is_a_doubt(body):
    assert isinstance(outcome_of(an_answer(201, body=body)), Unknown)


def test_a_business_refusal_is_passed_on_in_its_own_words():
    said = an_answer(400, "Application_DialogException", "Vendor V-1 is blocked.")

    assert outcome_of(said) == Refused(
        code="Application_DialogException", text="Vendor V-1 is blocked."
    )


def test_a_technical_refusal_is_introduced():
    said = an_answer(400, "BadRequest_InvalidOperation", "Control 'x' is read-only.")

    assert outcome_of(said) == Refused(
        code="BadRequest_InvalidOperation",
        text="Business Central did not take the order: Control 'x' is read-only.",
    )


@pytest.mark.parametrize(
    ("status", "code", "kept"),
    [
        (403, "", "403"),
        (413, "", "413"),
        (404, "Internal_RecordNotFound", "Internal_RecordNotFound"),
        (404, "BadRequest_NotFound", "BadRequest_NotFound"),
        (409, "Internal_EntityWithSameKeyExists", "Internal_EntityWithSameKeyExists"),
        (400, "Application_FieldValidationException", "Application_FieldValidationException"),
    ],
)
def test_what_comes_before_the_commit_is_a_refusal(status, code, kept):
    outcome = outcome_of(an_answer(status, code))

    assert isinstance(outcome, Refused)
    assert outcome.code == kept


@pytest.mark.parametrize(("status", "code"), [(409, "Request_EntityChanged"), (412, "")])
def test_a_document_that_somebody_else_changed_has_moved(status, code):
    assert outcome_of(an_answer(status, code)) == Moved(text="It said so.")


@pytest.mark.parametrize("code", ["", "Authentication_InvalidCredentials"])
def test_a_token_that_is_not_accepted_wrote_nothing_and_is_tried_again_with_another(code):
    outcome = outcome_of(an_answer(401, code))

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after is not None


def test_too_many_requests_means_that_nothing_was_written():
    busy = Answer(status=429, body=b"", retry_after=timedelta(seconds=7))

    outcome = outcome_of(busy)

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, ""),
        (204, ""),
        (302, ""),
        (400, ""),
        (400, "Internal_ServerError"),
        (404, ""),
        (408, ""),
        (409, "Internal_DatabaseConflict"),
        (500, "Internal_ServerError"),
        (502, ""),
        (503, ""),
        (504, ""),
    ],
)
def test_every_other_answer_is_a_doubt(status, code):
    assert isinstance(outcome_of(an_answer(status, code)), Unknown)


def test_a_doubt_carries_the_correlation_id():
    lost = Answer(status=500, body=b"", code="Internal_ServerError", correlation_id="abc-1")

    assert outcome_of(lost) == Unknown(why="it answered with status 500, correlation abc-1")
