"""The connector of SAP Business One on the bench."""

import pytest

from tests.erp.sap_business_one.bench import SapBusinessOneBench


@pytest.fixture
async def bench():
    """Return the SAP Business One connector, talking to a Service Layer over HTTP."""
    async with SapBusinessOneBench() as bench:
        yield bench
