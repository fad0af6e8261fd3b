"""Somebody holds the password of the database and tries to have an order written."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.workflow import lineup
from decisions.audit import AuditEvent
from decisions.lifecycle import State
from decisions.people import TenantId
from decisions.recommendation import Decision, DecisionId
from decisions.signature import SigningKey
from storage.tables import jobs, orders
from tests.build import SIGNING_KEY, TENANT, signed
from tests.stories.world import ANA, ROUTING, World, when

SECURITY = "19:security@thread.tacv2"
GUARDED = ROUTING.replace("channels: {", f'alarms: security\nchannels: {{security: "{SECURITY}", ')


@pytest.fixture
async def world(database, tmp_path):
    """A plant whose people in charge have a channel for alarms."""
    async with World(database, tmp_path, routing=GUARDED) as made:
        await made.teams.install(ANA, SECURITY)
        yield made


async def slipped_in(world, one):
    """Put an approval into every table that holds a part of one, entry in the chain included."""

    def turn(unit):
        decision = one.decision
        unit.recommendations.keep(one)
        if unit.decisions.get(decision.id) is None:
            unit.decisions.add(one.id, decision)
        body = {"decision": decision.id, "plan_hash": decision.plan_hash, "verdict": "approve"}
        unit.audit.append(
            AuditEvent(
                kind="decided",
                at=utc_now(),
                recommendation=one.id,
                actor=decision.by.id,
                body=body,
            )
        )
        unit.jobs.add("write", f"slipped:{one.id}", {"id": one.id}, due_at=utc_now())

    await world.bot.ctx.store.turn(turn)


async def held(world, recommendation_id=None):
    wanted = recommendation_id or world.id
    return await world.bot.ctx.store.read(lambda unit: unit.recommendations.get(wanted))


def an_approval_of(one, **changes):
    defaults = {
        "id": DecisionId("FORGED0001"),
        "round": one.round,
        "verdict": "approve",
        "by": ANA,
        "tenant": TENANT,
        "at": utc_now(),
        "seen_revision": one.revision,
        "invoke_id": "f:forged",
        "plan_hash": one.plan.hash,
    }
    return replace(
        one,
        state=State.APPROVED,
        revision=one.revision + 1,
        decision=Decision(**defaults | changes),
    )


async def stopped(world, *, orders=0, why):
    """Check that nothing was written, and that the people in charge know."""
    alarm = await world.teams.wait_for(lambda: world.teams.last(SECURITY), within=20)
    await world.settled()
    assert why in alarm.text
    assert len(world.orders()) == orders
    assert "alarm" in await world.story()


async def test_an_inserted_approval_without_a_signature_writes_nothing(world):
    await world.recommend()

    await slipped_in(world, an_approval_of(await held(world)))

    await stopped(world, why="signature")


async def test_an_inserted_approval_under_a_key_of_ones_own_writes_nothing(world):
    await world.recommend()

    await slipped_in(world, signed(an_approval_of(await held(world)), SigningKey.new()))

    await stopped(world, why="signature")


async def approved_while_the_erp_is_away(world, **changes):
    message = await world.recommend(**changes)
    world.erp.faults.down = True
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "cannot be read" in message.text)
    return await held(world)


async def back_again(world):
    world.erp.faults.down = False
    await world.hurry()


async def test_an_approval_replayed_onto_another_payload_writes_nothing(world):
    one = await approved_while_the_erp_is_away(world)
    dearer = replace(one.plan, cost=replace(one.plan.cost, amount=one.plan.cost.amount * 10))
    swapped = replace(one, plan=dearer, decision=replace(one.decision, plan_hash=dearer.hash))

    await slipped_in(world, replace(swapped, revision=one.revision + 1))
    await back_again(world)

    await stopped(world, why="signature")


async def test_an_approval_replayed_onto_another_recommendation_writes_nothing(world):
    first = await world.recommend()
    await world.teams.press(ANA, first, "approve")
    await world.teams.wait_for(lambda: "PO-" in first.text)
    genuine = (await held(world)).decision
    await world.recommend(id="planner-2")
    other = await held(world)

    replayed = replace(genuine, id=DecisionId("REPLAYED01"), plan_hash=other.plan.hash)
    await slipped_in(world, replace(an_approval_of(other), decision=replayed))

    await stopped(world, orders=1, why="signature")


async def test_an_approval_for_another_company_writes_nothing(world):
    one = await approved_while_the_erp_is_away(world)
    moved = replace(one.plan, company="00000000-0000-4000-8000-0000000000ff")
    forged = replace(one, plan=moved, decision=replace(one.decision, plan_hash=moved.hash))

    await slipped_in(world, replace(forged, revision=one.revision + 1))
    await back_again(world)

    await stopped(world, why="signature")


async def test_an_approval_of_another_company_writes_nothing_even_when_it_is_signed(world):
    await world.recommend()
    one = await held(world)
    moved = replace(one.plan, company="00000000-0000-4000-8000-0000000000ff")

    await slipped_in(world, signed(an_approval_of(replace(one, plan=moved)), SIGNING_KEY))

    await stopped(world, why="company")


async def test_an_approval_of_another_tenant_writes_nothing_even_when_it_is_signed(world):
    await world.recommend()
    stranger = TenantId("9b1a2f33-7d41-4c6f-8e2a-aa00bb11cc22")

    await slipped_in(world, signed(an_approval_of(await held(world), tenant=stranger)))

    await stopped(world, why="tenant")


async def test_an_approval_that_expired_before_it_was_written_writes_nothing(world):
    await approved_while_the_erp_is_away(world, valid_until=when(seconds=4))
    message = world.teams.last()
    await world.teams.wait_for(lambda: utc_now() >= world.valid_until, within=10)

    await back_again(world)

    await stopped(world, why="expired")
    await world.teams.wait_for(lambda: "nothing was written in time" in message.text)
    assert "Ana Ruiz approved this" in message.text


async def test_a_deadline_that_was_moved_by_hand_writes_nothing(world):
    one = await approved_while_the_erp_is_away(world)
    longer = replace(one.proposal, valid_until=one.proposal.valid_until + timedelta(days=9))

    await slipped_in(world, replace(one, proposal=longer, revision=one.revision + 1))
    await back_again(world)

    await stopped(world, why="signature")


async def test_a_genuine_approval_that_was_written_is_not_written_again(world):
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)
    await world.settled()
    one = await held(world)

    def turn(unit):
        unit._connection.execute(orders.delete())  # noqa: SLF001  an intruder has no manners
        unit._connection.execute(jobs.delete().where(jobs.c.kind == "write"))  # noqa: SLF001
        unit.recommendations.keep(
            replace(one, state=State.APPROVED, receipt=None, revision=one.revision + 1)
        )
        lineup.write(unit, one, due_at=utc_now())

    await world.bot.ctx.store.turn(turn)

    await stopped(world, orders=1, why="acted on before")


async def test_a_signing_key_that_was_taken_out_of_use_counts_no_more(world):
    await approved_while_the_erp_is_away(world)
    world.signing_key = SigningKey.new()
    await world.stop()
    await world.start()

    await back_again(world)

    await stopped(world, why="signature")


async def test_while_keys_are_changed_over_what_the_old_one_signed_is_written(world):
    await approved_while_the_erp_is_away(world)
    message = world.teams.last()
    world.verify_keys, world.signing_key = world.signing_key.public_pem, SigningKey.new()
    await world.stop()
    await world.start()

    await back_again(world)

    await world.teams.wait_for(lambda: "PO-" in message.text, within=20)
    assert len(world.orders()) == 1


async def test_the_decision_that_is_kept_carries_its_signature_into_the_chain(world):
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")

    one = await held(world)
    story = await world.bot.ctx.store.read(lambda unit: unit.audit.checked(one.id))

    body = next(entry.event.body for entry in story if entry.event.kind == "decided")
    assert body["signature"] == {
        "key": SIGNING_KEY.id,
        "value": one.decision.signature.value,
    }
