"""Web, worker and writer as three processes, each with its own secrets and no others."""

import pytest

from bot.settings import ROLES
from tests.stories.apart import Apart
from tests.stories.world import ANA


@pytest.fixture
async def apart(database, tmp_path):
    """Three processes."""
    async with Apart(database, tmp_path) as made:
        await made.divide()
        yield made


async def test_three_processes_that_trust_each_other_with_nothing_do_the_whole_story(apart):
    message = await apart.recommend()

    await apart.teams.press(ANA, message, "approve")
    await apart.teams.wait_for(lambda: "PO-" in message.text, within=30)

    assert len(apart.orders()) == 1
    writing = {one.client for one in apart.erp.log if one.method != "GET"}
    assert writing == {apart.erp.writer.client_id}


async def test_only_the_web_role_answers_teams_and_senders(apart):
    asked = [
        (role, path, await apart.status(role, "POST", path))
        for role in ROLES
        for path in ("/api/messages", "/api/v1/recommendations")
    ]

    assert {(role, status == 404) for role, _, status in asked} == {
        ("web", False),
        ("worker", True),
        ("writer", True),
    }


async def test_without_the_writer_an_approval_waits_and_nothing_else_writes(apart):
    message = await apart.recommend()
    await apart.end("writer")

    await apart.teams.press(ANA, message, "approve")
    await apart.teams.wait_for(lambda: "Ana Ruiz approved" in message.text, within=30)
    assert apart.orders() == []
    await apart.serve("writer")

    await apart.teams.wait_for(lambda: "PO-" in message.text, within=30)
    assert len(apart.orders()) == 1


@pytest.mark.parametrize("role", ["web", "worker"])
async def test_nothing_that_another_role_holds_opens_the_erp_for_writing(apart, role):
    held = apart.given(role)
    ids = {value for name, value in held.items() if name.endswith("_ID")}
    secrets = {value for name, value in held.items() if name.endswith(("_SECRET", "_KEY"))}
    log_ins = [
        {"client_id": one, "client_secret": secret, "grant_type": "client_credentials"}
        for one in ids
        for secret in secrets
    ]
    place = f"{apart.erp.base_url}/v2.0/{apart.erp.environment}/api/v2.0/companies"
    orders = f"{place}({apart.erp.company_id})/purchaseOrders"

    statuses = set()
    for form in log_ins:
        async with apart.http.post(
            f"{apart.erp.base_url}/t/oauth2/v2.0/token", data=form
        ) as answer:
            token = (await answer.json()).get("access_token", "none")
        headers = {"Authorization": f"Bearer {token}"}
        async with apart.http.post(orders, json={}, headers=headers) as answer:
            statuses.add(answer.status)

    assert statuses == {401, 403}
