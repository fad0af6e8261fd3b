"""SAP Business One keeps what every connector keeps."""

from tests.erp.contract import ConnectorContract


class TestSapBusinessOne(ConnectorContract):
    """Nothing to add: see the inherited tests."""
