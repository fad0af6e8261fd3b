"""Whether the program lives, and whether it is ready for work."""

from collections.abc import Sequence

from aiohttp import web

from bot.workflow.context import Context


def health_routes(ctx: Context) -> Sequence[web.RouteDef]:
    """Return `/healthz` (the process answers) and `/readyz` (the database does, too).

    `reduced` names what the ERP's connector reads in a lesser way, and why.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        try:
            seq, _hash = await ctx.store.read(lambda unit: unit.audit.head())
        except Exception:  # noqa: BLE001  whatever is wrong with the database, we are not ready
            return web.json_response({"status": "the database does not answer"}, status=503)
        reduced = dict(ctx.erp.capabilities().reduced)
        return web.json_response({"status": "ready", "audit_entries": seq, "reduced": reduced})

    return (web.get("/healthz", healthz), web.get("/readyz", readyz))
