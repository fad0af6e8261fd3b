"""Finds every document that carries a mark of ours, for the comparison of both sides."""

import re
from collections import Counter
from typing import Final

from decisions.reconciliation import Marked
from erp.sap_business_one.client import ServiceLayerClient, odata
from erp.sap_business_one.entities import PURCHASE_ORDERS, Document, Page
from erp.sap_business_one.mapping import DRAFTS, ORDERS, draft_name, draft_path
from erp.sap_business_one.reading_back import RELEASED, status_of

_MARK: Final = re.compile(r"CS-[0-9A-Z]+")
_MARKED: Final = "startswith(NumAtCard,'CS-')"
_COLUMNS: Final = "DocEntry,DocNum,NumAtCard,DocumentStatus,AuthorizationStatus"


async def marked_documents(client: ServiceLayerClient, *, until: float) -> tuple[Marked, ...]:
    """Return the drafts with a mark, and those orders that did not come of one of these drafts.

    A draft that a person adds as an order is closed and stays, and the order has the same mark:
    that is one document twice, not two. Nothing is left out for its age, because whether a draft
    counts as changed on the day when it is closed is on no page that we have.

    Raises:
        ErpUnreachableError: no usable answer.
    """
    drafts = await _read(
        client, DRAFTS, f"DocObjectCode eq '{PURCHASE_ORDERS}' and {_MARKED}", until
    )
    made = Counter(one.num_at_card for one in drafts if status_of(one) == RELEASED)
    found = [_marked(one, draft_name(one.doc_entry), draft_path(one.doc_entry)) for one in drafts]
    for order in await _read(client, ORDERS, _MARKED, until):
        if made[order.num_at_card] > 0:
            made[order.num_at_card] -= 1
        else:
            found.append(_marked(order, str(order.doc_num), f"{ORDERS}({order.doc_entry})"))
    return tuple(one for one in found if _MARK.fullmatch(one.marker))


async def _read(
    client: ServiceLayerClient, set_name: str, condition: str, until: float
) -> tuple[Document, ...]:
    query = odata({"$filter": condition, "$select": _COLUMNS, "$orderby": "DocEntry"})
    return await client.read_all(
        client.company.url(set_name, query=query), Page[Document], until=until
    )


def _marked(document: Document, name: str, document_id: str) -> Marked:
    return Marked(marker=document.num_at_card or "", document=name, document_id=document_id)
