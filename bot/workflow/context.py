"""What every step of the workflow is handed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.ports import Clock
from cards.reading import Reader as CardReader
from cards.reading import System
from decisions.errors import CountersignError
from decisions.recommendation import Recommendation
from decisions.routing import RoutingTable
from decisions.signature import SigningKey
from erp.ports import Reader
from storage.store import Store


class MayNotSignError(CountersignError):
    """A click was to be decided where no click is verified."""

    def __init__(self) -> None:
        """Say where it belongs."""
        super().__init__("This process does not take decisions. Send clicks to the web role.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The store, the rules, the ERP to read, the clock, and a source of new ids."""

    store: Store
    routing: RoutingTable
    erp: Reader
    now: Clock
    new_id: Callable[[], str]
    signing: SigningKey | None = None
    """Only the role that verifies clicks holds one."""

    @property
    def system(self) -> System:
        """Return what a card must know of the ERP."""
        able = self.erp.capabilities()
        return System(name=able.system, writes=able.writes, needs=able.needs, reduced=able.reduced)

    def signed(self, decided: Recommendation) -> Recommendation:
        """Put this process's signature under a decision that was just made.

        Raises:
            MayNotSignError: the process holds no key, so no click may be decided here.
        """
        if self.signing is None or decided.decision is None:
            raise MayNotSignError
        signature = self.signing.sign(decided, decided.decision)
        return replace(decided, decision=replace(decided.decision, signature=signature))


def reader_of(recommendation: Recommendation) -> CardReader:
    """Return the language and clock of the plant a recommendation is about."""
    plant = recommendation.route.plant
    return CardReader(language=plant.language, timezone=plant.timezone)
