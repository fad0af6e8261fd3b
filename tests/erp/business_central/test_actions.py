"""What the Countersign extension carries out: offered where it is installed, once by its key."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import aiohttp
import pytest

from decisions.actions import CreateTransferOrder, RescheduleProductionOrder
from decisions.plan import differences
from decisions.quantity import Quantity, Unit
from erp.business_central.actions import action_id, hash_of
from erp.business_central.client import BusinessCentralClient, Company
from erp.business_central.tokens import BasicKey, ClientCredentialTokens
from erp.business_central.writer import BusinessCentralWriter
from erp.ports import (
    Applied,
    CannotTell,
    ErpUnreachableError,
    Found,
    NotFound,
    NotPlannableError,
    NotSent,
    Refused,
    Unknown,
)
from erp.standin.faults import Fault
from tests.build import NOW, pieces
from tests.erp.business_central.scripted import Says, scripted
from tests.erp.business_central.wide import a_plant

MARKER = "CS-7KX2M9QH4T"
SOON = NOW + timedelta(minutes=1)
KINDS = {"create_transfer_order", "reschedule_production_order"}
TRANSFER = CreateTransferOrder(
    item="BRG-6205",
    quantity=pieces(40),
    from_location="LEJ-RAW",
    to_location="GDN-RAW",
    receipt_date=date(2026, 3, 9),
)
RESCHEDULE = RescheduleProductionOrder(document="FA-1001", due_date=date(2026, 3, 20))
ACTIONS = {"transfer": TRANSFER, "reschedule": RESCHEDULE}

DONE = (
    Fault.ANSWER_LOST_AFTER_COMMIT,
    Fault.GATEWAY_TIMEOUT_AFTER_COMMIT,
    Fault.HTML_AFTER_COMMIT,
)
NOT_DONE = (Fault.RESET_BEFORE_COMMIT, Fault.UNAVAILABLE)


@pytest.fixture
async def plant():
    async with a_plant() as plant:
        plant.erp.extension = True
        # A connection that the server closed meanwhile would turn a write into a doubt.
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            plant.writer = a_writer(session, plant.erp)
            yield plant


@pytest.fixture(params=ACTIONS)
def action(request):
    """Each kind that the extension carries out."""
    return ACTIONS[request.param]


def a_writer(session, erp):
    tokens = ClientCredentialTokens(
        session,
        url=f"{erp.base_url}/tenant/oauth2/v2.0/token",
        client_id=erp.writer.client_id,
        client_secret=erp.writer.secret,
    )
    company = Company(
        base_url=f"{erp.base_url}/v2.0",
        environment=erp.environment,
        company_id=erp.company_id,
    )
    client = BusinessCentralClient(session, tokens, company)
    return BusinessCentralWriter(client, now=lambda: NOW, write_time=1.0)


async def planned(plant, action=TRANSFER, marker=MARKER):
    return await plant.reader.plan(action, marker=marker)


def transfers(plant):
    return list(plant.erp.store.all("transferOrders"))


def rows(plant):
    return list(plant.erp.store.all("actions"))


def production(plant, number="FA-1001"):
    return plant.erp.store.by("productionOrders", "no", number)


def sent(plan):
    return json.loads(plan.requests[0].body)


async def test_nothing_is_offered_or_ruled_out_before_somebody_asked(plant):
    able = plant.reader.capabilities()

    assert able.writes.isdisjoint(KINDS)
    assert able.unsettled == KINDS
    assert plant.asked("actions") == 0


async def test_with_the_extension_its_kinds_can_be_written(plant):
    await planned(plant)

    able = plant.reader.capabilities()
    assert able.writes >= KINDS
    assert able.unsettled == set()
    assert able.needs.keys().isdisjoint(KINDS)


async def test_without_the_extension_its_kinds_say_what_they_need(plant, action):
    plant.erp.extension = False

    with pytest.raises(NotPlannableError, match="needs the Countersign extension"):
        await planned(plant, action)

    able = plant.reader.capabilities()
    assert able.writes.isdisjoint(KINDS)
    assert able.unsettled == set()
    assert able.needs["create_transfer_order"] == (
        "needs the Countersign extension in Business Central"
    )


async def test_the_answer_is_remembered_for_an_hour(plant):
    plant.erp.extension = False
    for _ in range(2):
        with pytest.raises(NotPlannableError):
            await planned(plant)
    assert plant.asked("actions") == 1
    plant.erp.extension = True

    plant.later(minutes=61)

    assert plant.reader.capabilities().unsettled == KINDS
    assert await planned(plant)
    assert plant.reader.capabilities().writes >= KINDS


async def test_an_extension_that_is_gone_is_noticed_after_an_hour(plant):
    await planned(plant)
    plant.erp.extension = False

    plant.later(minutes=61)

    assert plant.reader.capabilities().writes >= KINDS
    with pytest.raises(NotPlannableError, match="needs the Countersign extension"):
        await planned(plant)
    assert plant.reader.capabilities().writes.isdisjoint(KINDS)


async def test_an_erp_that_is_away_settles_nothing(plant):
    plant.erp.faults.down = True

    with pytest.raises(ErpUnreachableError):
        await planned(plant)

    assert plant.reader.capabilities().unsettled == KINDS


async def test_a_plan_is_the_same_each_time_and_changes_nothing(plant, action):
    one, two = await planned(plant, action), await planned(plant, action)

    assert (one, one.hash) == (two, two.hash)
    assert await plant.writer.probe(one) == NotFound()
    assert rows(plant) == []


async def test_the_key_is_the_markers_and_the_companys(plant, action):
    plan = await planned(plant, action)
    other = await planned(plant, action, marker="CS-OTHER")

    body = sent(plan)
    assert body["actionId"] == str(action_id(MARKER, company=plan.company.upper()))
    assert body["actionId"] != sent(other)["actionId"]
    assert body["payloadSha256"] == hash_of(body["payload"])
    assert json.loads(body["payload"])["marker"] == MARKER


async def test_a_transfer_shows_what_moves_from_where_to_where(plant):
    plan = await planned(plant)

    assert {change.field: change.after for change in plan.changes} == {
        "item": "BRG-6205",
        "quantity": pieces(40),
        "from_location": "LEJ-RAW",
        "to_location": "GDN-RAW",
        "receipt_date": date(2026, 3, 9),
        "reference": MARKER,
    }
    (stock,) = [fact for fact in plan.preconditions if fact.name == "stock"]
    assert stock.subject == "BRG-6205 in LEJ-RAW"
    assert plan.cost is None


async def test_a_move_of_a_production_order_shows_both_dates(plant):
    before = date.fromisoformat(production(plant)["dueDate"])

    plan = await planned(plant, RESCHEDULE)

    (due,) = [change for change in plan.changes if change.field == "due_date"]
    assert (due.before, due.after) == (before, date(2026, 3, 20))
    assert due.subject == "PMP-H32 × 12"


async def test_what_is_carried_out_is_found_and_reads_back_clean(plant, action):
    plan = await planned(plant, action)

    applied = await plant.writer.apply(plan, before=SOON)

    assert isinstance(applied, Applied)
    found = Found(document=applied.document, document_id=applied.document_id)
    assert await plant.writer.probe(plan) == found
    receipt = await plant.writer.verify(plan, found)
    assert [check for check in receipt.fields if not check.same] == []
    assert {(change.field, change.subject) for change in plan.changes} < {
        (check.field, check.subject) for check in receipt.fields
    }


async def test_a_transfer_order_can_be_read_as_the_standard_api_shows_it(plant):
    applied = await plant.writer.apply(await planned(plant), before=SOON)

    (order,) = transfers(plant)
    assert order["number"] == applied.document
    assert order["externalDocumentNumber"] == MARKER
    assert (order["transferFromCode"], order["transferToCode"]) == ("LEJ-RAW", "GDN-RAW")


async def test_the_same_action_twice_is_carried_out_once(plant, action):
    plan = await planned(plant, action)
    first = await plant.writer.apply(plan, before=SOON)

    again = await plant.writer.apply(plan, before=SOON)

    assert again == Unknown(why="it was carried out before")
    assert len(rows(plant)) == 1
    assert len(transfers(plant)) == (action is TRANSFER)
    found = Found(document=first.document, document_id=first.document_id)
    assert await plant.writer.probe(plan) == found


@pytest.mark.parametrize("trouble", DONE)
async def test_an_action_whose_answer_is_lost_is_a_doubt_and_then_found(plant, action, trouble):
    plan = await planned(plant, action)
    plant.erp.faults.next("POST", "actions", trouble)

    assert isinstance(await plant.writer.apply(plan, before=SOON), Unknown)
    assert isinstance(await plant.writer.probe(plan), Found)


@pytest.mark.parametrize("trouble", NOT_DONE)
async def test_an_action_that_never_arrived_is_a_doubt_and_then_not_found(plant, action, trouble):
    plan = await planned(plant, action)
    plant.erp.faults.next("POST", "actions", trouble)

    assert isinstance(await plant.writer.apply(plan, before=SOON), Unknown)
    assert await plant.writer.probe(plan) == NotFound()


async def test_a_busy_erp_was_sent_nothing(plant):
    plan = await planned(plant)
    plant.erp.faults.next("POST", "actions", Fault.TOO_MANY_REQUESTS)

    assert isinstance(await plant.writer.apply(plan, before=SOON), NotSent)


async def test_a_search_that_fails_cannot_tell(plant):
    plan = await planned(plant)
    plant.erp.faults.next("GET", ")", Fault.TOKEN_EXPIRED, times=2)

    assert isinstance(await plant.writer.probe(plan), CannotTell)


def _block(plant):
    plant.erp.set_item("BRG-6205", blocked=True)


def _close(plant):
    place = plant.erp.store.by("locations", "code", "LEJ-RAW")
    plant.erp.store.drop("locations", place["id"])


REFUSED = {
    "blocked item": (_block, "Application_DialogException", "Blocked"),
    "unknown location": (_close, "Internal_RecordNotFound", "LEJ-RAW"),
}


@pytest.mark.parametrize("why", REFUSED)
async def test_a_refusal_leaves_neither_a_row_nor_a_document(plant, why):
    disturb, code, words = REFUSED[why]
    plan = await planned(plant)
    disturb(plant)

    outcome = await plant.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Refused)
    assert outcome.code == code
    assert words in outcome.text
    assert (rows(plant), transfers(plant)) == ([], [])


async def test_a_refusal_is_not_believed_while_the_search_fails(plant):
    plan = await planned(plant)
    _block(plant)
    plant.erp.faults.next("GET", ")", Fault.TOKEN_EXPIRED, times=2)

    outcome = await plant.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Unknown)
    assert "Application_DialogException" in outcome.why


async def test_an_extension_that_was_removed_meanwhile_refuses(plant):
    plan = await planned(plant)
    plant.erp.extension = False

    outcome = await plant.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Refused)
    assert outcome.code == "BadRequest_NotFound"


async def test_a_log_in_that_may_not_carry_actions_out_is_told_what_it_lacks(plant):
    plan = await planned(plant)
    plant.erp.writer = replace(plant.erp.writer, may_write=False)

    outcome = await plant.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Refused)
    assert "permission set CS ACTIONS" in outcome.text


NOT_MOVED = {
    "no item": (replace(TRANSFER, item="X"), "no item X"),
    "no source": (replace(TRANSFER, from_location="X"), "no location X"),
    "no target": (replace(TRANSFER, to_location="X"), "no location X"),
    "nowhere": (replace(TRANSFER, to_location="LEJ-RAW"), "to itself"),
    "too much": (replace(TRANSFER, quantity=pieces(100_000)), "LEJ-RAW has"),
    "nothing": (replace(TRANSFER, quantity=pieces(0)), "cannot be moved"),
    "too fine": (replace(TRANSFER, quantity=pieces("0.0000001")), "decimal places"),
    "another unit": (replace(TRANSFER, quantity=Quantity(Decimal(1), Unit("KG"))), "KG"),
}


@pytest.mark.parametrize("why", NOT_MOVED)
async def test_what_cannot_be_moved_is_not_planned(plant, why):
    action, words = NOT_MOVED[why]

    with pytest.raises(NotPlannableError, match=words):
        await planned(plant, action)


async def test_a_blocked_item_is_not_planned(plant):
    _block(plant)

    with pytest.raises(NotPlannableError, match="blocked in Business Central"):
        await planned(plant)


async def test_stock_at_a_location_that_is_not_granted_is_said_to_be_unread(plant):
    plant.erp.queries.denied.add("itemLedgerEntries")

    plans = [await planned(plant), await planned(plant, replace(TRANSFER, quantity=pieces(10**6)))]

    for plan in plans:
        (stock,) = [fact for fact in plan.preconditions if fact.name == "stock"]
        assert stock.value == "cannot be read"
    assert plant.asked("itemLedgerEntries") == 1


async def test_a_passing_trouble_is_not_taken_for_a_missing_permission(plant):
    await planned(plant)
    plant.erp.faults.next("GET", "itemLedgerEntries", Fault.TOKEN_EXPIRED, times=2)

    with pytest.raises(ErpUnreachableError):
        await planned(plant)

    assert await planned(plant)


async def test_a_production_order_that_nobody_may_read_is_not_planned(plant):
    plant.erp.queries.denied.add("manufacturingProductionOrders")

    with pytest.raises(NotPlannableError, match="PowerBi Report Basic"):
        await planned(plant, RESCHEDULE)


async def test_a_passing_trouble_with_production_orders_is_tried_again(plant):
    plant.erp.faults.next("GET", "manufacturingProductionOrders", Fault.TOKEN_EXPIRED, times=2)

    with pytest.raises(ErpUnreachableError):
        await planned(plant, RESCHEDULE)


NOT_RESCHEDULED = {
    "unknown": ({}, replace(RESCHEDULE, document="FA-0"), "no production order FA-0"),
    "finished": ({"status": "Finished"}, RESCHEDULE, "“Finished”"),
    "only planned": ({"status": "Planned"}, RESCHEDULE, "“Planned”"),
    "without a day": ({"dueDate": "0001-01-01"}, RESCHEDULE, "no due date"),
    "that day": ({"dueDate": "2026-03-20"}, RESCHEDULE, "already"),
}


@pytest.mark.parametrize("why", NOT_RESCHEDULED)
async def test_what_cannot_be_rescheduled_is_not_planned(plant, why):
    changes, action, words = NOT_RESCHEDULED[why]
    plant.erp.store.put("productionOrders", production(plant) | changes)

    with pytest.raises(NotPlannableError, match=words):
        await planned(plant, action)


async def test_a_firm_planned_order_can_be_rescheduled_beside_a_finished_one(plant):
    finished = production(plant) | {"status": "Finished", "dueDate": "2026-01-05"}
    firm = dict(finished) | {
        "id": "f1a70000-0000-4000-8000-000000000001",
        "status": "Firm_x0020_Planned",
        "dueDate": "2026-03-06",
    }
    plant.erp.store.put("productionOrders", finished)
    plant.erp.store.put("productionOrders", firm)

    plan = await planned(plant, RESCHEDULE)

    facts = {fact.name: fact.value for fact in plan.preconditions}
    assert (facts["status"], facts["due date"]) == ("Firm Planned", "2026-03-06")


async def test_a_production_order_that_a_person_moved_meanwhile_is_left_alone(plant):
    plan = await planned(plant, RESCHEDULE)
    plant.erp.store.put("productionOrders", production(plant) | {"dueDate": "2026-03-13"})

    outcome = await plant.writer.apply(plan, before=SOON)

    assert isinstance(outcome, Refused)
    assert "is due on 2026-03-13 now" in outcome.text
    assert production(plant)["dueDate"] == "2026-03-13"
    assert differences(plan, await planned(plant, RESCHEDULE)) != ()


async def test_a_row_that_holds_something_else_shows_in_the_receipt(plant):
    plan = await planned(plant)
    applied = await plant.writer.apply(plan, before=SOON)
    (row,), (order,) = rows(plant), transfers(plant)
    plant.erp.store.put("actions", row | {"payload": "{}"})
    plant.erp.store.put("transferOrders", order | {"quantity": Decimal(41)})

    receipt = await plant.writer.verify(
        plan, Found(document=applied.document, document_id=applied.document_id)
    )

    assert {check.field for check in receipt.fields if not check.same} == {"payload", "quantity"}


async def test_a_document_that_is_gone_reads_back_as_nothing(plant):
    plan = await planned(plant)
    applied = await plant.writer.apply(plan, before=SOON)
    (order,) = transfers(plant)
    plant.erp.store.drop("transferOrders", order["id"])

    receipt = await plant.writer.verify(
        plan, Found(document=applied.document, document_id=applied.document_id)
    )

    wrong = {check.field: check.found for check in receipt.fields if not check.same}
    assert wrong.keys() == {"item", "quantity", "from_location", "to_location", "receipt_date"}
    assert set(wrong.values()) == {None}


def _with(plan, **changes):
    body = sent(plan) | changes
    return replace(plan, requests=(replace(plan.requests[0], body=json.dumps(body)),))


async def test_a_plan_that_it_would_not_have_built_is_never_sent(plant):
    plan = await planned(plant)
    payload = sent(plan)["payload"]
    foreign = payload.replace(MARKER, "CS-OTHER")
    more = payload.replace("{", '{"post":"yes",', 1)
    others = (
        replace(plan, marker="CS-OTHER"),
        _with(plan, actionId="5d115c9c-44e3-4a11-bb43-000d3a2feca1"),
        _with(plan, payload=payload.replace("40", "41")),
        _with(plan, payload=foreign, payloadSha256=hash_of(foreign)),
        _with(plan, payload=more, payloadSha256=hash_of(more)),
        _with(plan, kind="reschedule_production_order"),
        _with(plan, kind="post_invoice"),
        _with(plan, approvedBy="Ana"),
    )

    for other in others:
        outcome = await plant.writer.apply(other, before=SOON)
        assert isinstance(outcome, Refused)
        assert outcome.code == "not_our_plan"
    assert [request for request in plant.erp.log if request.method != "GET"] == []


@pytest.mark.parametrize("body", ["{}", "<html>"])
async def test_a_done_in_words_that_nobody_can_read_is_a_doubt(plant, body):
    plan = await planned(plant)
    async with scripted(Says(201, body)) as erp, aiohttp.ClientSession() as session:
        company = Company(base_url=erp.url, environment="sandbox", company_id=plan.company)
        client = BusinessCentralClient(session, BasicKey(user="u", key="k"), company)
        writer = BusinessCentralWriter(client, now=lambda: NOW, write_time=1.0)

        outcome = await writer.apply(plan, before=SOON)

    assert isinstance(outcome, Unknown)
    (asked,) = erp.asked
    assert asked.body == plan.requests[0].body
    assert asked.path == (
        f"/sandbox/api/countersign/actions/v1.0/companies({plan.company})/actions"
    )


async def test_a_taken_key_under_another_code_is_a_doubt_too(plant):
    plan = await planned(plant)
    taken = Says(400, json.dumps({"error": {"code": "Application_DialogException"}}))
    stands = sent(plan) | {"documentNo": "TO-1001"}
    async with (
        scripted(taken, Says(200, json.dumps(stands))) as erp,
        aiohttp.ClientSession() as session,
    ):
        company = Company(base_url=erp.url, environment="sandbox", company_id=plan.company)
        client = BusinessCentralClient(session, BasicKey(user="u", key="k"), company)
        writer = BusinessCentralWriter(client, now=lambda: NOW, write_time=1.0)

        outcome = await writer.apply(plan, before=SOON)

    assert outcome == Unknown(why="it was carried out before")
