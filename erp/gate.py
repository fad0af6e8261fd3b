"""The one door to write; its rules, in the order in which they are kept.

1. Only a `CountersignedOrder` comes in, and only one with the seal of `decisions.countersign`.
   Its approval carries a signature that holds; the gate looks for itself.
2. The decision, the order and the recommendation name one plan, by hash, and one marker.
3. The change is rebuilt from the ERP's primary, from the action that was approved.
4. The ERP is searched for the marker. Found means that it was written before, whatever else
   moved since: our own order moves the quantity on order. Not knowing is not "not there".
   Where nobody can ever search, the cleared order says so, and its caller's records decide.
5. Any difference between the approved plan and the rebuilt one means: ask again.
6. Only then there is a `ClearedOrder`. It is good for one `send` through the gate that made it,
   and a later clearing of the same marker makes it void.
7. `send` makes one request. Nothing is retried here; a lost answer is `Unknown`.
8. What was written is read back, field by field.

An object that came through has been checked; there is no flag to forget. The gate holds no
state between processes: that one order is written once is kept by the order row, which
is claimed before `send`.
"""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Final, TypeAlias, final

from decisions.countersign import Authority, CountersignedOrder
from decisions.errors import CountersignError
from decisions.plan import Difference, WritePlan, differences
from decisions.recommendation import Receipt
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    Moved,
    NotFound,
    NotPlannableError,
    NotSent,
    Reader,
    Refused,
    Unknown,
    Unsearchable,
    Writer,
)

_COUNTERSEAL: Final = next(one.type for one in fields(CountersignedOrder) if one.name == "seal")
"""The type of seal that `decisions.countersign` keeps to itself."""


class GateClosedError(CountersignError):
    """Something asked to be written that did not come the whole way."""

    def __init__(self, why: str) -> None:
        """Say which rule it broke."""
        super().__init__(f"Nothing was written: {why}.")


@final
@dataclass(frozen=True, slots=True)
class _Seal:
    """Held by this module alone."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClearedOrder:
    """A countersigned order whose facts still hold; only `WriteGate.check` makes one.

    `searched` is False where it cannot be searched for, so that only the order row says whether
    it was sent before.
    """

    order: CountersignedOrder
    searched: bool = True
    seal: _Seal = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyThere:
    """The marker stands in the ERP: it was written before."""

    receipt: Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifted:
    """The ERP is no longer as the approver saw it; `plan` is the change as it would be now."""

    plan: WritePlan
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """It stands in the ERP; without a receipt it could not be read back yet."""

    found: Found
    receipt: Receipt | None


Checked: TypeAlias = ClearedOrder | AlreadyThere | Shifted
Sent: TypeAlias = Written | Refused | Moved | NotSent | Unknown
Looked: TypeAlias = Receipt | NotFound | CannotTell | Unsearchable


class WriteGate:
    """Lets countersigned orders through, and nothing else."""

    def __init__(self, reader: Reader, writer: Writer, authority: Authority) -> None:
        """Keep the two ways into the ERP, nobody else holds the writer; and whose word counts."""
        self._reader = reader
        self._writer = writer
        self._authority = authority
        self._cleared: dict[str, ClearedOrder] = {}

    async def check(self, order: CountersignedOrder) -> Checked:
        """Hold an approval against the ERP as it is now; nothing is written.

        Raises:
            GateClosedError: no genuine order.
            ErpUnreachableError: the ERP could not be read or searched.
            NotPlannableError: what was approved can no longer be done.
        """
        plan = _genuine(order, self._authority).plan
        try:
            rebuilt = await self._rebuilt(order)
        except NotPlannableError:
            written = await self._written_before(plan)
            if not isinstance(written, Receipt):
                raise
            return AlreadyThere(receipt=written)
        written = await self._written_before(plan)
        if isinstance(written, Receipt):
            return AlreadyThere(receipt=written)
        moved = differences(plan, rebuilt, order.recommendation.route.tolerance)
        if moved:
            return Shifted(plan=rebuilt, differences=moved)
        searched = not isinstance(written, Unsearchable)
        cleared = ClearedOrder(order=order, searched=searched, seal=_Seal())
        self._cleared[plan.marker] = cleared
        return cleared

    async def send(self, cleared: ClearedOrder, *, before: datetime) -> Sent:
        """Write a cleared order, with one request that leaves before then, and read it back.

        Raises:
            GateClosedError: not cleared by this gate, or sent before.
        """
        plan = self._taken(cleared).order.plan
        outcome = await self._writer.apply(plan, before=before)
        if not isinstance(outcome, Applied):
            return outcome
        found = Found(document=outcome.document, document_id=outcome.document_id)
        try:
            receipt = await self._writer.verify(plan, found)
        except ErpUnreachableError:
            receipt = None
        return Written(found=found, receipt=receipt)

    async def look(self, plan: WritePlan) -> Looked:
        """Search the ERP for a write whose answer was lost; reads only."""
        try:
            return await self._written_before(plan)
        except ErpUnreachableError as away:
            return CannotTell(why=away.why)
        except NotPlannableError as wrong:
            return CannotTell(why=str(wrong))

    async def _rebuilt(self, order: CountersignedOrder) -> WritePlan:
        return await self._reader.plan(order.recommendation.action, marker=order.plan.marker)

    async def _written_before(self, plan: WritePlan) -> Receipt | NotFound | Unsearchable:
        found = await self._writer.probe(plan)
        if isinstance(found, CannotTell):
            raise ErpUnreachableError(self._reader.capabilities().system, found.why)
        if isinstance(found, Found):
            return await self._writer.verify(plan, found)
        return found

    def _taken(self, cleared: object) -> ClearedOrder:
        """Take an order out of those cleared; the same object, not one that is equal to it."""
        for marker, held in self._cleared.items():
            if held is cleared:
                return self._cleared.pop(marker)
        raise GateClosedError("it was not cleared here, or it was sent already")


def _genuine(order: object, authority: Authority) -> CountersignedOrder:
    """Return the order if it is one that `countersign` made.

    Types keep honest code out; this keeps out what was put together around them.

    Raises:
        GateClosedError: it is not.
    """
    if type(order) is not CountersignedOrder:
        raise GateClosedError("no named person countersigned it")
    if type(getattr(order, "seal", None)) is not _COUNTERSEAL:
        raise GateClosedError("its seal is not genuine")
    one, decision, plan = order.recommendation, order.decision, order.plan
    if decision != one.decision or decision.verdict not in ("approve", "approve_changed"):
        raise GateClosedError("its approval is not the recommendation's")
    if not plan.hash == decision.plan_hash or plan != one.plan:
        raise GateClosedError("the approval is for another payload")
    if plan.marker != one.marker:
        raise GateClosedError("it carries the marker of another recommendation")
    if not authority.keyring.holds(one, decision) or decision.tenant != authority.tenant:
        raise GateClosedError("its approval is not signed by a key that counts here")
    return order
