"""The Bot Connector: cards out to Teams, one request a call, and what its answers mean.

Which codes may be tried again: Microsoft, "Send and receive messages", "Status codes from bot
conversational APIs". A POST is not idempotent on Teams' side, so an answer that was lost on the
way (502, 504, a timeout, a reset) may mean a message on the screen; a PUT or a DELETE may simply
be repeated.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import aiohttp
from yarl import URL

from bot import measure
from bot.ports import (
    CardJson,
    Clock,
    PosterBusyError,
    PosterRefusedError,
    PosterUnknownError,
    PostingGoneError,
)
from bot.teams.credentials import Credentials, NoTokenError
from bot.teams.service_urls import ServiceUrls
from bot.teams.wire import CARD, id_at, text_at
from decisions.people import Channel, Posting

PATIENCE: Final = timedelta(seconds=20)
_PAUSE: Final = timedelta(seconds=5)
"""How long to wait where Teams does not say."""

_PAUSE_WITHOUT_TOKEN: Final = timedelta(minutes=1)
_LONGEST_PAUSE: Final = timedelta(hours=1)
_ASKS_TO_WAIT: Final = frozenset({412, 429, 503})
_ANSWER_LOST: Final = frozenset({502, 504})
_LOG: Final = logging.getLogger(__name__)

_Method: TypeAlias = Literal["POST", "PUT", "DELETE"]
_REPEATABLE: Final = frozenset[_Method]({"PUT", "DELETE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    body: object
    retry_after: str | None

    @property
    def code(self) -> str:
        return text_at(self.body, "error", "code") or f"HTTP {self.status}"

    @property
    def text(self) -> str:
        return text_at(self.body, "error", "message") or ""


class TeamsPoster:
    """Posts and repaints cards through the Bot Connector's REST interface."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        service_urls: ServiceUrls,
        now: Clock,
        patience: timedelta = PATIENCE,
    ) -> None:
        """Send through this session, with these credentials, to these addresses only."""
        self._session = session
        self._credentials = credentials
        self._service_urls = service_urls
        self._now = now
        self._timeout = aiohttp.ClientTimeout(total=patience.total_seconds(), connect=5)

    async def post(self, channel: Channel, card: CardJson, *, summary: str) -> Posting:
        """Post a new card: a new thread in a channel, the next message in a chat.

        Raises:
            PosterBusyError: Teams asked us to wait; the card is not there.
            PosterUnknownError: the card may be there or not.
            PosterRefusedError: Teams will not take it.
        """
        activity = _activity(card, summary) | {"from": {"id": channel.bot_id}} | _ALERT
        if not _is_channel(channel.id):
            return await self._send(channel, channel.id, activity)
        started = await self._request(
            "POST",
            channel.service_url,
            "/v3/conversations",
            {
                "isGroup": True,
                "channelData": {"channel": {"id": channel.id}},
                "tenantId": channel.tenant,
                "bot": {"id": channel.bot_id},
                "activity": activity,
            },
        )
        conversation, message = id_at(started.body, "id"), id_at(started.body, "activityId")
        if conversation is None or message is None:
            raise _lost("it named no message")
        return Posting(
            channel=channel.id,
            service_url=channel.service_url,
            conversation_id=conversation,
            activity_id=message,
        )

    async def update(self, posting: Posting, card: CardJson, *, summary: str) -> None:
        """Repaint a posted card for everybody.

        Raises:
            PosterBusyError: Teams asked us to wait, or the answer was lost; repeat it.
            PostingGoneError: somebody deleted the message.
            PosterRefusedError: Teams will not take it.
        """
        await self._request(
            "PUT",
            posting.service_url,
            f"{_messages(posting.conversation_id)}/{quote(posting.activity_id, safe='')}",
            _activity(card, summary) | {"id": posting.activity_id},
        )

    async def remove(self, posting: Posting) -> None:
        """Take a message of ours away.

        Raises:
            PosterBusyError: Teams asked us to wait, or the answer was lost; repeat it.
            PostingGoneError: somebody deleted it before.
            PosterRefusedError: Teams will not do it.
        """
        await self._request(
            "DELETE",
            posting.service_url,
            f"{_messages(posting.conversation_id)}/{quote(posting.activity_id, safe='')}",
            None,
        )

    async def say(self, channel: Channel, conversation_id: str, card: CardJson) -> Posting:
        """Answer in the thread or chat that somebody wrote in.

        Raises:
            PosterBusyError: Teams asked us to wait; the answer is not there.
            PosterUnknownError: the answer may be there or not.
            PosterRefusedError: Teams will not take it.
        """
        summary = text_at(card, "fallbackText") or "Countersign"
        activity = _activity(card, summary) | {"from": {"id": channel.bot_id}}
        return await self._send(channel, conversation_id, activity)

    async def _send(
        self, channel: Channel, conversation_id: str, activity: Mapping[str, object]
    ) -> Posting:
        sent = await self._request(
            "POST", channel.service_url, _messages(conversation_id), activity
        )
        message = id_at(sent.body, "id")
        if message is None:
            raise _lost("it named no message")
        return Posting(
            channel=channel.id,
            service_url=channel.service_url,
            conversation_id=conversation_id,
            activity_id=message,
        )

    async def _request(
        self,
        method: _Method,
        service_url: str,
        path: str,
        body: Mapping[str, object] | None,
    ) -> _Answer:
        if not self._service_urls.trust(service_url):
            raise PosterRefusedError(
                "UntrustedServiceUrl", f"{service_url} is not a Bot Connector that we trust."
            )
        token = await self._token()
        answer = await self._exchange(method, service_url.rstrip("/") + path, body, token)
        if answer.status == HTTPStatus.UNAUTHORIZED and token:
            self._credentials.forget(token)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            measure.count_card_error(answer.code)
            raise self._problem(method, answer)
        return answer

    async def _token(self) -> str | None:
        """Return a token; without one nothing is lost, so that an expired secret can be mended."""
        try:
            return await self._credentials.token()
        except NoTokenError as problem:
            raise PosterBusyError(_PAUSE_WITHOUT_TOKEN) from problem

    async def _exchange(
        self,
        method: _Method,
        url: str,
        body: Mapping[str, object] | None,
        token: str | None,
    ) -> _Answer:
        headers = {"Content-Type": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),  # as it stands: an id must not become a path
                data=None if body is None else json.dumps(body, default=dict).encode(),
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                return _Answer(
                    status=response.status,
                    body=_json(await response.read()),
                    retry_after=response.headers.get("Retry-After"),
                )
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            _LOG.warning("Teams cannot be reached: %s", error)
            raise PosterBusyError(_PAUSE) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            if method in _REPEATABLE:
                raise PosterBusyError(_PAUSE) from error
            raise _lost(type(error).__name__) from error

    def _problem(
        self, method: _Method, answer: _Answer
    ) -> PosterBusyError | PosterUnknownError | PostingGoneError | PosterRefusedError:
        """Return what an unhappy answer means."""
        if answer.status in _ASKS_TO_WAIT:
            return PosterBusyError(self._pause(answer))
        if answer.status in _ANSWER_LOST:
            repeatable = method in _REPEATABLE
            return PosterBusyError(self._pause(answer)) if repeatable else _lost(answer.code)
        if method in _REPEATABLE and _is_gone(answer):
            return PostingGoneError("The message was deleted in Teams.")
        return PosterRefusedError(answer.code, answer.text)

    def _pause(self, answer: _Answer) -> timedelta:
        """Read `Retry-After`: seconds, or a date (RFC 9110, 10.2.3)."""
        text = (answer.retry_after or "").strip()
        try:
            wait = timedelta(seconds=float(text))
        except (ValueError, OverflowError):
            try:
                moment = parsedate_to_datetime(text)
                wait = moment.replace(tzinfo=moment.tzinfo or UTC) - self._now()
            except (ValueError, OverflowError):
                return _PAUSE
        return min(max(wait, timedelta(0)), _LONGEST_PAUSE)


_ALERT: Final[dict[str, object]] = {"channelData": {"notification": {"alert": True}}}
"""Asks for a notification with the summary as its text; a person's settings still rule."""


def _activity(card: CardJson, summary: str) -> dict[str, object]:
    """Return a message that is a card and nothing else.

    Teams splits a message with text and a card in two and names only one, so that the card could
    never be repainted.
    """
    return {
        "type": "message",
        "summary": summary,
        "attachments": [{"contentType": CARD, "content": card}],
    }


def _messages(conversation_id: str) -> str:
    return f"/v3/conversations/{quote(conversation_id, safe='')}/activities"


def _is_channel(conversation_id: str) -> bool:
    """Tell a channel, where a post starts a thread, from a chat."""
    return conversation_id.endswith(("@thread.tacv2", "@thread.skype"))


def _is_gone(answer: _Answer) -> bool:
    """Tell whether the message was deleted; 403 `ServiceError` is BotFramework-Services #269."""
    if answer.status == HTTPStatus.FORBIDDEN:
        return answer.code == "ServiceError"
    if answer.status == HTTPStatus.NOT_FOUND:
        return answer.code != "ConversationNotFound"
    return answer.status == HTTPStatus.GONE


def _lost(why: str) -> PosterUnknownError:
    return PosterUnknownError(f"The answer of Teams was lost ({why}). The message may be there.")


def _json(body: bytes) -> object:
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found
