"""Query options as Business Central takes them: filter, select, expand, order, top, pages."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final, cast

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from erp.standin.store import Entity

_OPERATORS: Final[Mapping[type, Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}


class BadQueryError(Exception):
    """A query option that Business Central does not take."""


def matches(entity: Entity, text: str | None) -> bool:
    """Tell whether an entity is in a filter; a lambda is ignored and lets everything through.

    https://learn.microsoft.com/dynamics365/business-central/dev-itpro/webservices/odata-known-limitations
    """
    return text is None or bool(_holds(_parsed(text), entity))


@cache
def _parsed(text: str) -> Any:  # noqa: ANN401  odata-query's nodes share no useful type
    lexer, parser = cast("Any", ODataLexer()), cast("Any", ODataParser())
    try:
        return parser.parse(lexer.tokenize(text))
    except ODataException as wrong:
        raise BadQueryError(f"The filter cannot be read: {wrong}") from wrong


def _holds(node: Any, entity: Entity) -> bool:  # noqa: ANN401  see above
    if isinstance(node, ast.CollectionLambda):
        return True
    if isinstance(node, ast.BoolOp):
        left, right = _holds(node.left, entity), _holds(node.right, entity)
        if isinstance(node.op, ast.And):
            return left and right
        if len(_fields(node)) > 1:
            raise BadQueryError("The 'OR' operator is not supported on distinct fields")
        return left or right
    if not isinstance(node, ast.Compare):
        raise BadQueryError("The filter is not supported")
    field = _name(node)
    if field not in entity:
        raise BadQueryError(f"Could not find a property named '{field}'")
    return _compare(node, entity[field])


def _name(node: Any) -> str:  # noqa: ANN401  see above
    return str(node.left.name)


def _fields(node: Any) -> set[str]:  # noqa: ANN401  see above
    if isinstance(node, ast.BoolOp):
        return _fields(node.left) | _fields(node.right)
    return {_name(node)} if isinstance(node, ast.Compare) else set()


def _compare(node: Any, found: Any) -> bool:  # noqa: ANN401  see above
    value: Any = node.right.val
    if isinstance(node.right, ast.Boolean):
        value = value == "true"
    elif isinstance(node.right, ast.Integer | ast.Float):
        value, found = Decimal(str(value)), Decimal(str(found))
    elif isinstance(node.right, ast.DateTime):
        value, found = _moment(str(value)), _moment(str(found))
    elif isinstance(node.right, ast.GUID):
        value, found = str(value).lower(), str(found).lower()
    return _OPERATORS[type(node.comparator)](found, value)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def ordered(entities: list[Entity], text: str | None) -> list[Entity]:
    """Sort as `$orderby` says."""
    for part in reversed((text or "").split(",")):
        field, _, direction = part.strip().partition(" ")
        if field:
            entities.sort(key=operator.itemgetter(field), reverse=direction == "desc")
    return entities


def nested(text: str, collection: str) -> dict[str, str] | None:
    """Return the options of one expanded collection; None when it is not expanded.

    Options inside the parentheses are separated by semicolons.
    """
    found = re.search(rf"(?:^|,){collection}(?:\((.*)\))?", text)
    if found is None:
        return None
    options: dict[str, str] = {}
    for part in (found[1] or "").split(";"):
        name, _, value = part.partition("=")
        if value:
            options[name.strip()] = value
    return options


def selected(entity: Mapping[str, Any], text: str | None) -> dict[str, Any]:
    """Return an entity without what is ours, and with the selected fields only."""
    if text is None:
        return {name: value for name, value in entity.items() if not name.startswith("_")}
    return {name: entity[name] for name in _names(text) if name in entity}


@cache
def _names(text: str) -> tuple[str, ...]:
    names = (name.strip() for name in text.split(","))
    return tuple(name for name in names if not name.startswith("_"))


def page_size(prefer: str | None) -> int:
    """Return how many rows one page has: 20,000 unless the client asks for less."""
    found = re.search(r"odata\.maxpagesize=(\d+)", prefer or "")
    return max(1, min(int(found[1]), 20_000)) if found else 20_000


def etag(entity: Mapping[str, Any]) -> str:
    """Return an entity's tag; it moves with every change of the entity itself."""
    return f'W/"{entity["id"]};{entity["_version"]}"'


def numbers(values: Sequence[object]) -> Decimal:
    """Add up numbers of JSON, whole or not."""
    return sum((Decimal(str(value)) for value in values), Decimal(0))
