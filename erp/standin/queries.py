"""The queries of the Power BI app and of API Reports - Finance: read-only rows without tags.

Columns and what each lets through: microsoft/BCApps, Apps/W1/PowerBIReports and
Apps/W1/APIReportsFinance.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from erp.standin.odata import BadQueryError, numbers
from erp.standin.orders import RefusedError
from erp.standin.store import Entity, Store

ANALYTICS: Final = "microsoft/analytics/v1.0"
FINANCE: Final = "microsoft/reportsFinance/beta"

_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "itemLedgerEntries": (
        *("entryNo", "entryType", "postingDate", "itemNo", "locationCode", "quantity"),
        *("unitOfMeasureCode", "remainingQuantity", "open", "positive"),
    ),
    "manufacturingProductionOrders": (
        *("status", "no", "sourceType", "sourceNo", "routingNo", "startingDate", "endingDate"),
        *("dueDate", "quantity", "description"),
    ),
    "inventoryProdOrderComponentLines": (
        *("status", "documentNo", "itemNo", "locationCode", "remainingQtyBase", "dueDate"),
        *("qtyPerUnitOfMeasure", "unitOfMeasureCode"),
    ),
    "outstandingSalesLines": (
        *("documentNo", "documentType", "sellToCustomerNo", "itemNo", "outstandingQtyBase"),
        *("shipmentDate", "locationCode", "qtyPerUnitOfMeasure", "unitOfMeasureCode"),
    ),
    "outstandingPurchaseLines": (
        *("itemNo", "outstandingQtyBase", "expectedReceiptDate", "locationCode"),
        *("buyFromVendorNo", "documentNo", "documentType", "qtyPerUnitOfMeasure"),
        "unitOfMeasureCode",
    ),
    "generalLedgerBudgetEntries": (
        *("budgetName", "glAccountNo", "budgetDate", "budgetAmount", "dimensionSetID"),
        "entryNo",
    ),
}
_SETS: Final[Mapping[str, str]] = {
    "itemLedgerEntries": "ledgerEntries",
    "manufacturingProductionOrders": "productionOrders",
    "inventoryProdOrderComponentLines": "productionComponents",
    "outstandingSalesLines": "salesLines",
    "outstandingPurchaseLines": "purchaseReturnLines",
    "generalLedgerBudgetEntries": "budgetEntries",
}


class Queries:
    """What the two apps show of the company; a test denies queries and grants them again."""

    def __init__(self, store: Store) -> None:
        """Read from the same store as everything else."""
        self._store = store
        self.denied: set[str] = set()

    def rows(
        self, api: str, name: str, *, method: str, options: Mapping[str, str]
    ) -> list[Entity]:
        """Return what a query shows.

        Raises:
            RefusedError: it is not there, not granted, or not to be read in this way.
            BadQueryError: a column that it does not have.
        """
        source = self._source(api, name)
        if source is None:
            raise RefusedError(404, "BadRequest_NotFound", "No HTTP resource was found.")
        if name in self.denied:
            raise RefusedError(
                403,
                "Authentication_InsufficientPermissions",
                f"Sorry, the current permissions prevented the action. (Query {name} Execute)",
            )
        if method != "GET":
            raise RefusedError(405, "BadRequest_MethodNotAllowed", "A query is only read.")
        shown = list(source())
        _check_columns(options.get("$select"), shown)
        return shown

    def _source(self, api: str, name: str) -> Callable[[], Iterator[Entity]] | None:
        if api == FINANCE:
            return self._finance_budget if name == "generalLedgerBudgetEntries" else None
        if name == "outstandingPurchaseLines":
            return self._purchase_lines
        return (lambda: self._kept(name)) if name in _SETS else None

    def _kept(self, name: str) -> Iterator[Entity]:
        for entity in self._store.all(_SETS[name]):
            yield {column: entity[column] for column in _COLUMNS[name]}

    def _finance_budget(self) -> Iterator[Entity]:
        for entity in self._store.all("budgetEntries"):
            yield {
                "id": entity["id"],
                "number": entity["entryNo"],
                "budgetName": entity["budgetName"],
                "date": entity["budgetDate"],
                "accountNo": entity["glAccountNo"],
                "amount": entity["budgetAmount"],
                "lastModifiedDateTime": entity["lastModifiedDateTime"],
            }

    def _purchase_lines(self) -> Iterator[Entity]:
        """Yield what is still to come or to go back; no line number, and no status."""
        yield from self._kept("outstandingPurchaseLines")
        codes = {place["id"]: place["code"] for place in self._store.all("locations")}
        for order in self._store.all("purchaseOrders"):
            for line in order["purchaseOrderLines"]:
                left = numbers([line["quantity"]]) - numbers([line["receivedQuantity"]])
                per_unit: Any = line.get("_qtyPerUnitOfMeasure", 1)
                if line["lineType"] == "Item" and left > 0:
                    yield {
                        "itemNo": line["lineObjectNumber"],
                        "outstandingQtyBase": left * per_unit,
                        "expectedReceiptDate": line["expectedReceiptDate"],
                        "locationCode": codes.get(line["locationId"], ""),
                        "buyFromVendorNo": order["vendorNumber"],
                        "documentNo": order["number"],
                        "documentType": "Order",
                        "qtyPerUnitOfMeasure": per_unit,
                        "unitOfMeasureCode": line["unitOfMeasureCode"],
                    }


def _check_columns(select: str | None, shown: list[Entity]) -> None:
    known = set(shown[0]) if shown else set[str]()
    for name in (select or "").split(","):
        if name and known and name.strip() not in known:
            raise BadQueryError(f"Could not find a property named '{name.strip()}'")
