"""Actions of the Countersign extension, as its AL source is meant to carry them out.

The source: erp/business_central/extension. The row and what it asks for stand together or not at
all, and the row's key lets it happen once.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import msgspec

from erp.standin.orders import BLANK_DATE, RefusedError, application
from erp.standin.store import Entity, Store, read_json

EXTENSION: Final = "countersign/actions/v1.0"

_WRITABLE: Final = frozenset({"actionId", "kind", "payload", "payloadSha256"})
_LONGEST: Final = 2048
_MOVABLE: Final = frozenset({"Firm_x0020_Planned", "Released"})


class Actions:
    """The table CS Action and its API page."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        """Keep actions and transfer orders in a store; production orders are in it already."""
        self._store = store
        self._now = now

    def carry_out(self, body: Mapping[str, Any]) -> Entity:
        """Do what a row asks for and keep the row, all or nothing; the same key once."""
        identity = _identity(body)
        if self._store.get("actions", identity) is not None:
            raise RefusedError(
                409,
                "Internal_EntityWithSameKeyExists",
                "The record in table CS Action already exists. Identification fields and values: "
                f"Action Id='{{{identity.upper()}}}'",
            )
        text = str(body.get("payload", ""))
        payload = _payload(text, str(body.get("payloadSha256", "")))
        marker = _text(payload, "marker")
        does: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
            "create_transfer_order": self._transfer,
            "reschedule_production_order": self._reschedule,
        }
        kind = str(body.get("kind", ""))
        if kind not in does:
            raise application(f"Countersign actions of the kind {kind} are not known here.")
        row: Entity = {
            "id": identity,
            "kind": kind,
            "payload": text,
            "payloadSha256": body["payloadSha256"],
            "marker": marker,
            "documentNo": does[kind](payload),
            "doneAt": self._now().isoformat().replace("+00:00", "Z"),
        }
        self._store.put("actions", row)
        return self._shown(row)

    def row(self, key: str) -> Entity:
        """Return one action, with its document's own fields as they are now."""
        found = self._store.get("actions", key)
        if found is None:
            raise RefusedError(404, "Internal_RecordNotFound", "The CS Action does not exist.")
        return self._shown(found)

    def rows(self) -> list[Entity]:
        """Return every action."""
        return [self._shown(one) for one in self._store.all("actions")]

    def _shown(self, row: Entity) -> Entity:
        shown = {name: value for name, value in row.items() if name not in ("id", "_version")}
        order = self._store.by("transferOrders", "number", row["documentNo"]) or {}
        made = self._store.by("productionOrders", "no", row["documentNo"]) or {}
        return (
            {"actionId": row["id"]}
            | shown
            | {
                "itemNo": order.get("itemNo", ""),
                "quantity": order.get("quantity", Decimal(0)),
                "unitOfMeasureCode": order.get("unitOfMeasureCode", ""),
                "transferFromCode": order.get("transferFromCode", ""),
                "transferToCode": order.get("transferToCode", ""),
                "receiptDate": order.get("receiptDate", BLANK_DATE),
                "dueDate": made.get("dueDate", BLANK_DATE),
            }
        )

    def _transfer(self, payload: Mapping[str, Any]) -> str:
        places = [_text(payload, name) for name in ("fromLocation", "toLocation")]
        if places[0] == places[1]:
            raise application(f"Goods cannot be transferred from {places[0]} to itself.")
        for place in places:
            self._must_exist("locations", "code", place, "Location")
        item = self._must_exist("items", "number", _text(payload, "item"), "Item")
        if item["blocked"]:
            raise application(f"Blocked must be equal to 'No' in Item: No.={item['number']}.")
        taken = [int(one["number"].removeprefix("TO-")) for one in self._transfers()]
        number = f"TO-{max(taken, default=1_000) + 1}"
        order: Entity = {
            "id": str(uuid.uuid4()),
            "number": number,
            "transferFromCode": places[0],
            "transferToCode": places[1],
            "receiptDate": _day(payload, "receiptDate").isoformat(),
            "status": "Open",
            "externalDocumentNumber": _text(payload, "marker"),
            # A real header has no item: these are its only line's.
            "itemNo": item["number"],
            "quantity": _positive(payload, "quantity"),
            "unitOfMeasureCode": _text(payload, "unit"),
        }
        self._store.put("transferOrders", order)
        return number

    def _transfers(self) -> list[Entity]:
        return list(self._store.all("transferOrders"))

    def _reschedule(self, payload: Mapping[str, Any]) -> str:
        number = _text(payload, "document")
        order = self._store.by("productionOrders", "no", number)
        if order is None or order["status"] not in _MOVABLE:
            raise application(f"There is no firm planned or released production order {number}.")
        approved, wanted = _day(payload, "presentDueDate"), _day(payload, "dueDate")
        present = date.fromisoformat(order["dueDate"])
        if present != approved:
            raise application(
                f"Production order {number} is due on {present} now, not on {approved}."
            )
        for field in ("startingDate", "endingDate", "dueDate"):
            order[field] = _moved(order[field], wanted - present)
        self._store.put("productionOrders", order)
        return number

    def _must_exist(self, kind: str, field: str, value: str, name: str) -> Entity:
        found = self._store.by(kind, field, value)
        if found is None:
            raise RefusedError(
                404,
                "Internal_RecordNotFound",
                f"The {name} does not exist. Identification fields and values: '{value}'",
            )
        return found


def _identity(body: Mapping[str, Any]) -> str:
    for name in body:
        if name not in _WRITABLE:
            raise RefusedError(
                400, "BadRequest_InvalidProperty", f"The property '{name}' does not exist."
            )
    try:
        identity = uuid.UUID(str(body.get("actionId")))
    except ValueError:
        raise RefusedError(400, "BadRequest_InvalidRequestBody", "No Edm.Guid.") from None
    if not identity.int:
        raise application("The action has no id.")
    return str(identity)


def _payload(text: str, sha256: str) -> Mapping[str, Any]:
    if len(text) > _LONGEST:
        raise RefusedError(400, "Application_StringExceededLength", "Payload is too long.")
    if hashlib.sha256(text.encode()).hexdigest() != sha256:
        raise application("The payload is not the one that was approved: its SHA-256 is another.")
    try:
        read = read_json(text.encode())
    except msgspec.DecodeError:
        read = None
    if not isinstance(read, dict):
        raise application("The payload is not a JSON object.")
    return cast("Mapping[str, Any]", read)


def _text(payload: Mapping[str, Any], name: str) -> str:
    if name not in payload:
        raise application(f"The payload has no {name}.")
    return str(payload[name])


def _day(payload: Mapping[str, Any], name: str) -> date:
    try:
        return date.fromisoformat(_text(payload, name))
    except ValueError:
        raise application(f"The payload has no usable {name}.") from None


def _positive(payload: Mapping[str, Any], name: str) -> Decimal:
    try:
        number = Decimal(_text(payload, name))
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or number <= 0:
        raise application(f"The payload has no usable {name}.")
    return number


def _moved(day: str, by: timedelta) -> str:
    return (date.fromisoformat(day) + by).isoformat()
