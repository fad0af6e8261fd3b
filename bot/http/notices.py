"""Where an ERP says that something changed: answered at once, believed as far as “look again”."""

import logging
from typing import Final

from aiohttp import web

from bot.workflow.context import Context
from bot.workflow.hints import hinted
from erp.ports import Hints

PATH: Final = "/api/erp/notices"

_LONGEST_TOKEN: Final = 2048
_LONGEST: Final = 1024 * 1024
"""Bytes; a thousand changes at once come as one notice."""

log = logging.getLogger(__name__)


def notice_routes(ctx: Context, hints: Hints) -> tuple[web.RouteDef, ...]:
    """Return the endpoint; an ERP that asks whether the address is ours gets its token back."""

    async def notices(request: web.Request) -> web.Response:
        token = request.query.get("validationToken")
        if token is not None:
            if len(token) > _LONGEST_TOKEN:
                return web.Response(status=400)
            headers = {"X-Content-Type-Options": "nosniff"}
            return web.Response(text=token, content_type="text/plain", headers=headers)
        if (request.content_length or 0) > _LONGEST:
            return web.Response(status=413)
        if hints.heard(await request.read()):
            await hinted(ctx)
        else:
            log.warning("a notice without our secret was passed over")
        # The same answer to everybody: whoever guesses a secret learns nothing.
        return web.Response(status=202)

    return (web.post(PATH, notices),)
