"""Which queries of the Power BI and finance apps are there, and granted to our log-in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from erp.business_central.client import (
    ANALYTICS,
    FINANCE,
    BusinessCentralClient,
    RefusedReadError,
    odata,
)
from erp.business_central.entities import Page
from erp.business_central.snapshot_entities import (
    AnalyticsBudgetRow,
    ComponentRow,
    FinanceBudgetRow,
    LedgerRow,
    OutstandingRow,
    ProductionRow,
    Row,
    SalesRow,
    columns,
)

R = TypeVar("R", bound=Row)

DENIED: Final = frozenset({400, 403, 404})
"""Answers of a query that is not installed, not granted, or older than what we ask of it."""

REMEMBERED: Final = timedelta(hours=1)
"""How long an answer holds; what is granted meanwhile is found after that."""

_POWER_BI: Final = "the app Power BI Reports, and the permission set PowerBi Report Basic"
_FINANCE: Final = "the app API Reports - Finance, and the right to read G/L budget entries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Generic[R]):
    """Something that is read widely; `needs` is what gives it to our log-in.

    `row` has the columns that are asked for; what is expanded beside them is in `pages` only.
    """

    name: str
    row: type[Row]
    pages: type[Page[R]]
    api: str = ANALYTICS
    needs: str = _POWER_BI

    @property
    def lacking(self) -> str:
        """Say that it is not to be had, and what would mend it."""
        return f"{self.name} cannot be read: it needs {self.needs}"


LEDGER: Final = Query(name="itemLedgerEntries", row=LedgerRow, pages=Page[LedgerRow])
OUTSTANDING: Final = Query(
    name="outstandingPurchaseLines", row=OutstandingRow, pages=Page[OutstandingRow]
)
PRODUCTION: Final = Query(
    name="manufacturingProductionOrders", row=ProductionRow, pages=Page[ProductionRow]
)
SALES: Final = Query(name="outstandingSalesLines", row=SalesRow, pages=Page[SalesRow])
COMPONENTS: Final = Query(
    name="inventoryProdOrderComponentLines", row=ComponentRow, pages=Page[ComponentRow]
)
FINANCE_BUDGET: Final = Query(
    name="generalLedgerBudgetEntries",
    row=FinanceBudgetRow,
    pages=Page[FinanceBudgetRow],
    api=FINANCE,
    needs=_FINANCE,
)
ANALYTICS_BUDGET: Final = Query(
    name="generalLedgerBudgetEntries", row=AnalyticsBudgetRow, pages=Page[AnalyticsBudgetRow]
)


class Probes:
    """Remembers for an hour which queries answer; each is asked for one row first."""

    def __init__(self, client: BusinessCentralClient, now: Callable[[], datetime]) -> None:
        """Know nothing yet."""
        self._client = client
        self._now = now
        self._known: dict[tuple[str, str], tuple[bool, datetime]] = {}

    async def rows(self, query: Query[R], *, until: float, only: str = "") -> tuple[R, ...] | None:
        """Return what a query has, filtered by `only`; None where it is not to be had.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        if not await self.granted(query, until=until):
            return None
        return await self._read(query, {"$filter": only} if only else {}, until)

    async def granted(self, query: Query[R], *, until: float) -> bool:
        """Tell whether a query is to be had.

        Raises:
            ErpUnreachableError: no usable answer.
        """
        known = self._remembered(query)
        if known is None:
            known = await self._read(query, {"$top": "1"}, until) is not None
            self.learn(query, granted=known)
        return known

    def denied(self, query: Query[R]) -> bool:
        """Tell whether a query was not to be had within the last hour."""
        return self._remembered(query) is False

    def last(self, query: Query[R]) -> bool | None:
        """Return how a query answered last, however long ago; None where it never did."""
        return self._known.get((query.api, query.name), (None, None))[0]

    def learn(self, query: Query[R], *, granted: bool) -> None:
        """Remember how a query answered."""
        self._known[query.api, query.name] = (granted, self._now())

    def _remembered(self, query: Query[R]) -> bool | None:
        granted, at = self._known.get((query.api, query.name), (None, self._now()))
        return granted if self._now() < at + REMEMBERED else None

    async def _read(
        self, query: Query[R], options: dict[str, str], until: float
    ) -> tuple[R, ...] | None:
        asked = odata({"$select": columns(query.row)} | options)
        url = self._client.company.url(query.name, api=query.api, query=asked)
        try:
            return await self._client.read_all(url, query.pages, until=until, wide=True)
        except RefusedReadError as refused:
            if refused.answer.status not in DENIED:
                raise
            self.learn(query, granted=False)
            return None
