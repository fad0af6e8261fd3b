"""What Tryton's answers to a write mean; no Tryton is needed for this."""

import msgspec
import pytest

from erp.ports import Applied, Moved, NotSent, Refused, Unknown
from erp.tryton.client import Answer
from erp.tryton.outcomes import created, outcome_of


def outcome(**answer):
    """Return what an answer means for a new purchase."""
    return outcome_of(Answer(**answer), applied=created)


def test_an_id_is_a_new_purchase_called_by_its_id():
    assert outcome(status=200, result=msgspec.Raw(b"[17]")) == Applied(
        document="(17)", document_id="17"
    )


@pytest.mark.parametrize("result", [b"null", b"[]", b"[1,2]", b'"x"'])
def test_a_result_in_other_words_is_a_doubt(result):
    assert isinstance(outcome(status=200, result=msgspec.Raw(result)), Unknown)


@pytest.mark.parametrize("code", ["UserError", "UserWarning"])
def test_what_tryton_means_by_an_error_is_a_refusal_in_its_words(code):
    refused = outcome(status=200, code=code, text="No such day.")

    assert refused == Refused(code=code, text="No such day.")


def test_an_edit_by_somebody_else_is_no_refusal():
    assert outcome(status=200, code="ConcurrencyException", text="Modified.") == Moved(
        text="Modified."
    )


@pytest.mark.parametrize("status", [400, 403, 404, 413, 422])
def test_a_request_that_never_reached_a_method_is_refused(status):
    assert isinstance(outcome(status=status), Refused)


@pytest.mark.parametrize("answer", [{"status": 401}, {"status": 429}])
def test_what_was_not_taken_in_may_be_sent_again(answer):
    not_sent = outcome(**answer)

    assert isinstance(not_sent, NotSent)
    assert not_sent.retry_after is not None


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 502},
        {"status": 503},
        {"status": 504},
        {"status": 302},
        {"status": 200, "text": "an answer that is no JSON-RPC"},
        {"status": 200, "text": "database is locked"},
    ],
)
def test_anything_else_is_a_doubt(answer):
    assert isinstance(outcome(**answer), Unknown)
