"""The connectors on the bench, each with the ERP it talks to."""

import pytest

from tests.erp.business_central.bench import BusinessCentralBench


@pytest.fixture
async def bench():
    """Return the Business Central connector, talking to its stand-in over HTTP."""
    async with BusinessCentralBench() as bench:
        yield bench
