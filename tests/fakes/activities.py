"""Activities as Teams sends them; the shapes are those of the Microsoft 365 Agents Playground."""

import uuid
from dataclasses import dataclass

from decisions.people import Person
from tests.fakes.screens import Shown

PURCHASING = "19:purchasing@thread.tacv2"
TEAM = "19:team-general@thread.tacv2"


@dataclass(frozen=True, kw_only=True)
class Activities:
    """Makes the activities of one tenant, for one bot."""

    service_url: str
    tenant: str
    bot_id: str

    def invoke(
        self,
        person: Person,
        message: Shown | str,
        verb: str,
        data: dict | None = None,
        *,
        trigger: str | None = "manual",
        **overrides,
    ) -> dict:
        """Return the activity of a click."""
        shown = isinstance(message, Shown)
        root = message if isinstance(message, str) else message.activity_id
        conversation = message.conversation_id if shown else f"{PURCHASING};messageid={root}"
        action = {
            "type": "Action.Execute",
            "title": verb.title(),
            "id": verb,
            "verb": verb,
            "data": data or {},
        }
        value = {"action": action} | ({"trigger": trigger} if trigger else {})
        return (
            self._activity("invoke", person, conversation)
            | {
                "name": "adaptiveCard/action",
                "id": f"f:{uuid.uuid4()}",
                "replyToId": root,
                "value": value,
            }
            | overrides
        )

    def message(self, person: Person, text: str, channel: str, root: str) -> dict:
        """Return what somebody wrote: with a mention in a channel, without in a personal chat."""
        personal = channel.startswith("a:")
        mention = {
            "type": "mention",
            "text": "<at>Countersign</at>",
            "mentioned": {"id": self.bot_id, "name": "Countersign"},
        }
        conversation = channel if personal else f"{channel};messageid={root}"
        return self._activity("message", person, conversation) | {
            "id": root,
            "text": text if personal else f"<at>Countersign</at> {text}\n",
            "textFormat": "plain",
            "entities": [] if personal else [mention],
        }

    def installation(self, person: Person, channel: str, action: str) -> list[dict]:
        """Return the two activities that tell of the bot's coming or going."""
        installation = self._activity("installationUpdate", person, channel) | {"action": action}
        members = "membersAdded" if action == "add" else "membersRemoved"
        update = self._activity("conversationUpdate", person, channel) | {
            members: [{"id": self.bot_id}]
        }
        for one in (installation, update):
            one["channelData"]["settings"] = {"selectedChannel": {"id": channel}}
        return [update, installation]

    def _activity(self, kind: str, person: Person, conversation: str) -> dict:
        """Return what all activities have in common (samples: the Agents Playground)."""
        channel = conversation.split(";", 1)[0]
        personal = channel.startswith("a:")
        place = (
            {"conversationType": "personal"}
            if personal
            else {"isGroup": True, "conversationType": "channel", "name": "Purchasing"}
        )
        where = {} if personal else {"team": {"id": TEAM, "name": "Plant 7"}}
        return {
            "type": kind,
            "id": str(uuid.uuid4()),
            "timestamp": "2026-03-02T09:00:00.000Z",
            "channelId": "msteams",
            "serviceUrl": self.service_url,
            "from": {"id": f"29:{person.id}", "name": person.name, "aadObjectId": person.id},
            "conversation": {**place, "tenantId": self.tenant, "id": conversation},
            "recipient": {"id": self.bot_id, "name": "Countersign"},
            "locale": "en-US",
            "entities": [{"type": "clientInfo", "locale": "en-US", "platform": "Web"}],
            "channelData": {
                "tenant": {"id": self.tenant},
                "source": {"name": "message"},
                **where,
                **({} if personal else {"channel": {"id": channel}}),
            },
        }
