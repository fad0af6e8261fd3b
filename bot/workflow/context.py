"""What every step of the workflow is handed."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.ports import Clock
from cards.reading import Reader as CardReader
from cards.reading import System
from decisions.recommendation import Recommendation
from decisions.routing import RoutingTable
from erp.ports import Reader
from storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The store, the rules, the ERP to read, the clock, and a source of new ids."""

    store: Store
    routing: RoutingTable
    erp: Reader
    now: Clock
    new_id: Callable[[], str]

    @property
    def system(self) -> System:
        """Return what a card must know of the ERP."""
        able = self.erp.capabilities()
        return System(name=able.system, writes=able.writes, needs=able.needs)


def reader_of(recommendation: Recommendation) -> CardReader:
    """Return the language and clock of the plant a recommendation is about."""
    plant = recommendation.route.plant
    return CardReader(language=plant.language, timezone=plant.timezone)
