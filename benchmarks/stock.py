"""A stock botbuilder bot that verifies the token and echoes a card; nothing else.

`CloudAdapter.process` of 4.17.1 answers 500 to an invoke reply that is a plain object, so the
reply is given as the msrest model that it can serialise.
"""

import asyncio
import sys

from aiohttp import web
from botbuilder.core import ActivityHandler, InvokeResponse, TurnContext
from botbuilder.integration.aiohttp import CloudAdapter
from botbuilder.schema import AdaptiveCardInvokeResponse
from botframework.connector.auth import (
    BotFrameworkAuthenticationFactory,
    PasswordServiceClientCredentialFactory,
)

ISSUER = "https://api.botframework.com"


class Echo(ActivityHandler):
    """Answers every click with the card it was given."""

    async def on_invoke_activity(self, turn_context: TurnContext) -> InvokeResponse:
        """Return the smallest card that Teams takes."""
        del turn_context
        card = {"type": "AdaptiveCard", "version": "1.5", "body": []}
        body = AdaptiveCardInvokeResponse(
            status_code=200, type="application/vnd.microsoft.card.adaptive", value=card
        )
        return InvokeResponse(status=200, body=body)


async def serve(port: int, app_id: str, metadata_url: str) -> None:
    """Listen on loopback until the process is ended."""
    login = "https://login.microsoftonline.com/botframework.com"
    authentication = BotFrameworkAuthenticationFactory.create(
        to_channel_from_bot_login_url=login,
        to_channel_from_bot_oauth_scope=ISSUER,
        to_bot_from_channel_token_issuer=ISSUER,
        oauth_url="https://api.botframework.com",
        to_bot_from_channel_open_id_metadata_url=metadata_url,
        to_bot_from_emulator_open_id_metadata_url=metadata_url,
        caller_id="urn:botframework:azure",
        credential_factory=PasswordServiceClientCredentialFactory(app_id, "no secret is used"),
    )
    adapter, bot = CloudAdapter(authentication), Echo()

    async def messages(request: web.Request) -> web.Response:
        return await adapter.process(request, bot)

    app = web.Application()
    app.router.add_post("/api/messages", messages)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
