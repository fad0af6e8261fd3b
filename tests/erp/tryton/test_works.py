"""The connector on a real Tryton, beyond what every connector keeps."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import aiohttp
import pytest

from decisions.actions import (
    AddPurchaseOrderLine,
    CancelDraftPurchaseOrder,
    SetPurchaseOrderQuantity,
    SetReceiptDate,
)
from decisions.quantity import Quantity, Unit
from erp.ports import (
    Applied,
    ErpUnreachableError,
    Found,
    Moved,
    NotPlannableError,
    NotSent,
    Refused,
    Surroundings,
    Unknown,
)
from erp.tryton.calls import CREATE, MOVE, WRITE
from erp.tryton.client import LogIn, Place, TrytonClient
from erp.tryton.connector import CONNECTOR
from erp.tryton.reader import TrytonReader
from erp.tryton.writer import TrytonWriter
from tests.build import NOW, USD, eur, pieces, usd
from tests.erp.contract import MARKER, SOON
from tests.erp.tryton.bench import ITEM
from tests.erp.tryton.company import NAME, READER, WRITER
from tests.erp.tryton.office import Office, TrytonRefusedError
from tests.erp.tryton.plant import DATABASE, skip_unless_installed

skip_unless_installed()

RELEASED = "1"
"""The number of the purchase that the works start with."""


@pytest.fixture
def released_line(bench):
    """The id of its line."""
    return bench.line(RELEASED)


def settings(bench, **overrides):
    """Return what an installation would decide."""
    return {
        "url": bench.way.url,
        "database": DATABASE,
        "company": NAME,
        "web_client": "https://tryton.example",
        "reader_user": READER[0],
        "reader_password": READER[1],
        "writer_user": WRITER[0],
        "writer_password": WRITER[1],
    } | overrides


async def written(bench, action=None):
    """Plan and apply; return the plan and where it stands."""
    plan = await bench.reader.plan(action or bench.action, marker=MARKER)
    applied = await bench.writer.apply(plan, before=SOON)
    assert isinstance(applied, Applied), applied
    return plan, Found(document=applied.document, document_id=applied.document_id)


def edited(bench, document, quantity=55):
    """Return an action that changes the first line's quantity."""
    return SetPurchaseOrderQuantity(
        document=document, line=bench.line(document), quantity=pieces(quantity)
    )


class TestReadingWidely:
    async def test_everything_that_tryton_knows_is_in_the_snapshot(self, bench):
        seen = await bench.reader.snapshot(bench.reader.capabilities().reads)

        day = bench.plant.today
        assert [(one.number, one.unit, one.unit_cost) for one in seen.items] == [
            (ITEM, "PCS", eur("30.10")),
            ("2000-P50", "PCS", eur("410.00")),
        ]
        assert [(one.number, one.email, one.blocked) for one in seen.vendors] == [
            ("V-2040", "orders@nordlager.example", False)
        ]
        assert [one.code for one in seen.locations] == ["MAIN", "ANNEX"]
        assert {(one.item, one.location): one.quantity for one in seen.stock} == {
            (ITEM, "MAIN"): pieces(112),
            (ITEM, "ANNEX"): pieces(0),
            ("2000-P50", "MAIN"): pieces(0),
            ("2000-P50", "ANNEX"): pieces(0),
        }
        (line,) = seen.purchase_lines
        assert (line.document, line.vendor, line.item) == (RELEASED, "V-2040", ITEM)
        assert (line.outstanding, line.status) == (pieces(60), "released")
        assert (line.expected, line.location) == (day + timedelta(days=3), "MAIN")
        (made,) = seen.production
        assert (made.item, made.quantity) == ("2000-P50", pieces(20))
        assert (made.starts, made.due) == (day + timedelta(days=8), day + timedelta(days=10))
        (need,) = seen.needs
        assert (need.item, need.quantity, need.due) == (ITEM, pieces(40), made.starts)
        assert (seen.whole, seen.missing) == (frozenset(), {})

    async def test_what_tryton_has_nowhere_is_missing_with_a_reason(self, bench):
        seen = await bench.reader.snapshot(["budgets", "machines", "locations"])

        assert set(seen.missing) == {"budgets", "machines"}
        assert all(seen.missing.values())
        assert len(seen.locations) == 2

    async def test_what_the_log_in_may_not_read_is_missing_with_trytons_reason(self, bench):
        company = bench.office.context["company"]
        log_in = ("nobody-much", "may-read-very-little-1")
        bench.office.create(
            "res.user",
            login=log_in[0],
            password=log_in[1],
            companies=[["add", [company]]],
            company=company,
        )
        reader = TrytonReader(bench.client(bench.reading, *log_in), now=lambda: NOW)

        seen = await reader.snapshot(["purchase_lines", "items"])

        assert set(seen.missing) == {"purchase_lines"}
        assert "not allowed" in seen.missing["purchase_lines"]
        assert len(seen.items) == 2

    async def test_a_module_that_is_not_switched_on_is_what_is_asked_about(self, bench):
        bench.way.next("model.production.search_read", "no such model")

        seen = await bench.reader.snapshot(["production", "locations"])

        assert "module" in seen.missing["production"]
        assert len(seen.locations) == 2

    async def test_since_then_only_what_changed_is_read(self, bench):
        await bench.reader.snapshot(["locations"])
        then = bench.last_change()
        await written(bench)

        seen = await bench.reader.snapshot(bench.reader.capabilities().reads, since=then)

        assert [line.document for line in seen.purchase_lines] == ["(2)"]
        assert await bench.reader.marked(since=then) != ()
        assert (seen.vendors, seen.locations, seen.production, seen.needs) == ((), (), (), ())
        assert seen.whole == {"items", "stock"}
        assert len(seen.items) == 2

    async def test_a_delivery_in_parts_shows_each_part_that_is_still_to_come(self, bench):
        (move,) = bench.office.find("stock.move", ["origin.id", "=", 1, "purchase.line"])
        later = bench.office.do("stock.move.copy", [move], {"quantity": 20.0})
        bench.office.do("stock.move.write", [move], {"quantity": 40.0})
        bench.office.do(
            "stock.move.write",
            later,
            {"planned_date": bench.plant.today + timedelta(days=9), "origin": "purchase.line,1"},
        )

        seen = await bench.reader.snapshot(["purchase_lines"])

        parts = {(one.outstanding, one.expected) for one in seen.purchase_lines}
        assert parts == {
            (pieces(40), bench.plant.today + timedelta(days=3)),
            (pieces(20), bench.plant.today + timedelta(days=9)),
        }

    async def test_an_erp_that_is_away_gives_no_snapshot(self, bench):
        await bench.away()

        with pytest.raises(ErpUnreachableError):
            await bench.reader.snapshot(["items"])


class TestNewPurchases:
    async def test_a_new_purchase_carries_what_trytons_own_client_would_fill_in(self, bench):
        _, found = await written(bench)

        stands = bench.office.read(
            "purchase.purchase",
            int(found.document_id),
            *("state", "invoice_method", "invoice_address.street", "warehouse.code"),
            *("untaxed_amount", "tax_amount", "reference", "description", "lines.taxes"),
        )
        assert stands["state"] == "draft"
        assert stands["invoice_method"] == "manual"
        assert stands["invoice_address."]["street"] == "Am Kai 4"
        assert stands["warehouse."]["code"] == "MAIN"
        assert (stands["untaxed_amount"], stands["tax_amount"]) == (
            Decimal("1250.00"),
            Decimal("237.50"),
        )
        assert stands["reference"] == stands["description"] == f"Countersign {MARKER}"

    async def test_it_is_found_though_a_person_typed_the_vendors_reference_over_ours(self, bench):
        plan, found = await written(bench)
        bench.office.do(
            "purchase.purchase.write", [int(found.document_id)], {"reference": "NL-77/A"}
        )

        assert await bench.writer.probe(plan) == found

    async def test_it_keeps_its_first_name_when_it_gets_a_number_or_is_cancelled(self, bench):
        plan, found = await written(bench)

        bench.office.do("purchase.purchase.quote", [int(found.document_id)])

        assert await bench.writer.probe(plan) == found
        assert (await bench.writer.verify(plan, found)).document == found.document
        (marked,) = await bench.reader.marked(since=NOW)
        assert marked.document == found.document
        bench.office.do("purchase.purchase.cancel", [int(found.document_id)])
        assert await bench.writer.probe(plan) == found
        assert await bench.reader.marked(since=NOW) == ()

    async def test_the_receipt_links_to_trytons_own_client(self, bench):
        async with aiohttp.ClientSession() as session:
            around = Surroundings(
                settings=settings(bench), session=session, now=lambda: NOW, read_within=20.0
            )
            writer = CONNECTOR.writer(around)
            plan, found = await written(bench)

            receipt = await writer.verify(plan, found)

        assert receipt.link == f"https://tryton.example/#{DATABASE}/model/purchase.purchase/2"

    async def test_two_warehouses_or_another_currency_are_not_planned(self, bench):
        line = bench.action.lines[0]
        dollars = replace(line, unit_cost=usd("31.25"))

        for action, words in (
            (
                replace(bench.action, lines=(line, replace(line, location="ANNEX"))),
                "one warehouse",
            ),
            (replace(bench.action, lines=(dollars,), currency=USD), "ordered from in EUR"),
            (replace(bench.action, lines=(dollars,)), "priced in USD"),
        ):
            with pytest.raises(NotPlannableError, match=words):
                await bench.reader.plan(action, marker=MARKER)

    @pytest.mark.parametrize("number", ["0", "-5", "40.5", "NaN", "2000000000"])
    async def test_what_tryton_would_take_as_a_return_or_choke_on_is_not_planned(
        self, bench, number
    ):
        line = replace(bench.action.lines[0], quantity=pieces(number))

        with pytest.raises(NotPlannableError):
            await bench.reader.plan(replace(bench.action, lines=(line,)), marker=MARKER)

    async def test_another_kind_of_unit_is_not_guessed(self, bench):
        line = replace(bench.action.lines[0], quantity=Quantity(Decimal(4), Unit("KG")))

        with pytest.raises(NotPlannableError, match="cannot be turned into PCS"):
            await bench.reader.plan(replace(bench.action, lines=(line,)), marker=MARKER)

    async def test_an_item_that_is_not_bought_any_more_is_refused_by_tryton_itself(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        template = bench.office.read("product.product", bench.product(), "template")["template"]
        bench.office.do("product.template.write", [template], {"purchasable": False})

        outcome = await bench.writer.apply(plan, before=SOON)

        assert isinstance(outcome, Refused)
        assert outcome.code == "UserError"
        with pytest.raises(NotPlannableError, match="not purchasable"):
            await bench.reader.plan(bench.action, marker=MARKER)


class TestEdits:
    async def test_the_date_of_a_released_order_is_moved_on_the_delivery(
        self, bench, released_line
    ):
        day = bench.plant.today + timedelta(days=12)
        action = SetReceiptDate(document=RELEASED, line=released_line, expected_receipt_date=day)

        plan, found = await written(bench, action)

        assert plan.requests[0].path == MOVE
        (move,) = bench.office.find("stock.move", ["origin.id", "=", 1, "purchase.line"])
        assert bench.office.read("stock.move", move, "planned_date")["planned_date"] == day
        assert (await bench.writer.verify(plan, found)).clean
        (line,) = (await bench.reader.snapshot(["purchase_lines"])).purchase_lines
        assert line.expected == day

    async def test_a_delivery_that_came_or_was_packed_meanwhile_is_left_alone(
        self, bench, released_line
    ):
        action = SetReceiptDate(
            document=RELEASED,
            line=released_line,
            expected_receipt_date=bench.plant.today + timedelta(days=12),
        )
        plan = await bench.reader.plan(action, marker=MARKER)
        (move,) = bench.office.find("stock.move", ["origin.id", "=", 1, "purchase.line"])
        bench.office.do("stock.move.do", [move])

        assert isinstance(await bench.writer.apply(plan, before=SOON), Moved)
        with pytest.raises(NotPlannableError, match="0 deliveries"):
            await bench.reader.plan(action, marker=MARKER)

    async def test_a_new_quantity_keeps_the_price_and_shows_the_new_total(self, bench):
        document, _ = await bench.draft()

        plan, found = await written(bench, edited(bench, document))

        changes = {change.field: (change.before, change.after) for change in plan.changes}
        assert changes["order_total"] == (eur("1250.00"), eur("1718.75"))
        assert plan.cost == eur("468.75")
        assert (await bench.writer.verify(plan, found)).clean

    async def test_an_edit_between_our_last_look_and_our_write_is_noticed_by_tryton(self, bench):
        document, line = await bench.draft()
        plan = await bench.reader.plan(edited(bench, document), marker=MARKER)
        patient = TrytonWriter(
            bench.client(bench.writing, *WRITER), now=lambda: NOW, write_time=30.0
        )
        bench.way.next(WRITE, "slow")

        writing = asyncio.create_task(patient.apply(plan, before=SOON))
        await bench.way.reached(WRITE)
        bench.office.do("purchase.line.write", [line], {"quantity": 41.0})

        assert isinstance(await writing, Moved)
        assert bench.quantity(document) == 41

    async def test_a_line_may_be_added_to_an_order_of_the_same_item(self, bench):
        document, _ = await bench.draft()
        action = AddPurchaseOrderLine(document=document, line=bench.action.lines[0])

        plan, found = await written(bench, action)

        assert plan.cost == eur("1250.00")
        assert (await bench.writer.verify(plan, found)).clean
        marks = {one.marker for one in await bench.reader.marked(since=NOW)}
        assert marks == {MARKER, "CS-EARLIER"}
        stands = bench.office.read(
            "purchase.purchase", int(found.document_id), "untaxed_amount", "tax_amount"
        )
        assert (stands["untaxed_amount"], stands["tax_amount"]) == (
            Decimal("2500.00"),
            Decimal("475.00"),
        )

    async def test_a_line_for_another_warehouse_than_its_order_is_not_planned(self, bench):
        document, _ = await bench.draft()
        elsewhere = replace(bench.action.lines[0], location="ANNEX")

        with pytest.raises(NotPlannableError, match="one warehouse"):
            await bench.reader.plan(
                AddPurchaseOrderLine(document=document, line=elsewhere), marker=MARKER
            )

    async def test_a_value_that_is_neither_old_nor_new_answers_no_question(self, bench):
        document, _ = await bench.draft()
        plan = await bench.reader.plan(edited(bench, document), marker=MARKER)
        bench.person_edits(document)

        searched = await bench.writer.probe(plan)

        assert "somebody else" in searched.why

    async def test_a_released_purchase_is_neither_cancelled_nor_given_another_quantity(
        self, bench
    ):
        for action in (CancelDraftPurchaseOrder(document=RELEASED), edited(bench, RELEASED)):
            with pytest.raises(NotPlannableError, match="while it is draft"):
                await bench.reader.plan(action, marker=MARKER)


class TestLogIns:
    async def test_a_read_logs_in_again_when_its_session_is_over(self, bench):
        bench.way.next("model.party.party.search_read", "session over")

        plan = await bench.reader.plan(bench.action, marker=MARKER)

        assert plan.cost == eur("1250.00")

    async def test_a_write_whose_session_is_over_was_not_sent_and_goes_the_next_time(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        bench.way.next(CREATE, "session over")

        assert isinstance(await bench.writer.apply(plan, before=SOON), NotSent)
        assert bench.count(MARKER) == 0
        assert isinstance(await bench.writer.apply(plan, before=SOON), Applied)

    async def test_a_wrong_password_sends_nothing_and_waits_before_it_tries_again(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        stranger = bench.client(bench.writing, WRITER[0], "not-this-one")

        outcome = await TrytonWriter(stranger, now=lambda: NOW).apply(plan, before=SOON)

        assert isinstance(outcome, NotSent)
        assert outcome.retry_after
        assert "not-this-one" not in outcome.why
        assert "not accepted" in outcome.why

    async def test_another_database_and_another_company_are_said_to_be_missing(self, bench):
        log_in = LogIn(user=READER[0], password=READER[1])

        for database, company, words in (
            ("nowhere", NAME, "no such database"),
            (DATABASE, "Somebody Else", "0 companies named"),
        ):
            place = Place(base_url=bench.way.url, database=database, company=company)
            reader = TrytonReader(TrytonClient(bench.reading, place, log_in), now=lambda: NOW)
            with pytest.raises(ErpUnreachableError, match=words):
                await reader.plan(bench.action, marker=MARKER)

    async def test_when_the_right_to_write_ran_out_nothing_is_sent(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)

        assert isinstance(await bench.writer.apply(plan, before=NOW), NotSent)
        assert bench.count(MARKER) == 0

    async def test_a_plan_for_another_company_or_with_another_field_is_not_sent(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        request = plan.requests[0]
        state = replace(request, body=request.body.replace('"party"', '"state":"done","party"'))
        confirm = replace(request, path="model.purchase.purchase.confirm", body="[[1]]")
        other = replace(request, body=request.body.replace('"company":1', '"company":7'))

        for wrong in (
            replace(plan, company=f"{NAME} (copy)"),
            replace(plan, connector="business_central"),
            replace(plan, marker="CS-OTHER"),
            replace(plan, requests=(state,)),
            replace(plan, requests=(confirm,)),
            replace(plan, requests=(other,)),
            replace(plan, requests=()),
        ):
            outcome = await bench.writer.apply(wrong, before=SOON)
            assert isinstance(outcome, Refused), wrong
            assert outcome.code == "not_our_plan"
        assert bench.office.find("purchase.purchase") == [1]

    async def test_the_writers_rights_end_at_drafts_and_incoming_dates(self, bench):
        writer = Office(f"{bench.plant.url}/{DATABASE}", *WRITER)
        writer.context["company"] = bench.office.context["company"]
        _, found = await written(bench)
        draft = int(found.document_id)
        (move,) = bench.office.find("stock.move", ["origin.id", "=", 1, "purchase.line"])

        for attempt in (
            ("purchase.purchase.quote", [draft]),
            ("purchase.purchase.draft", [1]),
            ("purchase.purchase.process", [1]),
            ("purchase.purchase.delete", [draft]),
            ("stock.move.do", [move]),
            ("stock.move.cancel", [move]),
            ("stock.move.write", [move], {"quantity": 1.0}),
            ("product.product.write", [bench.product()], {"code": "X"}),
            ("party.party.write", [1], {"name": "X"}),
        ):
            with pytest.raises(TrytonRefusedError, match="not allowed"):
                writer.do(*attempt)

    async def test_the_reader_writes_nothing(self, bench):
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        reading = bench.client(bench.reading, *READER)

        outcome = await TrytonWriter(reading, now=lambda: NOW).apply(plan, before=SOON)

        assert isinstance(outcome, Refused)
        assert "not allowed" in outcome.text
        assert bench.count(MARKER) == 0


class TestTheConnector:
    async def test_it_reads_and_writes_with_what_an_installation_decided(self, bench):
        bench.way.sessions.clear()  # so that both log in at Tryton itself
        async with aiohttp.ClientSession() as session:
            around = Surroundings(
                settings=settings(bench), session=session, now=lambda: NOW, read_within=20.0
            )

            plan = await CONNECTOR.reader(around).plan(bench.action, marker=MARKER)

            assert plan.company == CONNECTOR.company(around.settings) == f"{NAME} ({DATABASE})"
            assert isinstance(await CONNECTOR.writer(around).apply(plan, before=SOON), Applied)

    @pytest.mark.parametrize("trouble", ["broken", "from elsewhere"])
    async def test_an_answer_that_says_neither_yes_nor_no_is_a_doubt(self, bench, trouble):
        document, _ = await bench.draft()
        plan = await bench.reader.plan(bench.action, marker=MARKER)
        edit = await bench.reader.plan(edited(bench, document), marker=MARKER)
        bench.way.next(CREATE, trouble)
        bench.way.next(WRITE, trouble)

        assert isinstance(await bench.writer.apply(plan, before=SOON), Unknown)
        assert isinstance(await bench.writer.apply(edit, before=SOON), Unknown)
