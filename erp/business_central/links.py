"""Where people see a purchase order: an address in the web client, to be looked at.

Syntax: learn.microsoft.com, "Web Client URL" (devenv-web-client-urls); page 50 is the purchase
order card.
"""

import asyncio
from typing import Final
from urllib.parse import quote
from uuid import UUID

from yarl import URL

from erp.business_central.client import BusinessCentralClient
from erp.business_central.entities import CompanyName, Page
from erp.ports import ErpUnreachableError

_CARD: Final = 50
_READ_TIME: Final = 10.0


class WebClient:
    """Makes addresses for one company, whose name is read once."""

    def __init__(self, client: BusinessCentralClient, *, root: str) -> None:
        """Take the root, such as https://businesscentral.dynamics.com/<tenant>/<environment>."""
        self._client = client
        self._root = root.rstrip("/")
        self._company = ""

    async def order(self, number: str) -> str:
        """Return where an order is seen; nothing where no web client is known."""
        if not self._root.startswith(("https://", "http://")):
            return ""
        try:
            self._company = self._company or await self._named()
        except ErpUnreachableError:
            return ""  # a receipt without a link is still a receipt
        name = number.replace("'", "''")
        where = quote(f"'Purchase Header'.'No.' IS '{name}'")
        return f"{self._root}/?company={quote(self._company)}&page={_CARD}&filter={where}"

    async def _named(self) -> str:
        until = asyncio.get_running_loop().time() + _READ_TIME
        listed = URL(str(self._client.company.url("")).split("(", 1)[0], encoded=True)
        wanted = UUID(self._client.company.company_id)
        found = await self._client.read_all(listed, Page[CompanyName], until=until)
        return next((one.name for one in found if one.id == wanted), "")
