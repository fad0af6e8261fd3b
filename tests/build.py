"""Records with valid defaults; a test names only what it is about."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from decisions.actions import CreatePurchaseOrder, OrderLine
from decisions.audit import GENESIS, AuditEvent, Entry, next_entry
from decisions.costing import Impact, ImpactLine
from decisions.countersign import Authority
from decisions.lifecycle import State
from decisions.money import Currency, Money, Rates
from decisions.people import Channel, ChannelId, Person, PersonId, Posting, TenantId
from decisions.plan import Change, PlannedRequest, Precondition, WritePlan
from decisions.quantity import Quantity, Unit
from decisions.recommendation import (
    Decision,
    DecisionId,
    Fact,
    FieldCheck,
    Place,
    Proposal,
    RawRecommendation,
    Receipt,
    Recommendation,
    RecommendationId,
    Subject,
)
from decisions.routing import EscalationStep, Plant, PlantId, Route, RoutingTable, Rule
from decisions.signature import Keyring, SigningKey

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday, ten o'clock in the plant."""

EUR = Currency("EUR")
USD = Currency("USD")
PCS = Unit("PCS")

TENANT = TenantId("0f2d7c64-5c0e-4a8e-9a53-1d3f5c8b7e10")
OTHER_TENANT = TenantId("9b1a2f33-7d41-4c6f-8e2a-aa00bb11cc22")
ANA = Person(id=PersonId("a11ce000-0000-4000-8000-000000000001"), name="Ana Ruiz")
BO = Person(id=PersonId("b0b00000-0000-4000-8000-000000000002"), name="Bo Lind")
CLEO = Person(id=PersonId("c1e00000-0000-4000-8000-000000000003"), name="Cleo Marsh")
DEV = Person(id=PersonId("de000000-0000-4000-8000-000000000004"), name="Dev Patel")
"""Ana owns, Bo is her deputy, Cleo is asked next, Dev is nobody on the route."""

PLANT = Plant(
    id=PlantId("BREMEN"), name="Bremen works", timezone="Europe/Berlin", language="en-GB"
)
CHANNEL = Channel(
    id=ChannelId("19:purchasing@thread.tacv2"),
    tenant=TENANT,
    service_url="https://smba.trafficmanager.net/emea/",
    name="Purchasing",
    bot_id="28:c0000000-0000-4000-8000-00000000b07e",
)
ID = RecommendationId("7KX2M9QH4T")
SIGNING_KEY = SigningKey.new()
AUTHORITY = Authority(
    keyring=Keyring.read(SIGNING_KEY.public_pem), tenant=TENANT, company="CRONUS"
)


def eur(amount: str | int) -> Money:
    """Return an amount in euros."""
    return Money(Decimal(amount), EUR)


def usd(amount: str | int) -> Money:
    """Return an amount in US dollars."""
    return Money(Decimal(amount), USD)


def pieces(number: str | int) -> Quantity:
    """Return a number of pieces."""
    return Quantity(Decimal(number), PCS)


def an_order_line(**overrides) -> OrderLine:
    """Return forty bearings at 31.25 EUR."""
    defaults = {
        "item": "1000-B6204",
        "quantity": pieces(40),
        "unit_cost": eur("31.25"),
        "location": "MAIN",
        "expected_receipt_date": date(2026, 3, 9),
    }
    return OrderLine(**defaults | overrides)


def an_order_action(**overrides) -> CreatePurchaseOrder:
    """Return a purchase order of one line, 1,250.00 EUR."""
    defaults = {"vendor": "V-2040", "currency": EUR, "lines": (an_order_line(),)}
    return CreatePurchaseOrder(**defaults | overrides)


def an_impact_line(**overrides) -> ImpactLine:
    """Return a line standing still for 1,800 EUR an hour from tomorrow on."""
    defaults = {
        "kind": "downtime",
        "amount": eur(1800),
        "per": "hour",
        "probability": Decimal("0.6"),
        "basis": "Line 3 makes 120 pumps an hour at 15 EUR contribution.",
        "bites_at": NOW + timedelta(hours=6),
        "ends_at": NOW + timedelta(hours=14),
        "step": "after that only air freight arrives in time",
    }
    return ImpactLine(**defaults | overrides)


def an_impact(**overrides) -> Impact:
    """Return one line of downtime, and what the order costs."""
    defaults = {"lines": (an_impact_line(),), "cost_of_acting": eur("1250.00")}
    return Impact(**defaults | overrides)


def a_subject(**overrides) -> Subject:
    """Return the bearing that runs out."""
    defaults = {
        "item": "1000-B6204",
        "item_name": "Deep groove bearing 6204",
        "vendor": "V-2040",
        "vendor_name": "Nordlager GmbH",
    }
    return Subject(**defaults | overrides)


def a_fact(**overrides) -> Fact:
    """Return a stock figure, ten minutes old."""
    defaults = {
        "name": "stock on hand",
        "value": "12",
        "unit": "PCS",
        "source": "Business Central",
        "observed_at": NOW - timedelta(minutes=10),
        "recorded_at": NOW - timedelta(minutes=9),
    }
    return Fact(**defaults | overrides)


def a_proposal(**overrides) -> Proposal:
    """Return a stockout that a purchase order prevents."""
    defaults = {
        "kind": "stockout_risk",
        "plant": PLANT.id,
        "headline": "Bearings 6204 run out on Wednesday",
        "subject": a_subject(),
        "facts": (a_fact(),),
        "confidence": Decimal("0.86"),
        "impact": an_impact(),
        "action": an_order_action(),
        "valid_until": NOW + timedelta(days=2),
        "rationale": "Twelve are left, line 3 takes eight a day, and the vendor needs five days.",
    }
    return Proposal(**defaults | overrides)


def an_escalation_step(**overrides) -> EscalationStep:
    """Return Cleo, asked after four hours."""
    defaults = {"after": timedelta(hours=4), "to": CLEO}
    return EscalationStep(**defaults | overrides)


def a_route(**overrides) -> Route:
    """Return the way to Ana, with Bo as her deputy and Cleo after four hours."""
    defaults = {
        "rule": "purchasing",
        "plant": PLANT,
        "channel": CHANNEL.id,
        "owner": ANA,
        "deputies": (BO,),
        "sla": timedelta(hours=4),
        "escalation": (an_escalation_step(),),
    }
    return Route(**defaults | overrides)


def a_rule(**overrides) -> Rule:
    """Return a rule that sends everything to Ana."""
    defaults = {
        "name": "purchasing",
        "kinds": frozenset(),
        "plants": frozenset(),
        "channel": CHANNEL.id,
        "owner": ANA,
        "deputies": (BO,),
        "sla": timedelta(hours=4),
        "escalation": (an_escalation_step(),),
    }
    return Rule(**defaults | overrides)


def a_routing_table(**overrides) -> RoutingTable:
    """Return one plant, a rule that catches all, and a rate for dollars."""
    defaults = {
        "plants": {PLANT.id: PLANT},
        "rules": (),
        "catch_all": a_rule(name="everything else"),
        "rates": Rates(base=EUR, per_unit={USD: Decimal("0.92")}),
    }
    return RoutingTable(**defaults | overrides)


def a_change(**overrides) -> Change:
    """Return a quantity on a new line."""
    defaults = {"field": "quantity", "subject": "1000-B6204", "before": None, "after": pieces(40)}
    return Change(**defaults | overrides)


def a_precondition(**overrides) -> Precondition:
    """Return a vendor that must not be blocked."""
    defaults = {"name": "vendor blocked", "subject": "V-2040", "value": "no"}
    return Precondition(**defaults | overrides)


def a_plan(**overrides) -> WritePlan:
    """Return a new draft order for forty bearings."""
    defaults = {
        "connector": "business_central",
        "company": "CRONUS",
        "marker": f"CS-{ID}",
        "requests": (
            PlannedRequest(
                method="POST",
                path="/purchaseOrders",
                body='{"vendorNumber":"V-2040","purchaseOrderLines":[{"quantity":40}]}',
            ),
        ),
        "preconditions": (
            a_precondition(),
            a_precondition(
                name="unit cost", subject="1000-B6204", value="31.25", tolerance=Decimal("0.50")
            ),
        ),
        "changes": (
            a_change(field="vendor", subject="", after="Nordlager GmbH"),
            a_change(),
            a_change(field="unit_cost", after=eur("31.25")),
            a_change(field="expected_receipt_date", after=date(2026, 3, 9)),
            a_change(field="order_total", subject="", after=eur("1250.00")),
        ),
        "cost": eur("1250.00"),
    }
    return WritePlan(**defaults | overrides)


def a_decision(**overrides) -> Decision:
    """Return Ana's approval of the plan above, in the first round."""
    defaults = {
        "id": DecisionId("D00000000A"),
        "round": 1,
        "verdict": "approve",
        "by": ANA,
        "tenant": TENANT,
        "at": NOW + timedelta(minutes=5),
        "seen_revision": 2,
        "invoke_id": "f:1d2c3b4a",
        "plan_hash": a_plan().hash,
    }
    return Decision(**defaults | overrides)


def a_receipt(**overrides) -> Receipt:
    """Return a draft order that reads back as it was approved."""
    defaults = {
        "document": "106023",
        "document_id": "5d115c9c-44e3-ea11-bb43-000d3a2feca1",
        "read_at": NOW + timedelta(minutes=6),
        "fields": (
            FieldCheck(
                field="quantity", subject="1000-B6204", planned=pieces(40), found=pieces(40)
            ),
        ),
    }
    return Receipt(**defaults | overrides)


def a_raw_recommendation(**overrides) -> RawRecommendation:
    """Return what the source sent."""
    defaults = {
        "source": "planner",
        "source_id": "planner-4711",
        "body": '{"id": "planner-4711", "kind": "stockout_risk"}',
        "received_at": NOW,
    }
    return RawRecommendation(**defaults | overrides)


def a_recommendation(**overrides) -> Recommendation:
    """Return one that stands on a card and waits for Ana, its plan built."""
    proposal = overrides.get("proposal", a_proposal())
    name = overrides.get("id", ID)
    defaults = {
        "id": name,
        "source": "planner",
        "source_id": "planner-4711",
        "content_hash": "c" * 64,
        "received_at": NOW,
        "proposal": proposal,
        "action": proposal.action,
        "route": a_route(),
        "state": State.AWAITING,
        "revision": 2,
        "posted_at": NOW,
        "place": Place(position=1, of=1, reason="only"),
        "plan": a_plan(marker=f"CS-{name}"),
        "history": (("posted", NOW),),
    }
    return Recommendation(**defaults | overrides)


def a_proposed(**overrides) -> Recommendation:
    """Return one that just came in: no card, no plan, no place yet."""
    defaults = {
        "state": State.PROPOSED,
        "revision": 1,
        "posted_at": None,
        "place": None,
        "plan": None,
        "history": (),
    }
    return a_recommendation(**defaults | overrides)


def an_approved(**overrides) -> Recommendation:
    """Return one that Ana approved and nobody has written yet."""
    waiting = a_recommendation(**overrides)
    decision = a_decision(
        round=waiting.round, plan_hash=waiting.plan.hash if waiting.plan else None
    )
    approved = replace(
        waiting,
        state=overrides.get("state", State.APPROVED),
        revision=waiting.revision + 1,
        decision=overrides.get("decision", decision),
        history=(*waiting.history, ("approved", decision.at)),
    )
    return signed(approved)


def signed(one: Recommendation, key: SigningKey = SIGNING_KEY) -> Recommendation:
    """Return the recommendation with a signature under its decision as it stands."""
    signature = key.sign(one, one.decision)
    return replace(one, decision=replace(one.decision, signature=signature))


def a_proof(one: Recommendation, **body) -> Entry:
    """Return the entry that the chain holds of a decision."""
    decision = one.decision
    held = {"decision": decision.id, "plan_hash": decision.plan_hash} | body
    event = an_event(kind="decided", recommendation=one.id, actor=decision.by.id, body=held)
    return next_entry(event, last_seq=0, last_hash=GENESIS)


def a_posting(**overrides) -> Posting:
    """Return the place of a card in the channel."""
    defaults = {
        "channel": CHANNEL.id,
        "service_url": CHANNEL.service_url,
        "conversation_id": f"{CHANNEL.id};messageid=1772442000000",
        "activity_id": "1772442000000",
    }
    return Posting(**defaults | overrides)


def an_event(**overrides) -> AuditEvent:
    """Return something that happened."""
    defaults = {
        "kind": "posted",
        "at": NOW,
        "recommendation": ID,
        "actor": None,
        "body": {"revision": 2},
    }
    return AuditEvent(**defaults | overrides)
