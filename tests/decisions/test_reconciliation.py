"""What stands in the ERP, against what we say of it."""

import pytest

from decisions.reconciliation import Discrepancy, Marked, Ours, discrepancies

MARK = "CS-7KX2M9QH4T"
WRITTEN = Ours(state="written", document="PO-1")
UNDER_WAY = Ours(state="under_way", document=None)
NOT_WRITTEN = Ours(state="not_written", document=None)


def standing(*documents):
    return tuple(Marked(marker=MARK, document=one, document_id=f"id {one}") for one in documents)


@pytest.mark.parametrize(
    ("documents", "ours", "what"),
    [
        (["PO-1"], WRITTEN, None),
        ([], WRITTEN, "gone"),
        (["PO-2"], WRITTEN, "elsewhere"),
        (["PO-1", "PO-2"], WRITTEN, "twice"),
        (["PO-1"], UNDER_WAY, None),
        ([], UNDER_WAY, None),
        (["PO-1", "PO-2"], UNDER_WAY, "twice"),
        (["PO-1"], NOT_WRITTEN, "came_late"),
        ([], NOT_WRITTEN, None),
        (["PO-1"], None, "nobody_approved"),
    ],
)
def test_what_does_not_balance_has_a_name(documents, ours, what):
    known = {} if ours is None else {MARK: ours}

    found = discrepancies(standing(*documents), known)

    assert [one.what for one in found] == ([what] if what else [])


def test_the_same_discrepancy_has_the_same_key_tomorrow():
    found = discrepancies(standing("PO-2", "PO-1"), {MARK: WRITTEN})
    again = discrepancies(standing("PO-1", "PO-2"), {MARK: WRITTEN})

    assert found == again
    assert found[0].key == f"twice:{MARK}:PO-1,PO-2"


def test_what_is_gone_names_the_document_that_the_receipt_says():
    assert discrepancies((), {MARK: WRITTEN}) == (
        Discrepancy(what="gone", marker=MARK, documents=("PO-1",)),
    )
