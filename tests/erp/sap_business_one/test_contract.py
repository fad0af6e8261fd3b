"""SAP Business One keeps what every connector keeps."""

import pytest

from erp.ports import Moved, NotPlannableError
from tests.erp.contract import SOON, ConnectorContract
from tests.erp.edits_contract import EditsContract, kind

__all__ = ["kind"]


class TestSapBusinessOne(ConnectorContract):
    """Everything is inherited; the fixture `bench` is SAP Business One's."""


class TestSapBusinessOneEdits(EditsContract):
    """All but one is inherited here, too."""

    # Inherited, the date of an order that was released could be planned again; see the next.
    test_an_order_that_was_released_meanwhile_is_left_alone = None

    async def test_an_order_made_of_a_draft_is_left_alone_because_only_drafts_are_changed(
        self, bench, kind
    ):
        document, action, plan = await self.planned(bench, kind)
        bench.release(document)

        assert isinstance(await bench.writer.apply(plan, before=SOON), Moved)
        with pytest.raises(NotPlannableError, match="draft"):
            await bench.reader.plan(action, marker=plan.marker)
