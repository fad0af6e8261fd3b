"""Both ways: each document that carries our mark has one approval, and each approval its document.

A change of an order that stands leaves no mark of its own; its receipt was read back when it was
made, and what people change afterwards is theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

MARKED: Final = frozenset(
    {
        "create_purchase_order",
        "add_po_line",
        "create_transfer_order",
        "reschedule_production_order",
    }
)
"""Kinds of actions that leave the mark `CS-<id>` in the ERP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A document in the ERP that carries a mark of ours.

    An order that a person made of our draft counts as that draft: one document, by its first name.
    """

    marker: str
    document: str
    document_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What we say of a mark: whether its write may still be under way, and its document."""

    state: Literal["under_way", "written", "not_written"]
    document: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Something that does not balance.

    `nobody_approved`: it stands in the ERP, and nothing here asked for it. `twice`: several
    documents carry one mark. `gone`: it was written and read back, and does not stand any more:
    deleted, or received and invoiced. `elsewhere`: it stands in another document than the receipt
    says. `came_late`: we said that it was not written, and it stands there.
    """

    what: Literal["nobody_approved", "twice", "gone", "elsewhere", "came_late"]
    marker: str
    documents: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what makes it the same one tomorrow."""
        return f"{self.what}:{self.marker}:{','.join(self.documents)}"


def discrepancies(found: Sequence[Marked], ours: Mapping[str, Ours]) -> tuple[Discrepancy, ...]:
    """Hold what stands in the ERP against what we say, by mark; what is under way is left alone.

    `ours` holds every mark that is in `found` and known here, and every one that was written in
    the time that `found` covers.
    """
    standing: dict[str, list[Marked]] = {}
    for one in found:
        standing.setdefault(one.marker, []).append(one)
    wrong: list[Discrepancy] = []
    for marker in sorted({*standing, *ours}):
        there, known = standing.get(marker, []), ours.get(marker)
        what = _what(there, known)
        if what is not None:
            documents = tuple(sorted(one.document for one in there))
            shown = documents or ((known.document or "",) if known else ())
            wrong.append(Discrepancy(what=what, marker=marker, documents=shown))
    return tuple(wrong)


def _what(
    there: Sequence[Marked], known: Ours | None
) -> Literal["nobody_approved", "twice", "gone", "elsewhere", "came_late"] | None:
    if known is None:
        return "nobody_approved"
    if len(there) > 1:
        return "twice"
    if known.state == "under_way":
        return None
    if not there:
        return "gone" if known.state == "written" else None
    if known.state == "not_written":
        return "came_late"
    (one,) = there
    return "elsewhere" if one.document != known.document else None
