"""Why a person may say no, or not now; short lists, because they are tapped with gloves."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

OTHER: Final = "other"
"""The code that demands words."""

_GENERAL: Final = ("data_wrong", "already_handled", "too_expensive")

OVERRIDE_REASONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "stockout_risk": (
            "data_wrong",
            "already_ordered",
            "wrong_quantity",
            "wrong_vendor",
            "demand_changed",
            "too_expensive",
        ),
        "overdue_purchase_order": (
            "data_wrong",
            "vendor_confirmed",
            "goods_arrived",
            "not_needed",
        ),
        "production_at_risk": ("data_wrong", "rescheduled", "component_found", "too_expensive"),
        "budget_breach": ("data_wrong", "budget_approved", "wrong_account", "cannot_wait"),
        "supplier_delay": ("data_wrong", "vendor_confirmed", "stock_covers", "other_vendor"),
        "quality_hold": ("data_wrong", "released_by_quality", "rework_planned"),
        "maintenance_due": ("data_wrong", "done_already", "production_first"),
    }
)

NOT_NOW_REASONS: Final = ("waiting_for_information", "waiting_for_person", "later_this_shift")


def override_reasons(kind: str) -> tuple[str, ...]:
    """Return the codes a person may pick for this kind, the one that demands words last."""
    return (*OVERRIDE_REASONS.get(kind, _GENERAL), OTHER)


def not_now_reasons() -> tuple[str, ...]:
    """Return the codes for putting a decision off, the one that demands words last."""
    return (*NOT_NOW_REASONS, OTHER)
