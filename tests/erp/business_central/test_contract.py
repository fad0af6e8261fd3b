"""Business Central keeps what every connector keeps."""

from tests.erp.contract import ConnectorContract


class TestBusinessCentral(ConnectorContract):
    """Everything is inherited; the fixture `bench` is Business Central's."""
