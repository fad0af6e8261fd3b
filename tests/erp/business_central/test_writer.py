"""What the writer sends and what it will not, whoever hands it a plan."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest

from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.mapping import order_plan
from erp.business_central.tokens import ClientCredentialTokens
from erp.business_central.writer import BusinessCentralWriter, NotOurPlanError
from erp.ports import Applied, CannotTell, Found, NotFound, NotSent, Refused, Unknown
from tests.build import NOW, an_order_action
from tests.erp.business_central.facts import COMPANY, some_facts
from tests.erp.business_central.scripted import Says, scripted

SOON = NOW + timedelta(minutes=1)

MARKER = "CS-7KX2M9QH4T"
ORDER_ID = "5d115c9c-44e3-ea11-bb43-000d3a2feca1"
EAST = "10ca0000-0000-4000-8000-000000000002"
PLAN = order_plan(an_order_action(), some_facts(), company=COMPANY, marker=MARKER)
CREATED = Says(201, json.dumps({"id": ORDER_ID, "number": "106023"}))


class OneToken:
    scheme = "Bearer"

    async def token(self):
        return "token"

    def forget(self):
        """Have nothing to forget."""


@asynccontextmanager
async def writing(*answers, tokens=None, write_time=1.0):
    async with scripted(*answers) as erp, aiohttp.ClientSession() as session:
        company = Company(base_url=erp.url, environment="sandbox", company_id=COMPANY)
        client = BusinessCentralClient(session, tokens or OneToken(), company)
        yield (
            BusinessCentralWriter(client, now=lambda: NOW, write_time=write_time, read_time=0.5),
            erp,
        )


def page(*orders):
    return Says(200, json.dumps({"value": list(orders)}))


def an_order(number, *comments):
    return {
        "id": ORDER_ID,
        "number": number,
        "vendorNumber": "V-2040",
        "purchaseOrderLines": [
            {"sequence": 1, "lineType": "Comment", "description": text} for text in comments
        ],
    }


async def test_the_request_is_the_plans_byte_for_byte():
    async with writing(CREATED) as (writer, erp):
        applied = await writer.apply(PLAN, before=SOON)

    (asked,) = erp.asked
    assert applied == Applied(document="106023", document_id=ORDER_ID)
    assert (asked.method, asked.body) == ("POST", PLAN.requests[0].body)
    assert asked.path == f"/sandbox/api/v2.0/companies({COMPANY})/purchaseOrders"


async def test_the_search_reads_the_vendors_recent_orders_with_their_comments():
    async with writing(page()) as (writer, erp):
        assert await writer.probe(PLAN) == NotFound()

    (asked,) = erp.asked
    assert asked.query == (
        "$filter=vendorNumber eq 'V-2040' and lastModifiedDateTime ge 2026-01-01T09:00:00Z"
        "&$expand=purchaseOrderLines($filter=lineType eq 'Comment')"
    )


async def test_the_marker_is_found_on_the_last_page_among_others():
    async with writing(page()) as (writer, erp):
        erp.answers[:] = [
            Says(
                200,
                json.dumps(
                    {
                        "value": [an_order("1", "Urgent"), an_order("2", "Countersign CS-OTHER")],
                        "@odata.nextLink": "purchaseOrders?$skiptoken=2",
                    }
                ),
            ),
            page(an_order("3", "Please call first", f"Countersign {MARKER}")),
        ]

        assert await writer.probe(PLAN) == Found(document="3", document_id=ORDER_ID)


async def test_a_search_that_breaks_off_cannot_tell():
    async with writing(page()) as (writer, erp):
        erp.answers[:] = [
            Says(200, '{"value":[],"@odata.nextLink":"purchaseOrders?$skiptoken=2"}'),
            Says(500, "<html>"),
        ]

        assert await writer.probe(PLAN) == CannotTell(why="status 500")


async def test_a_place_that_nobody_planned_is_named_by_its_code():
    line = {
        "sequence": 10000,
        "lineType": "Item",
        "lineObjectNumber": "1000-B6204",
        "locationId": EAST,
    }
    order = an_order("106023") | {"purchaseOrderLines": [line]}
    async with writing(
        Says(200, json.dumps(order)), Says(200, json.dumps({"id": EAST, "code": "EAST"}))
    ) as (writer, erp):
        receipt = await writer.verify(PLAN, Found(document="106023", document_id=ORDER_ID))

    (location,) = [check for check in receipt.fields if check.field == "location"]
    assert (location.planned, location.found) == ("MAIN", "EAST")
    assert receipt.read_at == NOW
    assert erp.asked[1].path.endswith(f"/locations({EAST})")


OTHERS = {
    "another connector": replace(PLAN, connector="tryton"),
    "another company": replace(PLAN, company="c0ffee00-0000-4000-8000-000000000000"),
    "no request": replace(PLAN, requests=()),
    "two requests": replace(PLAN, requests=PLAN.requests * 2),
    "another method": replace(PLAN, requests=(replace(PLAN.requests[0], method="DELETE"),)),
    "an action": replace(
        PLAN,
        requests=(
            replace(
                PLAN.requests[0],
                path=f"purchaseOrders({ORDER_ID})/Microsoft.NAV.receiveAndInvoice",
            ),
        ),
    ),
    "no JSON": replace(PLAN, requests=(replace(PLAN.requests[0], body="{"),)),
    "a field that is not on the list": replace(
        PLAN,
        requests=(
            replace(
                PLAN.requests[0],
                body=PLAN.requests[0].body.replace("{", '{"payToVendorNumber":"V-1",', 1),
            ),
        ),
    ),
    "another marker": replace(PLAN, marker="CS-OTHER"),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_a_plan_that_it_would_not_have_built_is_never_sent(other):
    async with writing(CREATED) as (writer, erp):
        outcome = await writer.apply(OTHERS[other], before=SOON)
        with pytest.raises(NotOurPlanError):
            await writer.probe(OTHERS[other])
        with pytest.raises(NotOurPlanError):
            await writer.verify(OTHERS[other], Found(document="1", document_id=ORDER_ID))

    assert isinstance(outcome, Refused)
    assert outcome.code == "not_our_plan"
    assert erp.asked == []


async def test_a_log_in_that_fails_means_that_nothing_was_sent():
    async with aiohttp.ClientSession() as session:
        tokens = ClientCredentialTokens(
            session, url="http://127.0.0.1:9/token", client_id="w", client_secret=""
        )
        async with writing(CREATED, tokens=tokens) as (writer, erp):
            outcome = await writer.apply(PLAN, before=SOON)

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after == timedelta(minutes=1)
    assert erp.asked == []


async def test_giving_up_on_an_answer_is_a_doubt():
    async def slow(_request):
        await asyncio.sleep(0.3)
        return CREATED.clone()

    async with writing(slow, write_time=0.1) as (writer, erp):
        assert await writer.apply(PLAN, before=SOON) == Unknown(why="no answer in time")

    assert len(erp.asked) == 1
