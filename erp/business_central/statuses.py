"""The status of a purchase order, in the words that people see in the client."""

from types import MappingProxyType
from typing import Final

from erp.business_central.entities import PurchaseOrder

DRAFT: Final = "Draft"
IN_REVIEW: Final = "In Review"
RELEASED: Final = "Released"

STATUS: Final = MappingProxyType(
    {
        "Draft": DRAFT,
        "In_x0020_Review": IN_REVIEW,
        "In Review": IN_REVIEW,
        "Open": RELEASED,
    }
)
"""The API's words shifted to the client's: an API `Open` is released (microsoft/BCApps,
GraphMgtPurchOrderBuffer.SetStatusOptionFromPurchaseHeader). Any other word is shown as it is
and is never taken for a draft."""


def status_of(order: PurchaseOrder) -> str:
    """Return the status in the client's word, or the API's where we do not know it."""
    return STATUS.get(order.status, order.status or "unknown")
