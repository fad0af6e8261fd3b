"""What people do with a card, from end to end."""

from tests.build import TENANT
from tests.stories.world import ANA, BO, DEV, when


async def test_ana_approves_and_a_draft_order_stands_in_the_erp(world):
    message = await world.recommend()

    reply = await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    (order,) = world.orders()
    assert "Ana Ruiz" in reply.text
    assert order["status"] == "Draft"
    assert order["vendorNumber"] == world.vendor["number"]
    quantities = [line["quantity"] for line in order["purchaseOrderLines"] if line["quantity"]]
    assert quantities == [400]
    assert order["number"] in message.text
    assert world.erp.posted_irreversibly == []
    await world.settled()
    kept = [kind for kind in await world.story(world.id) if kind != "repainted"]
    assert kept == ["received", "routed", "posted", "decided", "write_started", "written"]


async def test_the_source_can_read_what_became_of_it(world):
    message = await world.recommend()
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)
    (order,) = world.orders()

    _, again = await world.send(world.sent)
    told = await world.tell(again["id"])

    assert told["state"] == "written"
    assert told["receipt"]["document"] == order["number"]
    assert told["decision"]["by"]["name"] == "Ana Ruiz"


async def test_bo_overrides_with_a_reason_and_nothing_is_written(world):
    message = await world.recommend()

    form = await world.teams.press(BO, message, "override")
    nothing = await world.teams.press(BO, message, "confirm_override")
    other = await world.teams.press(BO, message, "confirm_override", code="other", text=" ")
    done = await world.teams.press(
        BO, message, "confirm_override", code="other", text="We rent one until Friday"
    )
    await world.teams.wait_for(lambda: "We rent one until Friday" in message.text)
    await world.settled()

    assert "Override" in form.text
    assert "reason" in nothing.text.lower()
    assert "few words" in other.text
    assert "Bo Lind" in done.text
    assert world.orders() == []
    assert "decided" in await world.story()


async def test_ana_approves_with_another_quantity_and_that_is_what_is_written(world):
    message = await world.recommend()

    await world.teams.press(ANA, message, "changes")
    bad = await world.teams.press(ANA, message, "recost", quantity_0="lots")
    confirm = await world.teams.press(ANA, message, "recost", quantity_0="250")
    assert world.orders() == []
    await world.teams.press(ANA, message, "approve_changed")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    (order,) = world.orders()
    assert "lots" in bad.text
    assert "400" in confirm.text
    assert "250" in confirm.text
    quantities = [line["quantity"] for line in order["purchaseOrderLines"] if line["quantity"]]
    assert quantities == [250]


async def test_ana_puts_it_off_and_it_comes_back(world):
    message = await world.recommend()

    await world.teams.press(ANA, message, "not_now")
    await world.teams.press(
        ANA, message, "confirm_not_now", code="waiting_for_person", until=when(seconds=2)
    )
    await world.teams.wait_for(lambda: len(message.history) >= 2)
    shelved = message.card
    await world.teams.wait_for(lambda: message.card != shelved, within=10)
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert len(world.orders()) == 1


async def test_somebody_else_is_told_whose_decision_it_is(world):
    message = await world.recommend()

    for verb in ("approve", "override", "not_now", "changes"):
        reply = await world.teams.press(DEV, message, verb)
        message.private.clear()
        assert "Ana Ruiz" in reply.text
        assert "Nothing was changed" in reply.text
    await world.settled()

    assert world.orders() == []
    assert (await world.story()).count("click_refused") == 4


async def test_a_form_that_somebody_else_makes_up_is_refused_too(world):
    message = await world.recommend()
    data = world.teams_data(message)

    for verb, typed in (
        ("confirm_override", {"code": "data_wrong"}),
        ("confirm_not_now", {"code": "waiting_for_person", "until": when(hours=1)}),
        ("approve_changed", {"fields": {"quantity_0": "1"}, "plan": "0" * 64}),
        ("acknowledge", {}),
        ("retry", {}),
    ):
        reply = await world.teams.click(DEV, message, verb, data | typed)
        assert "Ana Ruiz" in reply.text, verb
    await world.settled()

    assert world.orders() == []
    assert "decided" not in await world.story()


async def test_a_second_click_gets_the_answer_that_stands(world):
    message = await world.recommend()
    data = world.teams_data(message, "approve")

    await world.teams.click(ANA, message, "approve", data)
    again = await world.teams.click(ANA, message, "approve", data)
    late = await world.teams.click(BO, message, "approve", data)
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert len(world.orders()) == 1
    assert again.status == 200
    assert "already answered" not in again.text
    assert "already" in late.text
    assert (await world.story()).count("decided") == 1


async def test_a_card_from_an_earlier_round_says_so(world):
    message = await world.recommend()
    data = world.teams_data(message, "approve")
    world.erp.set_item(world.item["number"], unitCost="3.10")
    await world.teams.click(ANA, message, "approve", data)

    reply = await world.teams.click(ANA, message, "approve", data)

    assert "out of date" in reply.text
    assert world.orders() == []


async def test_the_erp_moved_between_card_and_click(world):
    message = await world.recommend()
    world.erp.set_vendor(world.vendor["number"], blocked="All")

    reply = await world.teams.press(ANA, message, "approve")
    await world.settled()

    assert "blocked" in reply.text.lower()
    assert world.orders() == []
    assert "asked_again" in await world.story()


async def test_a_moved_price_is_shown_and_asked_again(world):
    message = await world.recommend()
    world.erp.set_item(world.item["number"], unitCost="3.10")

    asked = await world.teams.press(ANA, message, "approve")
    assert world.orders() == []
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "PO-" in message.text)

    assert "2.85 → 3.1" in asked.text
    assert len(world.orders()) == 1


async def test_why_unfolds_the_arithmetic(world):
    message = await world.recommend()

    why = await world.teams.press(DEV, message, "why")
    back = await world.teams.press(DEV, message, "back")

    assert "Line 2 stands still" in why.text
    assert "Consumption of the last ten days" in why.text
    assert "Approve" in back.text


async def test_people_can_ask_what_is_open(world):
    await world.recommend()

    await world.teams.message(DEV, "open")
    answer = await world.teams.wait_for(lambda: world.teams.find("Show"))

    assert "Bearings 6205 run out on Thursday" in answer.text


async def test_a_button_of_an_unknown_recommendation_is_answered_kindly(world):
    message = await world.recommend()

    reply = await world.teams.click(ANA, message, "approve", {"rec": "0000000000", "round": 1})

    assert "not known here" in reply.text


async def test_a_refresh_by_the_client_decides_nothing(world):
    message = await world.recommend()
    data = world.teams_data(message, "approve")

    reply = await world.teams.click(ANA, message, "approve", data, trigger="automatic")
    await world.settled()

    assert "Approve" in reply.text
    assert world.orders() == []
    assert "decided" not in await world.story()


async def test_outside_its_channel_only_those_who_may_decide_can_see_it(world):
    message = await world.recommend()
    data = world.teams_data(message, "approve")
    chat = {"conversationType": "personal", "tenantId": TENANT, "id": "a:1personal"}

    seen = await world.teams.click(ANA, message, "why", data, conversation=chat)
    hidden = [
        await world.teams.click(DEV, message, verb, data, conversation=chat)
        for verb in ("why", "show", "approve", "confirm_override")
    ]

    assert "Line 2 stands still" in seen.text
    assert {reply.text for reply in hidden} == {hidden[0].text}
    assert "not known here" in hidden[0].text


async def test_in_a_personal_chat_people_see_what_is_theirs(world):
    await world.recommend()

    await world.teams.message(ANA, "open", channel="a:1personal-ana")
    await world.teams.message(DEV, "open", channel="a:1personal-dev")
    await world.teams.message(DEV, f"why {world.id}", channel="a:1personal-dev")
    await world.teams.wait_for(lambda: len(world.teams.messages("a:1personal-dev")) == 2)
    mine = await world.teams.wait_for(lambda: world.teams.last("a:1personal-ana"))

    assert "Bearings 6205" in mine.text
    assert "Bearings 6205" not in world.teams.messages("a:1personal-dev")[0].text
    assert "Bearings 6205" not in world.teams.messages("a:1personal-dev")[1].text


async def test_an_item_that_was_deleted_meanwhile_is_named_and_nothing_is_written(world):
    message = await world.recommend()
    item = world.erp.store.by("items", "number", world.item["number"])
    world.erp.store.drop("items", item["id"])

    reply = await world.teams.press(ANA, message, "approve")
    await world.settled()

    assert world.item["number"] in reply.text
    assert "approve" not in world.verbs(message)
    assert world.orders() == []
