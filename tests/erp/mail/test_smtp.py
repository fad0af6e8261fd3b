"""The SMTP port, over a real connection: what each way to fail means for the mail."""

import ssl

import pytest

from erp.mail.message import Mail, composed
from erp.mail.smtp import MailServer, SmtpPort
from erp.ports import Applied, NotSent, Refused, Unknown
from tests.build import NOW
from tests.fakes.entra import a_certificate
from tests.fakes.mail import FakeMailServer

MAIL = Mail(
    sender="purchasing@plant.example",
    to="orders@vendor.example",
    subject="About order PO-1",
    text="When?\n.\n..two dots",
    message_id="<CS-7KX2M9QH4T.0123456789ab@plant.example>",
)

GOOD = {"user": "countersign", "password": "right"}
BAD = GOOD | {"password": "wrong"}


@pytest.fixture
async def server():
    async with FakeMailServer() as made:
        yield made


def port(server, **changes):
    where = {"host": server.host, "port": server.port, "security": "none"} | changes
    return SmtpPort(MailServer(**where), now=lambda: NOW, step=2.0, delivery=1.0)


async def send(server, *, still_ours=lambda: True, **changes):
    return await port(server, **changes).send(MAIL, still_ours=still_ours)


async def test_a_mail_is_handed_over_once_byte_for_byte(server):
    outcome = await send(server)

    assert outcome == Applied(document=MAIL.to, document_id=MAIL.message_id)
    (mail,) = server.mails
    assert (mail.sender, mail.to, mail.data) == (MAIL.sender, MAIL.to, composed(MAIL, at=NOW))


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
async def test_a_permanent_no_is_a_refusal_in_the_servers_words(server, command):
    server.replies[command] = "550 no such user here"

    outcome = await send(server)

    assert isinstance(outcome, Refused)
    assert outcome.code == "550"
    assert "550 no such user here" in outcome.text
    assert server.mails == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA", "."])
async def test_a_passing_no_leaves_the_mail_unsent(server, command):
    server.replies[command] = "451 try again later"

    outcome = await send(server)

    assert isinstance(outcome, NotSent)
    assert "451 try again later" in outcome.why
    assert server.mails == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
async def test_a_connection_lost_before_the_mail_leaves_it_unsent(server, command):
    server.losing.add(command)

    assert isinstance(await send(server), NotSent)
    assert server.mails == []


async def test_an_answer_lost_after_the_mail_is_a_doubt(server):
    server.losing.add(".")

    assert isinstance(await send(server), Unknown)
    assert len(server.mails) == 1


async def test_an_answer_that_never_comes_after_the_mail_is_a_doubt(server):
    server.silent.add(".")

    assert isinstance(await send(server), Unknown)
    assert len(server.mails) == 1


async def test_a_server_that_is_not_there_leaves_the_mail_unsent():
    outcome = await SmtpPort(
        MailServer(host="127.0.0.1", port=9, security="none"), now=lambda: NOW
    ).send(MAIL, still_ours=lambda: True)

    assert isinstance(outcome, NotSent)


async def test_who_lost_the_right_to_send_hands_nothing_over(server):
    outcome = await send(server, still_ours=lambda: False)

    assert isinstance(outcome, NotSent)
    assert server.mails == []
    assert not any(one.startswith("DATA") for one in server.commands)


async def test_a_log_in_that_is_not_accepted_sends_nothing(server):
    server.log_in = tuple(GOOD.values())

    outcome = await send(server, **BAD)

    assert isinstance(outcome, NotSent)
    assert outcome.retry_after is not None
    assert "535" in outcome.why
    assert "wrong" not in outcome.why
    assert server.mails == []


async def test_a_server_that_does_not_encrypt_gets_neither_log_in_nor_mail(server):
    server.log_in = tuple(GOOD.values())

    outcome = await send(server, security="starttls", **GOOD)

    assert isinstance(outcome, NotSent)
    assert server.mails == []
    assert not any(one.startswith("AUTH") for one in server.commands)


@pytest.fixture
def tls(tmp_path):
    private, public = a_certificate()
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "ca.pem").write_bytes(public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    return context, str(tmp_path / "ca.pem")


async def test_the_log_in_and_the_mail_travel_encrypted(tls):
    context, ca = tls
    async with FakeMailServer(tls=context, log_in=tuple(GOOD.values())) as server:
        outcome = await send(server, security="starttls", trusted_ca=ca, **GOOD)

        assert isinstance(outcome, Applied)
        words = [one.split(" ")[0].upper() for one in server.commands]
        assert words.index("STARTTLS") < words.index("AUTH") < words.index("MAIL")
        assert [mail.to for mail in server.mails] == [MAIL.to]


async def test_a_server_that_speaks_tls_from_the_first_byte_is_spoken_to_like_that(tls):
    context, ca = tls
    async with FakeMailServer(tls=context, tls_at_once=True) as server:
        outcome = await send(server, security="tls", trusted_ca=ca)

        assert isinstance(outcome, Applied)
        assert not any(one.startswith("STARTTLS") for one in server.commands)
        assert [mail.to for mail in server.mails] == [MAIL.to]


async def test_a_server_with_an_unknown_certificate_gets_nothing(tls):
    context, _ = tls
    async with FakeMailServer(tls=context, log_in=tuple(GOOD.values())) as server:
        outcome = await send(server, security="starttls", **GOOD)

        assert isinstance(outcome, NotSent)
        assert server.mails == []
        assert not any(one.startswith("AUTH") for one in server.commands)
