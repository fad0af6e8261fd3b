"""Which SQL may stand in a mapping: one SELECT that binds `:since` and `:now` at most."""

import re
from typing import Final

BOUND: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""A bound parameter as SQLAlchemy's `text` finds it."""

ALLOWED: Final = frozenset({"since", "now"})

_WRITES: Final = re.compile(
    r"\b(insert|update|delete|merge|upsert|into|create|alter|drop|truncate|grant|revoke|call|exec|"
    r"execute|copy|attach|detach|pragma|lock|set|begin|commit|rollback|declare|handler|load)\b",
    re.IGNORECASE,
)


def statement_problem(statement: str) -> str | None:
    """Say why a statement is not taken; None when it is.

    A forbidden word is refused wherever it stands, in quotation marks and comments too: where
    those end is read differently by each database, and whoever guesses can be led astray.
    """
    bare = statement.strip()
    bare = bare.removesuffix(";").rstrip()
    if not re.match(r"(select|with)\b", bare, re.IGNORECASE):
        return "does not begin with SELECT or WITH. Nothing else is ever run."
    if ";" in bare:
        return "holds a semicolon, so it could be more than one statement. Take it out."
    found = _WRITES.search(bare)
    if found is not None:
        return (
            f"holds the word {found[0]!r}, which changes things. Where it is only a name or a "
            "text, give the database a view that does without it."
        )
    unknown = sorted(set(BOUND.findall(bare)) - ALLOWED)
    if unknown:
        return f"binds :{unknown[0]}. Only :since and :now are known."
    return None
