"""Business Central says that something changed, and what waited for it is tried at once."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.clock import utc_now
from bot.workflow.hints import hinted, keep_listening
from bot.workflow.retry import RetryLaterError
from erp.ports import ErpUnreachableError
from tests.bot.demo.free_port import a_free_port
from tests.stories.world import World

SECRET = "fifteen-and-one-more"  # noqa: S105  good on loopback only


class ListeningWorld(World):
    """A world whose bot Business Central can reach, at an address that is known beforehand."""

    def __init__(self, database, folder):
        super().__init__(database, folder)
        self.port = a_free_port()
        self.notices = f"http://127.0.0.1:{self.port}/api/erp/notices"

    def environment(self):
        return super().environment() | {
            "COUNTERSIGN_PORT": str(self.port),
            "COUNTERSIGN_BC_NOTICES_URL": self.notices,
            "COUNTERSIGN_BC_NOTICES_SECRET": SECRET,
        }


@pytest.fixture
async def world(database, tmp_path):
    """The running program, told of changes, on each database."""
    async with ListeningWorld(database, tmp_path) as made:
        await made.teams.wait_for(lambda: len(made.erp.webhooks.subscriptions) == 2)
        yield made


async def test_a_card_that_waits_for_the_erp_is_tried_when_the_erp_says_so(world):
    world.erp.set_vendor("V1010", blocked="All")
    message = await world.recommend()
    assert "blocked" in message.text
    world.erp.set_vendor("V1010", blocked="_x0020_")

    assert await world.erp.webhooks.tell("vendors") == 202

    # By itself it would be tried again after five minutes.
    await world.teams.wait_for(lambda: "approve" in world.verbs(message), within=20)


async def test_a_notice_without_our_secret_changes_nothing(world):
    world.erp.set_vendor("V1010", blocked="All")
    message = await world.recommend()
    world.erp.set_vendor("V1010", blocked="_x0020_")

    assert await world.erp.webhooks.tell("vendors", state="guessed") == 202
    await world.settled()

    assert "approve" not in world.verbs(message)
    assert len(world.erp.webhooks.subscriptions) == 2


async def test_an_erp_that_asks_gets_its_token_back_as_plain_text(world):
    token = {"validationToken": "<b>abc</b>"}
    async with world.http.post(world.notices, params=token) as answer:
        assert (answer.status, await answer.text()) == (200, "<b>abc</b>")
        assert answer.content_type == "text/plain"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async with world.http.post(world.notices, params={"validationToken": "x" * 3000}) as answer:
        assert answer.status == 400


async def test_a_notice_that_is_too_large_is_not_read(world):
    large = io.BytesIO(b" " * (1024 * 1024 + 1))
    async with world.http.post(world.notices, data=large) as answer:
        assert answer.status == 413


async def test_an_erp_that_does_not_want_to_is_asked_again_later(world):
    class Unwilling:
        async def keep(self):
            raise ErpUnreachableError("Business Central", "no notices of items: not today")

        def heard(self, body):
            return bool(body)

    with pytest.raises(RetryLaterError, match="not today"):
        await keep_listening(world.bot.ctx, Unwilling())


async def test_what_was_lined_up_ends_where_notices_were_given_up(world):
    await keep_listening(world.bot.ctx, None)

    assert len(world.erp.webhooks.subscriptions) == 2


async def test_notices_that_come_together_are_one_look(world):
    later = utc_now().replace(second=30, microsecond=0) + timedelta(hours=1)
    for second in (0, 1, 2, 4):
        ctx = replace(world.bot.ctx, now=lambda: later + timedelta(seconds=second))  # noqa: B023  used at once
        await hinted(ctx)

    afterwards, lease = later + timedelta(minutes=1), timedelta(minutes=1)
    looks = await world.bot.ctx.store.turn(
        lambda unit: unit.jobs.claim(afterwards, lease, 10, kinds={"look"})
    )

    assert [job.due_at - later for job in looks] == [timedelta(seconds=3), timedelta(seconds=6)]
