"""The `fields` table of a scope: where each field of a record comes from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from erp.sources.facts import read_field
from erp.sources.mapping import Field, Given, Wanted
from erp.sources.table import Table
from erp.sources.values import Formats, UnfitError

_MEASURES: Final[Mapping[str, tuple[str, str]]] = {
    "quantity": ("unit", "KG"),
    "money": ("currency", "EUR"),
}


def read_fields(table: Table, wanted: Mapping[str, Wanted], formats: Formats) -> tuple[Field, ...]:
    """Read every field that the file gives, and note which ones it owes."""
    fields: list[Field] = []
    for name, what in wanted.items():
        if not table.has(name):
            if what.required:
                table.wrong(name, f'is missing. Write {name} = "the column or path it is in".')
            table.take(name)
            fields.append(Field(name=name, wanted=what, given=Given()))
            continue
        found = _field(table, name, what)
        if found is not None:
            _try_constant(table, found, formats)
            fields.append(found)
    table.done()
    return tuple(fields)


def _field(table: Table, name: str, wanted: Wanted) -> Field | None:
    raw = table.take(name)
    if isinstance(raw, str):
        raw = {"from": raw}
    if not isinstance(raw, dict):
        table.wrong(
            name, 'is neither a column nor a table. Write "column", or {value = …} for a constant.'
        )
        return None
    inner = Table(cast("dict[str, object]", raw), f"{table.where}, {name}", table.problems)
    given = _given(inner, "from", "value")
    if given is None:
        table.wrong(name, 'says neither `from` nor `value`. Write from = "column" or value = ….')
    measure = _measure(inner, wanted)
    words = _words(inner, wanted)
    inner.done()
    return (
        None
        if given is None
        else Field(name=name, wanted=wanted, given=given, measure=measure, words=words)
    )


def _given(table: Table, column: str, value: str) -> Given | None:
    named = table.text(column)
    constant = table.take(value)
    if named is not None and constant is not None:
        table.wrong(column, f"stands beside `{value}`. Keep one of the two.")
    if named is not None:
        return Given(column=named)
    return None if constant is None else Given(value=constant)


def _measure(table: Table, wanted: Wanted) -> Given | None:
    if wanted.kind not in _MEASURES:
        return None
    key, example = _MEASURES[wanted.kind]
    found = _given(table, f"{key}_from", key)
    if found is None:
        table.wrong(
            key, f'is missing. Write {key} = "{example}", or {key}_from = "the column it is in".'
        )
    return found


def _words(table: Table, wanted: Wanted) -> Mapping[str, str | bool] | None:
    if wanted.kind not in {"word", "flag"}:
        return None
    inner = table.table("words")
    if inner is None:
        return {word: word for word in wanted.words} or None
    words: dict[str, str | bool] = {}
    for word in inner.names():
        meaning = inner.take(word)
        if wanted.kind == "flag" and isinstance(meaning, bool):
            words[word.strip().casefold()] = meaning
        elif wanted.kind == "flag":
            inner.wrong(word, "means neither true nor false. Write one of them, unquoted.")
        elif not isinstance(meaning, str) or not meaning:
            inner.wrong(word, "means no text. Put what it means between quotation marks.")
        elif wanted.words and meaning not in wanted.words:
            known = ", ".join(sorted(wanted.words))
            inner.wrong(word, f"means {meaning!r}, which is not known. Known: {known}.")
        else:
            words[word.strip().casefold()] = meaning
    return words


def _try_constant(table: Table, one: Field, formats: Formats) -> None:
    """Read what stands in the file itself, so that not every row says that it is wrong."""
    probe = one.given if one.given.column is None else Given(value="1" if one.measure else None)
    if probe.value is None:
        return
    measure = one.measure
    if measure is not None and measure.column is not None:
        measure = Given(value="EUR")  # a currency, and a unit as good as any
    tried = replace(one, given=probe, measure=measure)
    try:
        read_field(tried, {}, formats)
    except UnfitError as unfit:
        table.wrong(one.name, f"{unfit}")
        return
    allowed = one.wanted.words
    if (
        one.given.column is None
        and allowed
        and str(probe.value).casefold() not in (one.words or {})
    ):
        table.wrong(
            one.name,
            f"is always {probe.value!r}, which is not known. Known: {', '.join(sorted(allowed))}.",
        )
