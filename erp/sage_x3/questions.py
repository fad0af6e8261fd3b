"""What is asked of Sage X3: packages, nodes and properties, each with the page that names it.

The schema differs from folder to folder, because a partner decides what is published. So each
collection says every property that it relies on, and is read only where the folder's own schema
has all of them (`schema.py`).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from erp.snapshot import Scope

PAGE_SIZE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A list of nodes, with the properties that are read of each; dots follow references.

    `words` are members that an enumeration has to have, by property.
    """

    package: str
    node: str
    properties: tuple[str, ...]
    words: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """Return what it is called in the schema."""
        return f"{self.package}.{self.node}"

    def query(self, after: str | None, *, condition: str = "") -> str:
        """Return the text that asks for the page behind a cursor, of those that meet a filter."""
        arguments = f"first: {PAGE_SIZE}"
        if condition:
            arguments += f", filter: {json.dumps(condition)}"
        if after is not None:
            arguments += f", after: {json.dumps(after)}"
        return (
            f"{{ {self.package} {{ {self.node} {{ query({arguments}) {{ edges {{ node "
            f"{_selected(self.properties)} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"
        )


def _selected(properties: Iterable[str]) -> str:
    groups: dict[str, list[str]] = {}
    for name in properties:
        head, _, rest = name.partition(".")
        groups.setdefault(head, [])
        if rest:
            groups[head].append(rest)
    inner = (f"{head} {_selected(rest)}" if rest else head for head, rest in groups.items())
    return f"{{ {' '.join(inner)} }}"


ACTIVE: Final = "active"

COLLECTIONS: Final[Mapping[Scope, Collection]] = {
    # reference/xtremX3MasterData/product, reference/xtremX3MasterData/unitOfMeasure
    "items": Collection(
        package="x3MasterData",
        node="product",
        properties=("code", "localizedDescription1", "productStatus", "stockUnit.code"),
        words={"productStatus": ACTIVE},
    ),
    # examples/suppliers; the currency's name is the schema's
    "vendors": Collection(
        package="x3MasterData",
        node="supplier",
        properties=("code.code", "companyName1", "isActive", "currency.code"),
    ),
    # examples/sites
    "locations": Collection(
        package="x3System", node="site", properties=("code", "name", "isStockSite")
    ),
    # reference/x3StockData/stock; that a product at a site names its product is the schema's word
    "stock": Collection(
        package="x3StockData",
        node="stock",
        properties=(
            "stockSite.code",
            "product.product.code",
            "product.product.stockUnit.code",
            "quantityInStockUnit",
        ),
    ),
}
