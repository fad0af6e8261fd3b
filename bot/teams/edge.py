"""The HTTP edge: one request of the Bot Framework in, one answer out.

Not botbuilder's own `CloudAdapter`: in 4.17.1 that one answers 500 to every invoke whose reply
has a body, and to every bad token, and builds two HTTP clients a turn. A click does not become a
turn at all: with the token verified, it costs 0.4 ms over bare aiohttp, and 1.2 ms as a turn.
"""

import json
import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Protocol, cast

from aiohttp import web
from botbuilder.core import InvokeResponse, TurnContext
from botbuilder.core.cloud_adapter_base import CloudAdapterBase
from botbuilder.schema import Activity, ActivityTypes, ResourceResponse
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import (
    AuthenticateRequestResult,
    BotFrameworkAuthentication,
    ClaimsIdentity,
    ConnectorFactory,
    UserTokenClient,
)
from msrest.exceptions import (  # type: ignore[attr-defined]  # not in its __all__
    DeserializationError,
)

from bot.teams.handler import RECEIVED, Surface
from bot.teams.keys import KeysUnreachableError
from bot.teams.tokens import TokenRefusedError
from bot.teams.wire import message_answer, text_at

LARGEST_BODY: Final = 512 * 1024
"""Far above what Teams sends: a message has 100 KB ("Format your bot messages")."""

_LOG: Final = logging.getLogger(__name__)


class Gate(Protocol):
    """Decides whether a request may speak to us."""

    async def admit(self, request: web.BaseRequest, activity: Mapping[str, object]) -> None:
        """Let it in, or raise `TokenRefusedError` or `KeysUnreachableError`."""
        ...


class OutsideTheOutboxError(AssertionError):
    """Something tried to send within a turn; everything that is said goes through the outbox."""


class _Unfit(Exception):  # noqa: N818  not an error: it carries the answer to a request that is no activity
    def __init__(self, status: HTTPStatus, why: str) -> None:
        self.status = status
        self.why = why
        super().__init__(why)


class Edge(CloudAdapterBase):
    """Admits requests, gives clicks to the surface, and everything else a turn of botbuilder."""

    def __init__(self, *, gate: Gate, surface: Surface) -> None:
        """Guard this surface with that gate."""
        super().__init__(_AlreadyAdmitted())
        self._gate = gate
        self._surface = surface

    async def process(self, request: web.Request) -> web.Response:
        """Answer one request to the messaging endpoint."""
        try:
            activity = await _activity(request)
            await self._gate.admit(request, activity)
        except _Unfit as unfit:
            return web.Response(status=unfit.status, text=unfit.why)
        except TokenRefusedError as refused:
            _LOG.warning("%s", refused)
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"})
        except KeysUnreachableError as unreachable:
            _LOG.error("%s", unreachable)
            return web.Response(status=503, headers={"Retry-After": "5"})
        if activity["type"] == ActivityTypes.invoke:
            return await self._answered(activity)
        return await self._taken(activity)

    async def send_activities(
        self, context: TurnContext, activities: list[Activity]
    ) -> list[ResourceResponse]:
        """Take the answer to an invoke; refuse to send anything.

        Raises:
            OutsideTheOutboxError: it is a message.
        """
        if any(one.type != ActivityTypes.invoke_response for one in activities):
            raise OutsideTheOutboxError
        sent: list[ResourceResponse] = await super().send_activities(context, activities)
        return sent

    async def _answered(self, activity: Mapping[str, object]) -> web.Response:
        """Answer an invoke with 200 whatever happens: on anything else Teams sends it again."""
        try:
            if activity.get("name") == "adaptiveCard/action":
                return _json(await self._surface.click(activity))
            response = await self._turn(activity)
            return _json(response.body if response else message_answer("Nothing was decided."))
        except DeserializationError:
            return _json(message_answer("This does not have the shape of a click."))
        except Exception:  # noqa: BLE001  whatever it was, Teams must not send the click again
            reference = secrets.token_hex(4)
            _LOG.exception("An invoke failed.", extra={"correlation_id": reference})
            return _json(message_answer(_apology(reference)))

    async def _taken(self, activity: Mapping[str, object]) -> web.Response:
        try:
            await self._turn(activity)
        except DeserializationError:
            return web.Response(status=400, text="The activity does not have the right shape.")
        except Exception:  # noqa: BLE001  the edge is where errors end
            reference = secrets.token_hex(4)
            _LOG.exception("An activity failed.", extra={"correlation_id": reference})
            return web.Response(status=500, text=f"Reference {reference}")
        return web.Response(status=201)

    async def _turn(self, activity: Mapping[str, object]) -> InvokeResponse | None:
        async def logic(turn: TurnContext) -> None:
            turn.turn_state[RECEIVED] = activity
            await self._surface.on_turn(turn)

        admitted = AuthenticateRequestResult()
        admitted.claims_identity = ClaimsIdentity({}, is_authenticated=True)
        admitted.connector_factory = _NoConnector()
        read = Activity().deserialize(activity)  # type: ignore[no-untyped-call]  # botbuilder
        response: InvokeResponse | None = await self.process_activity(admitted, read, logic)
        return response


_SILENT: Final = cast("ConnectorClient", object())
"""Stands where a turn wants a client of the Bot Connector; nothing is sent within a turn."""


class _NoConnector(ConnectorFactory):
    async def create(self, service_url: str, audience: str) -> ConnectorClient:
        del service_url, audience
        return _SILENT


class _AlreadyAdmitted(BotFrameworkAuthentication):
    """Botbuilder's seam for authentication; the gate has done that before there is a turn."""

    async def authenticate_request(
        self, activity: Activity, auth_header: str
    ) -> AuthenticateRequestResult:
        """Refuse: no request comes this way."""
        del activity, auth_header
        raise TokenRefusedError("requests are admitted by the gate of the edge")

    async def authenticate_streaming_request(
        self, auth_header: str, channel_id_header: str
    ) -> AuthenticateRequestResult:
        """Refuse: the streaming endpoint is not routed."""
        del auth_header, channel_id_header
        raise TokenRefusedError("there is no streaming endpoint")

    def create_connector_factory(self, claims_identity: ClaimsIdentity) -> ConnectorFactory:
        """Refuse: nothing is sent by way of botbuilder."""
        del claims_identity
        raise OutsideTheOutboxError

    async def create_user_token_client(self, claims_identity: ClaimsIdentity) -> UserTokenClient:
        """Return nothing: nobody signs in within a turn."""
        del claims_identity
        return cast("UserTokenClient", None)


async def _activity(request: web.Request) -> Mapping[str, object]:
    """Read a JSON object with a type and a service URL."""
    if request.content_type != "application/json":
        raise _Unfit(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send application/json.")
    try:
        found: object = json.loads(await _body(request))
    except (ValueError, RecursionError):
        raise _Unfit(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from None
    if not text_at(found, "type") or not text_at(found, "serviceUrl"):
        raise _Unfit(HTTPStatus.BAD_REQUEST, "The body is not an activity.")
    return cast("Mapping[str, object]", found)


async def _body(request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise _Unfit(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
    return bytes(body)


def _json(body: object) -> web.Response:
    text = json.dumps(body, separators=(",", ":"), default=_mapping)
    return web.Response(text=text, content_type="application/json")


def _mapping(value: object) -> object:
    """Write read-only mappings as objects."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _apology(reference: str) -> str:
    return (
        "Sorry, that did not work. Nothing was decided unless the card says so: look at it, "
        "then click again. The same click never counts twice. "
        f"If it keeps happening, tell your administrator reference {reference}."
    )
