"""No secret ever stands in a log, in an answer, on a card or in the database."""

import io
import logging
import re
import secrets
from dataclasses import replace

from bot.settings import Settings
from bot.workflow import keys
from tests.stories.world import ANA, World

JWT = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}")


class Telling(World):
    """A world whose own secrets can be told from everything else."""

    app_secret = secrets.token_urlsafe(24)
    webhook_secret = secrets.token_urlsafe(24)

    async def start(self):
        self.erp.reader = replace(self.erp.reader, secret=secrets.token_urlsafe(24))
        self.erp.writer = replace(self.erp.writer, secret=secrets.token_urlsafe(24))
        await super().start()

    def environment(self):
        mine = {
            "COUNTERSIGN_APP_SECRET": self.app_secret,
            "COUNTERSIGN_WEBHOOK_SECRET": self.webhook_secret,
        }
        return super().environment() | mine


async def test_no_secret_is_ever_logged_answered_or_kept(tmp_path):
    path = tmp_path / "countersign.db"
    heard = io.StringIO()
    handler, root = logging.StreamHandler(heard), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    answers = []
    try:
        async with Telling(f"sqlite:///{path}", tmp_path) as world:
            message = await world.recommend()
            data = world.teams_data(message, "approve")
            answers.append(await world.teams.click(ANA, message, "approve", data))
            odd = f"eyJ{'a' * 20}.b"
            answers.append(await world.teams.click(ANA, message, "approve", data, token=odd))
            await world.teams.wait_for(lambda: "PO-" in message.text, within=30)
            for body in ("{secret-body", '["secret-body"]', '{"id": "secret-body"}'):
                answers.append(await raw(world, body))  # noqa: PERF401  one after the other
            await world.settled()
            found = secret_values(world)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)

    log, said = heard.getvalue(), repr([*answers, *(one.history for one in [message])])
    kept = b"".join(one.read_bytes() for one in tmp_path.glob("countersign.db*"))
    assert len(log.splitlines()) > 20
    for name, value in found.items():
        assert value not in log, name
        assert value not in said, name
        assert value.encode() not in kept, name
    assert JWT.findall(log) == JWT.findall(said) == []
    assert "secret-body" not in log
    assert "Traceback" not in said


async def raw(world, body):
    async with world.http.post(
        f"{world.url}/api/v1/recommendations",
        data=body,
        headers=world.headers | {"Content-Type": "application/json"},
    ) as answer:
        return await answer.text()


def secret_values(world):
    """Return every secret of the installation, by its name."""
    settings = {
        name: world.environment()[f"COUNTERSIGN_{name.upper()}"]
        for name, field in Settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    }
    master = world.webhook_secret.encode()
    return settings | {
        "key": world.headers["Authorization"].removeprefix("Bearer "),
        "webhook": keys.webhook_secret_text(master, "planner"),
        "half of the key": world.headers["Authorization"][-20:],
    }
