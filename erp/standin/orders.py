"""Purchase orders as Business Central makes, changes and refuses them.

Facts and codes: microsoft/BCApps, Apps/W1/APIV2 (APIV2PurchaseOrders, APIV2PurchaseOrderLines,
PurchaseLine.Table), and webservices/dynamics-error-codes.md.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from erp.standin.odata import numbers
from erp.standin.store import Entity, Store

BLANK_DATE: Final = "0001-01-01"
BLANK_ID: Final = "00000000-0000-0000-0000-000000000000"
STEP: Final = 10_000
LONGEST: Final = 100

_READ_ONLY: Final = frozenset(
    {
        "id",
        "number",
        "status",
        "vendorName",
        "fullyReceived",
        "lastModifiedDateTime",
        "totalAmountExcludingTax",
        "totalTaxAmount",
        "totalAmountIncludingTax",
    }
)
_HEADER: Final = frozenset(
    {"vendorNumber", "vendorId", "orderDate", "postingDate", "currencyCode"}
    | {"requestedReceiptDate", "purchaser", "purchaseOrderLines"}
)
_LINE: Final = frozenset(
    {"documentId", "sequence", "lineType", "lineObjectNumber", "itemId", "description"}
    | {"description2", "unitOfMeasureCode", "quantity", "directUnitCost", "locationId"}
    | {"expectedReceiptDate"}
)
_OPEN_TO_RELEASED: Final = frozenset({"expectedReceiptDate", "description", "description2"})
"""What a released order still takes: no TestStatusOpen guards it in PurchaseLine.Table.al."""


class RefusedError(Exception):
    """A request that Business Central answers with an error, before it commits anything."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the answer."""
        self.status = status
        self.code = code
        super().__init__(message)


def application(message: str) -> RefusedError:
    """Return what the business logic of Business Central refuses."""
    return RefusedError(400, "Application_DialogException", message)


class Orders:
    """The purchase orders of the one company."""

    def __init__(self, store: Store, now: Callable[[], datetime], currency: str) -> None:
        """Keep orders in a store; `currency` is the company's own."""
        self._store = store
        self._now = now
        self._currency = currency

    def create(self, body: Mapping[str, Any]) -> Entity:
        """Make a draft with its lines, all or nothing; the same body twice makes two."""
        _check_fields(body, _HEADER)
        vendor = self._vendor(body)
        identity = str(uuid.uuid4())
        order: Entity = {
            "id": identity,
            "number": "",
            "orderDate": body.get("orderDate", f"{self._now():%Y-%m-%d}"),
            "postingDate": body.get("postingDate", f"{self._now():%Y-%m-%d}"),
            "vendorId": vendor["id"],
            "vendorNumber": vendor["number"],
            "vendorName": vendor["displayName"],
            "currencyCode": body.get("currencyCode") or vendor["currencyCode"] or self._currency,
            "requestedReceiptDate": body.get("requestedReceiptDate", BLANK_DATE),
            "purchaser": body.get("purchaser", ""),
            "fullyReceived": False,
            "status": "Draft",
            "purchaseOrderLines": [],
        }
        for given in body.get("purchaseOrderLines", ()):
            self._add(order, given)
        order["number"] = self._next_number()
        self._keep(order)
        return order

    def add_line(self, order: Entity, body: Mapping[str, Any]) -> Entity:
        """Add a line; a sequence of the client's that is taken is refused."""
        _check_draft(order)
        line = self._add(order, body)
        self._keep(order)
        return line

    def change(self, order: Entity, body: Mapping[str, Any]) -> Entity:
        """Change the header."""
        _check_fields(body, _HEADER - {"purchaseOrderLines"})
        if set(body) - {"requestedReceiptDate"}:
            _check_draft(order)
        order.update(body)
        self._keep(order)
        return order

    def change_line(self, order: Entity, line: Entity, body: Mapping[str, Any]) -> Entity:
        """Change a line; the header's tag moves only when the totals do."""
        _check_fields(body, _LINE - {"sequence", "documentId", "lineObjectNumber"})
        if set(body) - _OPEN_TO_RELEASED:
            _check_draft(order)
        line.update(body)
        line["_version"] += 1
        before = order.get("totalAmountExcludingTax")
        _work_out(line)
        _work_out_totals(order)
        if order["totalAmountExcludingTax"] == before:
            order["_version"] -= 1
        self._keep(order)
        return line

    def delete(self, order: Entity) -> None:
        """Delete a draft of which nothing was received."""
        _check_draft(order)
        if any(numbers([line["receivedQuantity"]]) for line in order["purchaseOrderLines"]):
            raise application("You cannot delete an order that was partly received.")
        self._store.drop("purchaseOrders", order["id"])

    def _keep(self, order: Entity) -> None:
        _work_out_totals(order)
        order["lastModifiedDateTime"] = self._now().isoformat().replace("+00:00", "Z")
        self._store.put("purchaseOrders", order)

    def _next_number(self) -> str:
        taken = [int(one["number"].removeprefix("PO-")) for one in self._orders()]
        return f"PO-{max(taken, default=106_000) + 1}"

    def _orders(self) -> list[Entity]:
        return list(self._store.all("purchaseOrders"))

    def _vendor(self, body: Mapping[str, Any]) -> Entity:
        number = body.get("vendorNumber")
        vendor = (
            self._store.by("vendors", "number", number)
            if number
            else self._store.get("vendors", str(body.get("vendorId", "")))
        )
        if vendor is None:
            raise RefusedError(
                404,
                "Internal_RecordNotFound",
                f"The Vendor does not exist. Identification fields and values: No.='{number}'",
            )
        if vendor["blocked"] not in ("_x0020_", "Payment"):
            raise application(f"You cannot use vendor {vendor['number']}: Blocked is All.")
        return vendor

    def _add(self, order: Entity, given: Mapping[str, Any]) -> Entity:
        _check_fields(given, _LINE)
        lines = order["purchaseOrderLines"]
        last = max((line["sequence"] for line in lines), default=0)
        sequence = int(given.get("sequence", last + STEP))
        if any(line["sequence"] == sequence for line in lines):
            raise RefusedError(
                400,
                "Application_DialogException",
                "You cannot insert a line because a line already exists.",
            )
        line: Entity = {
            "id": str(uuid.uuid4()),
            "_version": 1,
            "documentId": order["id"],
            "sequence": sequence,
            "itemId": BLANK_ID,
            "lineType": given.get("lineType", "Item"),
            "lineObjectNumber": "",
            "description": given.get("description", ""),
            "description2": given.get("description2", ""),
            "unitOfMeasureCode": "",
            "quantity": Decimal(0),
            "directUnitCost": Decimal(0),
            "receivedQuantity": Decimal(0),
            "invoicedQuantity": Decimal(0),
            "expectedReceiptDate": given.get("expectedReceiptDate", BLANK_DATE),
            "locationId": given.get("locationId", BLANK_ID),
        }
        if len(line["description"]) > LONGEST:
            raise RefusedError(
                400, "Application_StringExceededLength", "Description is longer than 100."
            )
        if line["lineType"] == "Item":
            self._fill(line, given)
        _work_out(line)
        lines.append(line)
        return line

    def _fill(self, line: Entity, given: Mapping[str, Any]) -> None:
        number = given.get("lineObjectNumber")
        item = self._store.by("items", "number", number)
        if item is None:
            raise RefusedError(
                404,
                "Internal_RecordNotFound",
                f"The Item does not exist. Identification fields and values: No.='{number}'",
            )
        if item["blocked"]:
            raise application(f"Blocked must be equal to 'No' in Item: No.={number}.")
        place = line["locationId"]
        if place != BLANK_ID and self._store.get("locations", place) is None:
            raise RefusedError(404, "Internal_RecordNotFound", "The Location does not exist.")
        line |= {
            "itemId": item["id"],
            "lineObjectNumber": number,
            "description": given.get("description") or item["displayName"],
            "unitOfMeasureCode": given.get("unitOfMeasureCode", item["baseUnitOfMeasureCode"]),
            "quantity": given.get("quantity", Decimal(0)),
            "directUnitCost": given.get("directUnitCost", item["unitCost"]),
        }


def _check_fields(body: Mapping[str, Any], known: frozenset[str]) -> None:
    for name, value in body.items():
        if name in _READ_ONLY:
            raise RefusedError(
                400, "BadRequest_InvalidOperation", f"Control '{name}' is read-only."
            )
        if name not in known:
            raise RefusedError(
                400, "BadRequest_InvalidProperty", f"The property '{name}' does not exist."
            )
        if name.endswith("Date"):
            _check_date(name, value)


def _check_date(name: str, value: object) -> None:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        raise RefusedError(
            400, "BadRequest_InvalidRequestUrl", f"Cannot convert {name} to Edm.Date."
        ) from None


def _check_draft(order: Entity) -> None:
    if order["status"] != "Draft":
        raise application(
            f"Status must be equal to 'Open' in Purchase Header: No.={order['number']}."
        )


def _work_out(line: Entity) -> None:
    amount = numbers([line["quantity"]]) * numbers([line["directUnitCost"]])
    rounded = amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    line["amountExcludingTax"] = line["netAmount"] = rounded


def _work_out_totals(order: Entity) -> None:
    lines = order["purchaseOrderLines"]
    total = numbers([line["amountExcludingTax"] for line in lines])
    order["totalAmountExcludingTax"] = order["totalAmountIncludingTax"] = total
    order["totalTaxAmount"] = Decimal(0)
    order["fullyReceived"] = bool(lines) and all(
        numbers([line["receivedQuantity"]]) >= numbers([line["quantity"]])
        for line in lines
        if line["lineType"] == "Item"
    )
