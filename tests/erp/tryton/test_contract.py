"""Tryton keeps what every connector keeps."""

import pytest

from erp.ports import CannotTell, ErpUnreachableError, NotSent
from tests.erp.contract import SOON, ConnectorContract
from tests.erp.edits_contract import EditsContract, kind
from tests.erp.tryton.plant import skip_unless_installed

__all__ = ["kind"]

skip_unless_installed()


class TestTryton(ConnectorContract):
    """Inherited but for one; the fixture `bench` is Tryton's."""

    test_an_erp_that_is_away_is_said_to_be = None

    async def test_an_erp_that_is_away_was_sent_nothing_because_it_is_looked_at_first(self, bench):
        plan, found = await self.written(bench)
        await bench.away()

        with pytest.raises(ErpUnreachableError):
            await bench.reader.plan(bench.action, marker=plan.marker)
        assert isinstance(await bench.writer.probe(plan), CannotTell)
        assert isinstance(await bench.writer.apply(plan, before=SOON), NotSent)
        with pytest.raises(ErpUnreachableError):
            await bench.writer.verify(plan, found)


class TestTrytonEdits(EditsContract):
    """Everything is inherited here."""
