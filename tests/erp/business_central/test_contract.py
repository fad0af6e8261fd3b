"""Business Central keeps what every connector keeps."""

from tests.erp.contract import ConnectorContract
from tests.erp.edits_contract import EditsContract, kind

__all__ = ["kind"]


class TestBusinessCentral(ConnectorContract):
    """Everything is inherited; the fixture `bench` is Business Central's."""


class TestBusinessCentralEdits(EditsContract):
    """Everything is inherited here, too."""
