"""What a folder publishes, by its own word: asked once, before anything else is."""

from typing import Final

import msgspec

from erp.sage_x3.questions import Collection

_OF: Final = "name ofType { name ofType { name ofType { name } } }"

INTROSPECTION: Final = (
    "{ __schema { queryType { name } mutationType { name } types { name "
    f"fields {{ name args {{ name }} type {{ {_OF} }} }} enumValues {{ name }} }} }} }}"
)

_PAGING: Final = ("pageInfo.hasNextPage", "pageInfo.endCursor")


class _Named(msgspec.Struct, frozen=True):
    name: str


class _Wrapped(msgspec.Struct, frozen=True, rename="camel"):
    """A type; the wrappings of list and non-null have no name of their own."""

    name: str | None = None
    of_type: "_Wrapped | None" = None

    @property
    def inside(self) -> str:
        """Return the name under the wrappings."""
        return self.name or (self.of_type.inside if self.of_type else "")


class _Field(msgspec.Struct, frozen=True):
    name: str
    type: _Wrapped
    args: tuple[_Named, ...] = ()


class _Type(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    fields: tuple[_Field, ...] | None = None
    enum_values: tuple[_Named, ...] | None = None


class _Root(msgspec.Struct, frozen=True, rename="camel"):
    types: tuple[_Type, ...]
    query_type: _Named | None = None
    mutation_type: _Named | None = None


class Introspection(msgspec.Struct, frozen=True):
    """What introspection says."""

    root: _Root = msgspec.field(name="__schema")


class Schema:
    """The types of a folder, by name."""

    def __init__(self, said: Introspection) -> None:
        """Keep what introspection said."""
        self._types = {one.name: one for one in said.root.types}
        self._queries = said.root.query_type.name if said.root.query_type else ""
        self._mutations = said.root.mutation_type.name if said.root.mutation_type else ""

    def lacks(self, collection: Collection) -> str | None:
        """Return the first thing that a collection relies on and the folder does not publish."""
        node = self._followed(self._queries, f"{collection.package}.{collection.node}")
        query = self._field(node, "query")
        if query is None:
            return f"{collection.name}.query"
        arguments = {one.name for one in query.args}
        for needed in ("first", "after"):
            if needed not in arguments:
                return f"{collection.name}.query({needed})"
        for path in _PAGING:
            if not self._followed(query.type.inside, path):
                return f"{collection.name}.query.{path}"
        one = self._followed(query.type.inside, "edges.node")
        for path in collection.properties:
            found = self._followed(one, path)
            if not found:
                return f"{collection.name}.{path}"
            word = collection.words.get(path)
            if word is not None and not self._has(found, word):
                return f"{collection.name}.{path} = {word}"
        return None

    def creates(self, package: str, node: str) -> bool:
        """Tell whether somebody activated an operation that creates such a node."""
        return bool(self._followed(self._mutations, f"{package}.{node}.create"))

    def _followed(self, type_name: str, path: str) -> str:
        """Return the name of the type that a path of properties leads to; empty for nowhere."""
        for part in path.split("."):
            found = self._field(type_name, part)
            if found is None:
                return ""
            type_name = found.type.inside
        return type_name

    def _has(self, type_name: str, word: str) -> bool:
        known = self._types.get(type_name)
        return known is not None and any(one.name == word for one in known.enum_values or ())

    def _field(self, type_name: str, name: str) -> _Field | None:
        known = self._types.get(type_name)
        fields = known.fields if known is not None else None
        return next((one for one in fields or () if one.name == name), None)
