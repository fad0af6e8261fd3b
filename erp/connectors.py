"""Finds connectors: those that come along, and those that a package of somebody else brings.

A package offers one under the entry point group `countersign.connectors`, by the name that
COUNTERSIGN_ERP says (docs/writing-a-connector.md).
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Final, cast

from decisions.errors import CountersignError
from erp.ports import Connector, Setting

GROUP: Final = "countersign.connectors"


class UnknownConnectorError(CountersignError):
    """No installed package offers a connector of this name."""

    def __init__(self, name: str) -> None:
        """Say which are there."""
        known = ", ".join(sorted(entry_points(group=GROUP).names))
        super().__init__(
            f"No connector is called {name!r}; there are {known}. "
            "Name one of them, or install the package that brings it."
        )


def names() -> tuple[str, ...]:
    """Return the names of all connectors that are installed."""
    return tuple(sorted(entry_points(group=GROUP).names))


def named(name: str) -> Connector:
    """Return the connector of this name.

    Raises:
        UnknownConnectorError: nobody brings it.
    """
    found = tuple(entry_points(group=GROUP, name=name))
    if not found:
        raise UnknownConnectorError(name)
    return cast("Connector", found[0].load())


def variable(connector: str, setting: Setting) -> str:
    """Return the name of a setting as the program's settings spell it, without the prefix."""
    return f"{connector}_{setting.name}".lower()


def for_reading(connector: Connector, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings and their defaults, without what only the writer may know."""
    kept = {one.name for one in connector.settings if one.held_by == "writer"}
    known = for_writing(connector, settings)
    return {name: value for name, value in known.items() if name not in kept}


def for_writing(connector: Connector, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the settings and their defaults."""
    defaults = {one.name: one.default for one in connector.settings if one.default is not None}
    return {**defaults, **settings}
