"""A table of a TOML file that is taken apart key by key, and notes what is wrong on the way."""

import difflib
from collections.abc import Collection
from decimal import Decimal
from typing import cast


class Table:
    """One table; `where` is its name as it stands in the file, for the sentences."""

    def __init__(self, values: dict[str, object], where: str, problems: list[str]) -> None:
        """Keep a copy; every problem goes to the list that all tables of the file share."""
        self._values = dict(values)
        self._asked: list[str] = []
        self.where = where
        self.problems = problems

    def wrong(self, key: str, what: str) -> None:
        """Note a problem of one key."""
        place = f"{self.where}, " if self.where else ""
        self.problems.append(f"{place}{key}: {what}")

    def has(self, key: str) -> bool:
        """Tell whether the key is there and was not taken yet."""
        return key in self._values

    def take(self, key: str) -> object:
        """Take the value of a key, whatever it is; None where it is not there."""
        self._asked.append(key)
        return self._values.pop(key, None)

    def text(self, key: str, missing: str | None = None) -> str | None:
        """Take a text; `missing` says what to do where it is not there."""
        found = self._text(key)
        if found is None or found.strip():
            if found is None and missing is not None and not self._was_wrong(key):
                self.wrong(key, f"is missing. {missing}")
            return found
        self.wrong(key, "is empty. Write something, or leave the key out.")
        return None

    def raw_text(self, key: str, default: str) -> str:
        """Take a text that may be empty or nothing but space."""
        found = self._text(key)
        return default if found is None else found

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Take a number within limits."""
        found = self.take(key)
        if found is None:
            return default
        if isinstance(found, bool) or not isinstance(found, int | Decimal):
            self.wrong(key, f"is no number; write one from {low:g} to {high:g}.")
        elif not low <= found <= high:
            self.wrong(key, f"is {found}; write a number from {low:g} to {high:g}.")
        else:
            return float(found)
        return default

    def texts(self, key: str) -> dict[str, str]:
        """Take a table of texts."""
        found = self._dict(key) or {}
        good: dict[str, str] = {}
        for name, value in found.items():
            if isinstance(value, str):
                good[name] = value
            else:
                self.wrong(f"{key}.{name}", "is no text; put it between quotation marks.")
        return good

    def table(self, key: str) -> "Table | None":
        """Take a table within this one."""
        found = self._dict(key)
        if found is None:
            return None
        where = f"[{self.where.strip('[]')}.{key}]" if self.where else f"[{key}]"
        return Table(found, where, self.problems)

    def names(self) -> tuple[str, ...]:
        """Return the keys that nobody took yet."""
        return tuple(self._values)

    def done(self, also: Collection[str] = ()) -> None:
        """Complain about every key that nobody asked for."""
        known = [*self._asked, *also]
        for key in self._values:
            close = difflib.get_close_matches(key, known, n=1)
            meant = (
                f"Did you mean {close[0]!r}?"
                if close
                else f"Known here: {', '.join(dict.fromkeys(known))}."
            )
            self.wrong(key, f"is not known. {meant}")

    def _text(self, key: str) -> str | None:
        found = self.take(key)
        if found is None or isinstance(found, str):
            return found
        self.wrong(key, "is no text. Put it between quotation marks.")
        return None

    def _dict(self, key: str) -> dict[str, object] | None:
        found = self.take(key)
        if found is None or isinstance(found, dict):
            return cast("dict[str, object] | None", found)
        self.wrong(key, "is no table. Write {name = …}, or a table of its own in brackets.")
        return None

    def _was_wrong(self, key: str) -> bool:
        place = f"{self.where}, " if self.where else ""
        return any(one.startswith(f"{place}{key}:") for one in self.problems)
