"""The exact change as people read it: drawn from the plan, never from the action."""

from collections.abc import Iterable, Iterator, Mapping

from cards import build
from cards.build import Piece
from cards.mail import text_rows
from cards.wording import Words, escape, field_name
from decisions.plan import Change, WritePlan

_LINE = ("quantity", "unit_cost", "line_total")
_PLACE = ("location", "expected_receipt_date")


def change_rows(plan: WritePlan, words: Words, most: int) -> list[Piece]:
    """Return the document's own fields, then each line of it; `most` lines are shown."""
    groups: dict[str, dict[str, Change]] = {}
    for change in plan.changes:
        groups.setdefault(change.subject, {})[change.field] = change
    own = groups.pop("", {})
    first = [own.pop(name) for name in ("document", "vendor") if name in own]
    rows = [field_row(change, words) for change in first]
    for subject, fields in list(groups.items())[:most]:
        rows += list(_line_rows(subject, fields, words))
    if len(groups) > most:
        rows.append(build.small(f"… and {len(groups) - most} more lines; the total counts them"))
    text = own.pop("text", None)
    rows += [_last_row(change, words) for change in own.values()]
    return rows if text is None else [*rows, *text_rows(text)]


def field_row(change: Change, words: Words) -> Piece:
    """Return one field, with what stood there before."""
    return build.line(f"{field_name(change.field)}: {moved(change, words)}")


def moved(change: Change, words: Words) -> str:
    """Return before and after; only after where nothing stood."""
    if change.before is None:
        return words.value(change.after)
    after = "removed" if change.after is None else words.value(change.after)
    return f"{words.value(change.before)} → {after}"


def _last_row(change: Change, words: Words) -> Piece:
    text = f"{field_name(change.field)}: {moved(change, words)}"
    return build.strong(text) if change.field == "order_total" else build.small(text)


def _line_rows(subject: str, fields: Mapping[str, Change], words: Words) -> Iterator[Piece]:
    """Yield a line of an order: what, how many for how much, where and when."""
    yield build.strong(escape(subject))
    rest = {name: change for name, change in fields.items() if name != "item"}
    if _is_new(rest, _LINE):
        number, price, amount = (words.value(rest.pop(name).after) for name in _LINE)
        yield build.line(f"{number} × {price} = {amount}")
    if _is_new(rest, _PLACE):
        place, day = (words.value(rest.pop(name).after) for name in _PLACE)
        yield build.line(f"to {place}, expected {day}")
    for change in rest.values():
        yield field_row(change, words)


def _is_new(fields: Mapping[str, Change], names: Iterable[str]) -> bool:
    found = [fields.get(name) for name in names]
    return all(change is not None and change.before is None for change in found)
