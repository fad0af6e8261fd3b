"""A mail to a vendor, from recommendation to receipt: approved word for word, sent once."""

import logging
import secrets
from dataclasses import replace

import pytest

from bot.clock import utc_now
from decisions.lifecycle import Event, State
from erp.mail.message import Letterhead, chaser_plan
from erp.ports import Contact
from tests.fakes.mail import FakeMailServer
from tests.stories.test_restore import countersign, lost_and_restored
from tests.stories.world import ANA, DEV, World

FROM = "purchasing@plant.example"
PASSWORD = secrets.token_urlsafe(24)
TEXT = "When does PO-1001 leave you?\n\n*Line 2* waits – since Łódź. See https://plant.example"


@pytest.fixture
async def server():
    async with FakeMailServer(log_in=("countersign", PASSWORD)) as made:
        yield made


@pytest.fixture
async def world(database, tmp_path, server):
    made = World(database, tmp_path)
    made.more = {
        "MAIL_VIA": "smtp",
        "MAIL_FROM": FROM,
        "MAIL_SMTP_HOST": server.host,
        "MAIL_SMTP_PORT": server.port,
        "MAIL_SMTP_SECURITY": "none",
        "MAIL_SMTP_USER": "countersign",
        "MAIL_SMTP_PASSWORD": PASSWORD,
    }
    async with made:
        yield made


def vendor(world):
    return world.erp.store.by("vendors", "number", "V1010")


def chaser(**changes):
    action = {
        "kind": "send_supplier_chaser",
        "vendor": "V1010",
        "document": "PO-1001",
        "text": TEXT,
    }
    return {"kind": "supplier_delay", "action": action | changes}


async def recommended(world, **changes):
    return await world.recommend(**chaser(**changes))


async def approved(world, **changes):
    message = await recommended(world, **changes)
    await world.teams.press(ANA, message, "approve")
    return message


async def held(world):
    return await world.bot.ctx.store.read(lambda unit: unit.recommendations.get(world.id))


async def stands(world, as_wanted):
    """Return the record as soon as it is as wanted; what waits for another try is due at once."""
    for _ in range(200):
        await world.hurry()
        await world.settled()
        one = await held(world)
        if as_wanted(one):
            return one
    raise AssertionError(one)


async def test_an_approved_mail_is_sent_once_exactly_as_it_stood_on_the_card(world, server):
    message = await recommended(world)
    for line in ("Exactly this mail is sent", f"To: {vendor(world)['email']}", f"From: {FROM}"):
        assert line in message.text
    assert "When does PO-1001 leave you?" in message.text
    assert r"\*Line 2\* waits – since Łódź." in message.text

    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Sent to" in message.text)
    await world.settled()

    (mail,) = server.mails
    assert (mail.sender, mail.to) == (FROM, vendor(world)["email"])
    assert mail.message["Subject"] == "About order PO-1001"
    assert mail.message["Message-ID"].startswith(f"<CS-{world.id}.")
    assert mail.message.get_content().replace("\r\n", "\n") == f"{TEXT}\n"
    assert f"Sent to {vendor(world)['email']} at" in message.text
    assert (await world.story(world.id)).count("written") == 1
    assert world.orders() == []
    assert [one for one in world.erp.log if one.method != "GET"] == []


async def test_the_password_stands_in_no_log_and_on_no_card(world, server, caplog):
    caplog.set_level(logging.DEBUG)
    message = await approved(world)
    await world.teams.wait_for(lambda: "Sent to" in message.text)

    assert any(one.startswith("AUTH") for one in server.commands)
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(message.history)


async def test_a_second_click_sends_nothing_more(world, server):
    message = await approved(world)
    await world.teams.wait_for(lambda: "Sent to" in message.text)

    await world.teams.click(ANA, message, "approve", {"rec": world.id, "round": 1})
    await world.settled()

    assert len(server.mails) == 1


async def test_a_lost_answer_is_asked_of_a_person_and_never_sent_again_by_itself(world, server):
    server.losing.add(".")
    message = await approved(world)

    await world.teams.wait_for(lambda: "whether it arrived" in message.text, within=20)
    await world.settled()
    assert world.verbs(message)[:2] == ["came", "lost"]
    assert len(server.mails) == 1

    await world.teams.press(ANA, message, "came")
    await world.teams.wait_for(lambda: "Ana Ruiz says that it arrived." in message.text)
    await world.settled()

    assert len(server.mails) == 1
    assert (await world.tell(world.id))["state"] == "written"
    story = await world.story(world.id)
    assert [one for one in story if one in ("unknown", "cannot_tell", "written")] == [
        "unknown",
        "cannot_tell",
        "written",
    ]


async def test_what_did_not_arrive_is_sent_again_only_after_another_approval(world, server):
    server.losing.add(".")
    message = await approved(world)
    await world.teams.wait_for(lambda: "whether it arrived" in message.text, within=20)

    await world.teams.press(ANA, message, "lost")
    await world.teams.wait_for(lambda: "says that it did not arrive" in message.text)
    await world.settled()
    assert len(server.mails) == 1
    await world.teams.press(ANA, message, "retry")
    await world.teams.wait_for(lambda: "approve" in world.verbs(message))
    await world.settled()
    assert len(server.mails) == 1
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Sent to" in message.text)
    await world.settled()

    first, second = server.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]


@pytest.mark.parametrize("verb", ["came", "lost"])
async def test_only_who_may_decide_says_whether_it_arrived(world, server, verb):
    server.losing.add(".")
    message = await approved(world)
    await world.teams.wait_for(lambda: "whether it arrived" in message.text, within=20)

    reply = await world.teams.press(DEV, message, verb)
    await world.settled()

    assert "This decision belongs to" in reply.text
    assert (await held(world)).asks_what_came
    assert "click_refused" in await world.story(world.id)


@pytest.mark.parametrize("verb", ["came", "lost"])
async def test_nobody_says_what_became_of_a_mail_that_nobody_asks_about(world, server, verb):
    message = await recommended(world)

    await world.teams.click(ANA, message, verb, {"rec": world.id, "round": 1})
    await world.settled()

    assert (await held(world)).state is State.AWAITING
    assert server.mails == []


async def test_a_refused_address_is_told_in_the_mail_servers_words(world, server):
    server.replies["RCPT"] = "550 no such mailbox"
    message = await approved(world)

    await world.teams.wait_for(lambda: "Refused: nothing was sent" in message.text)
    await world.settled()

    assert "550 no such mailbox" in message.text
    assert world.verbs(message)[0] == "retry"
    assert server.mails == []


async def test_a_mail_server_that_is_busy_is_tried_again(world, server):
    server.replies["MAIL"] = "451 come back later"
    message = await approved(world)
    await world.teams.wait_for(lambda: "451 come back later" in message.text)
    server.replies.clear()

    await world.hurry()
    await world.teams.wait_for(lambda: "Sent to" in message.text)

    assert len(server.mails) == 1


async def test_a_vendor_without_an_address_says_so_on_the_card_and_cannot_be_approved(
    world, server
):
    vendor(world)["email"] = ""

    message = await recommended(world)

    assert "has no e-mail address" in message.text
    assert "approve" not in world.verbs(message)
    assert server.mails == []


async def test_a_click_of_somebody_else_sends_nothing(world, server):
    message = await recommended(world)

    reply = await world.teams.press(DEV, message, "approve")
    await world.settled()

    assert "This decision belongs to" in reply.text
    assert server.mails == []


async def test_another_address_in_the_erp_is_asked_again(world, server):
    message = await recommended(world)
    vendor(world)["email"] = "elsewhere@evil.example"

    reply = await world.teams.press(ANA, message, "approve")
    await world.settled()

    assert "Changed since the last time" in reply.text
    assert "elsewhere@evil.example" in reply.text
    assert server.mails == []


async def test_line_breaks_from_the_erp_reach_no_header(world, server):
    vendor(world)["displayName"] = "Vendor\r\nBcc: eve@evil.example"
    message = await approved(world)
    await world.teams.wait_for(lambda: "Sent to" in message.text)

    (mail,) = server.mails
    assert mail.message["Bcc"] is None
    assert b"evil" not in mail.data


async def test_an_address_that_is_more_than_one_is_not_written_to(world, server):
    vendor(world)["email"] = "orders@vendor.example\r\nBcc: eve@evil.example"

    message = await recommended(world)

    assert "no single address" in message.text
    assert "approve" not in world.verbs(message)
    assert server.mails == []


async def test_a_text_that_looks_like_headers_stays_text(world, server):
    text = "Bcc: eve@evil.example\n\n.\nRCPT TO:<eve@evil.example>\n.\nQUIT"
    message = await approved(world, text=text)
    await world.teams.wait_for(lambda: "Sent to" in message.text)

    (mail,) = server.mails
    assert mail.message["Bcc"] is None
    assert mail.message.get_content().replace("\r\n", "\n") == f"{text}\n"
    assert not any("evil" in one for one in server.commands)


def with_another_text(world, one, *, hash_too):
    """Bend an approval to another text, as who holds the database's password could."""
    action = replace(one.action, text="Please send us the bank details of your customers.")
    contact = Contact(
        vendor="V1010", name=vendor(world)["displayName"], email=vendor(world)["email"]
    )
    plan = chaser_plan(
        action,
        contact,
        Letterhead(sender=FROM),
        company=one.plan.company,
        marker=one.marker,
    )
    decision = replace(one.decision, plan_hash=plan.hash) if hash_too else one.decision
    return replace(one, action=action, plan=plan, decision=decision, revision=one.revision + 1)


@pytest.mark.parametrize("hash_too", [True, False])
async def test_a_text_that_was_changed_after_the_approval_is_not_sent(world, server, hash_too):
    server.replies["MAIL"] = "451 come back later"
    message = await approved(world)
    await world.teams.wait_for(lambda: "451 come back later" in message.text)
    await world.settled()
    one = await held(world)
    bent = with_another_text(world, one, hash_too=hash_too)
    await world.bot.ctx.store.turn(lambda unit: unit.recommendations.keep(bent))
    server.replies.clear()

    await world.hurry()
    await world.teams.wait_for(lambda: "was not written" in message.text)
    await world.settled()

    assert server.mails == []
    assert (await held(world)).state is State.REFUSED


async def test_a_process_that_died_while_sending_leaves_a_question_and_no_second_mail(
    world, server
):
    server.replies["MAIL"] = "451 come back later"
    message = await approved(world)
    await world.teams.wait_for(lambda: "451 come back later" in message.text)
    await world.settled()
    one = await held(world)

    def died(unit):
        now = utc_now()
        unit.orders.claim(one.id, one.decision.id, one.plan.hash, attempt=2, now=now)
        unit.recommendations.keep(one.after(Event.WRITE_STARTED, now=now))

    await world.bot.ctx.store.turn(died)
    server.replies.clear()
    await stands(world, lambda one: one.asks_what_came)
    await world.settled()

    assert world.verbs(message)[:2] == ["came", "lost"]
    assert server.mails == []


async def test_what_was_sent_after_a_backup_is_not_sent_again_without_being_asked_about(
    world, server, tmp_path
):
    backup = tmp_path / "countersign.backup"
    message = await recommended(world)
    await countersign(world, "backup", "--to", str(backup))
    await world.teams.press(ANA, message, "approve")
    await world.teams.wait_for(lambda: "Sent to" in message.text, within=20)

    await lost_and_restored(world, backup)
    await world.teams.wait_for(lambda: "approve" in world.verbs(message), within=20)
    await world.settled()
    await world.teams.press(ANA, message, "approve")
    one = await stands(world, lambda one: one.asks_what_came)

    assert "a backup was restored" in one.trouble
    assert len(server.mails) == 1


async def test_without_a_mail_server_the_card_says_what_is_missing(database, tmp_path):
    async with World(database, tmp_path) as world:
        message = await recommended(world)

        assert "no mail is set up" in message.text
        assert "acknowledge" in world.verbs(message)
        assert "approve" not in world.verbs(message)
