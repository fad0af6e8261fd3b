"""What every connector keeps that changes orders which stand: one class of tests, inherited.

The fixture `bench` of a connector's test module gives, beside what `tests.erp.contract` asks for:
`await draft()`, which lets an order stand and returns its number and the number of its line;
`edits(document, line)`, one action for each kind that is written; `quantity(document)`, what is
ordered by it, None when it is gone; `person_edits(document)`, somebody else's edit of that line;
`release(document)`, `delete(document)`; and `next_edit(kind, trouble)`.
"""

import pytest

from decisions.plan import differences
from erp.ports import (
    Applied,
    Found,
    Moved,
    NotFound,
    NotPlannableError,
    NotSent,
    Unknown,
)
from tests.erp.contract import MARKER, SOON

NEEDS_DRAFT = ("add_po_line", "set_po_quantity", "cancel_draft_po")
KINDS = (*NEEDS_DRAFT, "set_receipt_date")


@pytest.fixture(params=KINDS)
def kind(request):
    """Each kind that changes an order."""
    return request.param


class EditsContract:
    """Inherited by each connector's test class; kinds that it does not write are left out."""

    async def planned(self, bench, kind):
        """Let an order stand and plan a change of it."""
        document, line = await bench.draft()
        action = bench.edits(document, line).get(kind)
        if action is None:
            assert kind not in bench.reader.capabilities().writes
            pytest.skip(f"this connector does not write {kind}, and says so")
        return document, action, await bench.reader.plan(action, marker=MARKER)

    async def test_an_edit_is_planned_the_same_each_time_and_changes_nothing(self, bench, kind):
        document, action, plan = await self.planned(bench, kind)
        before = bench.quantity(document)

        again = await bench.reader.plan(action, marker=MARKER)

        assert (plan, plan.hash) == (again, again.hash)
        assert bench.quantity(document) == before
        assert await bench.writer.probe(plan) == NotFound()

    async def test_an_edit_is_found_and_reads_back_clean(self, bench, kind):
        document, _, plan = await self.planned(bench, kind)

        applied = await bench.writer.apply(plan, before=SOON)

        assert isinstance(applied, Applied)
        assert applied.document == document
        found = Found(document=applied.document, document_id=applied.document_id)
        assert await bench.writer.probe(plan) == found
        receipt = await bench.writer.verify(plan, found)
        assert [check for check in receipt.fields if not check.same] == []
        assert len(receipt.fields) >= len(plan.changes)

    async def test_what_stands_already_is_not_planned_again(self, bench, kind):
        _, action, plan = await self.planned(bench, kind)

        await bench.writer.apply(plan, before=SOON)

        with pytest.raises(NotPlannableError):
            await bench.reader.plan(action, marker=MARKER)
        assert isinstance(await bench.writer.probe(plan), Found)

    async def test_an_edit_that_is_applied_twice_is_made_once(self, bench, kind):
        document, _, plan = await self.planned(bench, kind)
        await bench.writer.apply(plan, before=SOON)
        after = bench.quantity(document)

        again = await bench.writer.apply(plan, before=SOON)

        assert not isinstance(again, Applied)
        assert bench.quantity(document) == after

    async def test_an_edit_whose_answer_is_lost_is_a_doubt_and_then_found(self, bench, kind):
        _, _, plan = await self.planned(bench, kind)
        bench.next_edit(kind, "lost answer")

        assert isinstance(await bench.writer.apply(plan, before=SOON), Unknown)
        assert isinstance(await bench.writer.probe(plan), Found)

    async def test_an_edit_that_never_arrived_is_a_doubt_and_then_not_found(self, bench, kind):
        _, _, plan = await self.planned(bench, kind)
        bench.next_edit(kind, "reset")

        assert isinstance(await bench.writer.apply(plan, before=SOON), Unknown)
        assert await bench.writer.probe(plan) == NotFound()

    async def test_an_order_that_a_person_edited_meanwhile_is_left_alone(self, bench, kind):
        document, action, plan = await self.planned(bench, kind)
        bench.person_edits(document)
        theirs = bench.quantity(document)

        outcome = await bench.writer.apply(plan, before=SOON)

        assert isinstance(outcome, Moved)
        assert outcome.text
        assert bench.quantity(document) == theirs
        now = await bench.reader.plan(action, marker=MARKER)
        assert differences(plan, now) != ()

    async def test_an_order_that_was_released_meanwhile_is_left_alone(self, bench, kind):
        document, action, plan = await self.planned(bench, kind)
        bench.release(document)

        assert isinstance(await bench.writer.apply(plan, before=SOON), Moved)
        if kind in NEEDS_DRAFT:
            with pytest.raises(NotPlannableError, match=r"(?i)draft"):
                await bench.reader.plan(action, marker=MARKER)
        else:
            assert (await bench.reader.plan(action, marker=MARKER)).hash != plan.hash

    async def test_an_order_that_was_deleted_meanwhile_is_not_written(self, bench, kind):
        document, action, plan = await self.planned(bench, kind)
        bench.delete(document)

        assert isinstance(await bench.writer.apply(plan, before=SOON), Moved)
        with pytest.raises(NotPlannableError, match=document):
            await bench.reader.plan(action, marker=MARKER)

    async def test_an_order_that_nobody_knows_is_not_planned_for(self, bench, kind):
        _, action, _ = await self.planned(bench, kind)

        unknown = type(action)(
            **{
                name: getattr(action, name)
                for name in action.__dataclass_fields__
                if name not in ("document", "kind")
            },
            document="PO-NOWHERE",
        )

        with pytest.raises(NotPlannableError, match="PO-NOWHERE"):
            await bench.reader.plan(unknown, marker=MARKER)

    async def test_an_erp_that_is_away_was_sent_no_edit(self, bench, kind):
        _, _, plan = await self.planned(bench, kind)
        await bench.away()

        assert isinstance(await bench.writer.apply(plan, before=SOON), NotSent | Unknown)

    async def test_every_part_of_an_edit_shows_what_stood_before(self, bench, kind):
        document, _, plan = await self.planned(bench, kind)

        shown = {change.field: change for change in plan.changes}
        assert document in str(shown["document"].after)
        if kind == "add_po_line":
            assert shown["order_total"].before != shown["order_total"].after
        else:
            assert any(change.before is not None for change in plan.changes)
