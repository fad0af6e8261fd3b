"""Whether the program lives, and whether it is ready for work."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from aiohttp import web

from bot.http.metrics import Gauges
from bot.workflow.context import Context

PATIENCE: Final = 5.0
"""Seconds that the database has to answer."""

STALE: Final = timedelta(minutes=10)
"""A job that has been due for longer is shown; to restart the program would not help it."""


def health_routes(ctx: Context, gauges: Gauges) -> Sequence[web.RouteDef]:
    """Return `/healthz` (the process answers) and `/readyz` (the database does, too).

    `/readyz` names each part and how it is. `reduced` names what the ERP's connector reads in a
    lesser way, and why.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        parts = await _parts(ctx)
        wrong = [what for what in parts.values() if what != "ok"]
        if wrong:
            return web.json_response({"status": wrong[0], "parts": parts}, status=503)
        figures = await gauges.read()
        oldest = figures.oldest_due if figures else None
        return web.json_response(
            {
                "status": "ready",
                "parts": parts,
                "audit_entries": figures.audit_entries if figures else None,
                "oldest_due": oldest.isoformat() if oldest else None,
                "stale": oldest is not None and ctx.now() - oldest > STALE,
                "reduced": dict(ctx.erp.capabilities().reduced),
            }
        )

    return (web.get("/healthz", healthz), web.get("/readyz", readyz))


async def _parts(ctx: Context) -> dict[str, str]:
    try:
        current = await asyncio.wait_for(ctx.store.has_newest_layout(), PATIENCE)
    except Exception:  # noqa: BLE001  whatever is wrong with the database, we are not ready
        return {"database": "the database does not answer"}
    layout = "ok" if current else "the database has another layout: run `countersign migrate`"
    return {"database": "ok", "layout": layout}
