"""What every connector keeps: one class of tests, inherited per ERP.

A connector's test module gives a fixture `bench` with the reader, the writer and the ways to
disturb its ERP (see `Bench`).
"""

import asyncio
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from typing import Protocol

import pytest

from decisions.actions import Acknowledge, CreatePurchaseOrder
from decisions.plan import differences
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    NotPlannableError,
    NotSent,
    Reader,
    Refused,
    Unknown,
    Writer,
)
from erp.snapshot import SCOPES
from tests.build import NOW

MARKER = "CS-7KX2M9QH4T"
SOON = NOW + timedelta(minutes=1)


class Bench(Protocol):
    """A connector and the ERP it talks to, with the switches that a test needs."""

    reader: Reader
    writer: Writer
    action: CreatePurchaseOrder
    late: float

    def count(self, marker: str) -> int:
        """Return how many documents carry the marker."""
        ...

    def block_vendor(self) -> None:
        """Let nobody order from the action's vendor any more."""
        ...

    def move_price(self) -> None:
        """Give the action's item another unit cost."""
        ...

    def use_stock(self, share: str) -> None:
        """Take away this part of what is ordered from the item's stock."""
        ...

    def change_quantity(self, document: str) -> None:
        """Let a person edit the first line of a document."""
        ...

    def release(self, document: str) -> None:
        """Let a person release a document."""
        ...

    def next_write(self, trouble: str) -> None:
        """Give the next write a trouble: of `DONE`, of `NOT_DONE`, "slow" or "busy"."""
        ...

    async def away(self) -> None:
        """Let the ERP cut every connection."""
        ...

    async def gone(self) -> None:
        """Let nobody listen at the ERP's address."""
        ...


DONE = ("lost answer", "gateway timeout", "gateway page")
"""Troubles after which the document stands there all the same."""

NOT_DONE = ("reset", "unavailable")
"""Troubles that look the same from here, after which it does not."""


class ConnectorContract:
    """Inherited by each connector's test class."""

    async def test_a_plan_is_the_same_each_time_it_is_built(self, bench):
        one = await bench.reader.plan(bench.action, marker=MARKER)
        two = await bench.reader.plan(bench.action, marker=MARKER)

        assert one == two
        assert one.hash == two.hash

    async def test_every_part_of_the_action_is_in_the_hash(self, bench):
        line = bench.action.lines[0]
        others = [
            replace(bench.action, lines=(changed,))
            for changed in (
                replace(line, quantity=replace(line.quantity, value=line.quantity.value + 1)),
                replace(line, unit_cost=line.unit_cost + line.unit_cost),
                replace(line, expected_receipt_date=None),
                replace(line, location=None),
            )
        ]
        others.append(replace(bench.action, lines=(line, line)))

        hashes = [(await bench.reader.plan(bench.action, marker=MARKER)).hash]
        hashes += [(await bench.reader.plan(one, marker=MARKER)).hash for one in others]
        hashes.append((await bench.reader.plan(bench.action, marker="CS-OTHER")).hash)

        assert len(set(hashes)) == len(others) + 2

    async def test_a_plan_changes_nothing(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)

        assert await bench.writer.probe(plan) == NotFound()
        assert bench.count(MARKER) == 0

    async def test_the_card_and_the_request_say_the_same_cost(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)

        (total,) = [change.after for change in plan.changes if change.field == "order_total"]
        assert total == plan.cost

    async def test_what_is_applied_is_found_and_reads_back_clean(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)

        applied = await bench.writer.apply(plan, before=SOON)

        assert isinstance(applied, Applied)
        found = Found(document=applied.document, document_id=applied.document_id)
        assert await bench.writer.probe(plan) == found
        receipt = await bench.writer.verify(plan, found)
        assert receipt.document == applied.document
        assert [check for check in receipt.fields if not check.same] == []
        assert {(change.field, change.subject) for change in plan.changes} <= {
            (check.field, check.subject) for check in receipt.fields
        }

    async def test_values_read_back_are_of_the_kind_that_was_planned(self, bench):
        plan, found = await self.written(bench)

        receipt = await bench.writer.verify(plan, found)

        kinds = [(type(check.planned), type(check.found)) for check in receipt.fields]
        assert [kind for kind in kinds if kind[0] is not kind[1]] == []

    async def test_a_connector_does_not_stop_a_second_application_so_the_gate_must(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)

        await bench.writer.apply(plan, before=SOON)
        await bench.writer.apply(plan, before=SOON)

        assert bench.count(MARKER) == 2

    async def test_what_is_written_is_listed_with_its_mark(self, bench):
        _, found = await self.written(bench)

        (marked,) = await bench.reader.marked(since=NOW - timedelta(days=1))

        assert (marked.marker, marked.document) == (MARKER, found.document)

    async def test_a_vendor_is_reached_somewhere_and_an_unknown_one_is_said_to_be(self, bench):
        contact = await bench.reader.contact(bench.action.vendor)

        assert contact.vendor == bench.action.vendor
        assert contact.name
        with pytest.raises(NotPlannableError, match="NOBODY"):
            await bench.reader.contact("NOBODY")

    async def test_a_snapshot_holds_what_the_connector_says_that_it_reads(self, bench):
        able = bench.reader.capabilities()

        found = await bench.reader.snapshot(SCOPES)

        assert {scope for scope in SCOPES if scope not in found.missing} >= able.reads
        assert all(found.missing.values())
        for scope in able.reads:
            for fact in getattr(found, scope):
                assert fact.origin.source
                assert fact.origin.entered_at.tzinfo is not None

    async def test_another_marker_is_not_found(self, bench):
        plan, _ = await self.written(bench)

        assert await bench.writer.probe(replace_marker(plan, MARKER[:-1])) == NotFound()

    @pytest.mark.parametrize("trouble", DONE)
    async def test_a_write_without_an_answer_is_a_doubt_and_then_found(self, bench, trouble):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        bench.next_write(trouble)

        outcome = await bench.writer.apply(plan, before=SOON)

        assert isinstance(outcome, Unknown)
        assert isinstance(await bench.writer.probe(plan), Found)
        assert bench.count(MARKER) == 1

    async def test_a_slow_write_is_not_there_at_first_and_comes_later(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        bench.next_write("slow")

        assert isinstance(await bench.writer.apply(plan, before=SOON), Unknown)
        assert await bench.writer.probe(plan) == NotFound()
        await asyncio.sleep(bench.late)
        assert isinstance(await bench.writer.probe(plan), Found)

    @pytest.mark.parametrize("trouble", NOT_DONE)
    async def test_a_trouble_before_the_commit_is_a_doubt_and_then_not_found(self, bench, trouble):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        bench.next_write(trouble)

        assert isinstance(await bench.writer.apply(plan, before=SOON), Unknown)
        assert await bench.writer.probe(plan) == NotFound()

    async def test_a_busy_erp_took_nothing_in_and_says_when_to_come_back(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        bench.next_write("busy")

        outcome = await bench.writer.apply(plan, before=SOON)

        assert isinstance(outcome, NotSent)
        assert outcome.retry_after is not None
        assert bench.count(MARKER) == 0

    async def test_a_vendor_blocked_after_the_plan_is_refused_in_words(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        bench.block_vendor()

        outcome = await bench.writer.apply(plan, before=SOON)

        assert isinstance(outcome, Refused)
        assert outcome.text
        assert bench.count(MARKER) == 0

    async def test_a_blocked_vendor_is_not_planned_for(self, bench):
        bench.block_vendor()

        with pytest.raises(NotPlannableError, match="blocked"):
            await bench.reader.plan(bench.action, marker=MARKER)

    async def test_what_the_erp_does_not_know_is_not_planned_for(self, bench):
        line = bench.action.lines[0]
        unknown = [
            replace(bench.action, vendor="NOBODY"),
            replace(bench.action, lines=(replace(line, item="NOTHING"),)),
            replace(bench.action, lines=(replace(line, location="NOWHERE"),)),
            replace(bench.action, lines=()),
        ]

        for action in unknown:
            with pytest.raises(NotPlannableError):
                await bench.reader.plan(action, marker=MARKER)

    async def test_an_action_that_it_cannot_write_is_not_planned(self, bench):
        with pytest.raises(NotPlannableError):
            await bench.reader.plan(Acknowledge(), marker=MARKER)

    async def test_every_kind_is_either_written_or_said_to_need_something(self, bench):
        able = bench.reader.capabilities()

        assert "create_purchase_order" in able.writes
        assert set(able.needs) & able.writes == set()
        assert all(able.needs.values())

    async def test_a_moved_price_is_a_difference(self, bench):
        seen = await bench.reader.plan(bench.action, marker=MARKER)
        bench.move_price()

        now = await bench.reader.plan(bench.action, marker=MARKER)

        assert [moved.what for moved in differences(seen, now)] == ["unit cost in the ERP"]

    async def test_stock_that_moved_a_little_is_none_and_a_lot_is_one(self, bench):
        seen = await bench.reader.plan(bench.action, marker=MARKER)

        bench.use_stock("0.1")
        a_little = await bench.reader.plan(bench.action, marker=MARKER)
        bench.use_stock("0.1")
        a_lot = await bench.reader.plan(bench.action, marker=MARKER)

        assert differences(seen, a_little) == ()
        assert [moved.what for moved in differences(seen, a_lot)] == ["stock"]

    async def test_an_order_by_somebody_else_is_a_difference(self, bench):
        seen = await bench.reader.plan(bench.action, marker=MARKER)
        theirs = await bench.reader.plan(bench.action, marker="CS-OTHER")
        await bench.writer.apply(theirs, before=SOON)

        now = await bench.reader.plan(bench.action, marker=MARKER)

        assert [moved.what for moved in differences(seen, now)] == ["quantity already on order"]

    async def test_a_line_that_somebody_edited_does_not_read_back_clean(self, bench):
        plan, found = await self.written(bench)
        bench.change_quantity(found.document)

        receipt = await bench.writer.verify(plan, found)

        differ = {check.field for check in receipt.fields if not check.same}
        assert differ == {"quantity", "line_total", "order_total"}

    async def test_a_document_that_is_no_draft_does_not_read_back_clean(self, bench):
        plan, found = await self.written(bench)
        bench.release(found.document)

        receipt = await bench.writer.verify(plan, found)

        (status,) = [check for check in receipt.fields if not check.same]
        assert (status.field, status.planned, status.found) == ("status", "Draft", "Released")

    async def test_an_erp_that_is_away_is_said_to_be(self, bench):
        plan, found = await self.written(bench)
        await bench.away()

        with pytest.raises(ErpUnreachableError):
            await bench.reader.plan(bench.action, marker=MARKER)
        assert isinstance(await bench.writer.probe(plan), CannotTell)
        assert isinstance(await bench.writer.apply(plan, before=SOON), Unknown)
        with pytest.raises(ErpUnreachableError):
            await bench.writer.verify(plan, found)

    async def test_an_address_where_nobody_listens_was_sent_nothing(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        await bench.writer.probe(plan)  # so that it has logged in
        await bench.gone()

        assert isinstance(await bench.writer.apply(plan, before=SOON), NotSent)

    async def written(self, bench):
        """Plan and apply the bench's action; return the plan and where it stands."""
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        applied = await bench.writer.apply(plan, before=SOON)
        return plan, Found(document=applied.document, document_id=applied.document_id)


def replace_marker(plan, marker):
    """Return the plan with every mention of its marker replaced."""
    return _replaced(plan, plan.marker, marker)


def _replaced(value, old, new):
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, tuple):
        return tuple(_replaced(item, old, new) for item in value)
    if is_dataclass(value):
        changed = {
            field.name: _replaced(getattr(value, field.name), old, new) for field in fields(value)
        }
        return replace(value, **changed)
    return value
