"""What happens later: each job's kind, the key that makes it once, and its lane."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from bot.workflow.message import Message
from decisions.canonical import Plain, plain
from decisions.people import Channel, Posting
from decisions.recommendation import Recommendation, RecommendationId
from decisions.routing import Route
from storage.unit_of_work import UnitOfWork

PREPARE: Final = "prepare"
POST: Final = "post"
REPAINT: Final = "repaint"
WRITE: Final = "write"
RECONCILE: Final = "reconcile"
ESCALATE: Final = "escalate"
EXPIRE: Final = "expire"
RETURN: Final = "return"
TELL: Final = "tell"
REMOVE: Final = "remove"
SAY: Final = "say"
SWEEP: Final = "sweep"
BALANCE: Final = "balance"
LOOK: Final = "look"
LISTEN: Final = "listen"


def prepare(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Read the ERP and build the plan for this round."""
    unit.jobs.add(PREPARE, f"prepare:{one.id}:{one.round}", {"id": one.id}, due_at=due_at)


def prepare_again(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Build the plan anew, because what was approved is no longer what would be written."""
    unit.jobs.add(PREPARE, f"prepare:{one.id}:{one.round}:again", {"id": one.id}, due_at=due_at)


def post(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Post the card; one at a time in its channel, so that no card is posted twice."""
    unit.jobs.add(POST, f"post:{one.id}", {"id": one.id}, due_at=due_at, lane=post_lane(one.route))


def repaint(
    unit: UnitOfWork, one: Recommendation, *, due_at: datetime, after: str = "change"
) -> None:
    """Repaint every copy of the card; in a lane of its own.

    A receipt must not wait behind five hundred cards that are still to be posted. `after` sets
    a second repaint of one revision apart from the first.
    """
    unit.jobs.add(
        REPAINT,
        f"repaint:{one.id}:{one.revision}:{after}",
        {"id": one.id},
        due_at=due_at,
        lane=f"repaint:{one.route.channel}",
    )


def remove(unit: UnitOfWork, one: Recommendation, extra: Posting, *, due_at: datetime) -> None:
    """Take a second copy of a card away."""
    unit.jobs.add(
        REMOVE,
        f"remove:{extra.conversation_id}:{extra.activity_id}",
        {"id": one.id, "activity": extra.activity_id},
        due_at=due_at,
        lane=f"repaint:{one.route.channel}",
    )


def post_again(unit: UnitOfWork, one: Recommendation, *, deleted: str, due_at: datetime) -> None:
    """Post a card anew because somebody deleted the message it stood in."""
    unit.jobs.add(
        POST,
        f"post:{one.id}:again:{deleted}",
        {"id": one.id},
        due_at=due_at,
        lane=post_lane(one.route),
    )


def write(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Write the approved plan; one at a time for each ERP document."""
    unit.jobs.add(
        WRITE, f"write:{one.id}:{one.round}", {"id": one.id}, due_at=due_at, lane=_erp_lane(one)
    )


def cancel_write(unit: UnitOfWork, one: Recommendation) -> None:
    """Strike out a write that nobody has begun; one that was begun finds the approval gone."""
    unit.jobs.cancel(f"write:{one.id}:{one.round}")


def reconcile(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Find out what became of a write whose answer was lost."""
    unit.jobs.add(
        RECONCILE,
        f"reconcile:{one.id}:{one.round}",
        {"id": one.id},
        due_at=due_at,
        lane=_erp_lane(one),
    )


def _erp_lane(one: Recommendation) -> str:
    document = getattr(one.action, "document", one.id)
    return f"erp:{document}"


def escalate(unit: UnitOfWork, one: Recommendation, *, posted_at: datetime) -> None:
    """Ask the next person when the present one has not answered."""
    steps = one.route.escalation
    if one.escalated < len(steps):
        unit.jobs.add(
            ESCALATE,
            f"escalate:{one.id}:{one.round}:{one.escalated + 1}",
            {"id": one.id, "round": one.round, "step": one.escalated + 1},
            due_at=posted_at + steps[one.escalated].after,
        )


def expire(unit: UnitOfWork, one: Recommendation) -> None:
    """Close the buttons when the answer would come too late."""
    unit.jobs.add(EXPIRE, f"expire:{one.id}", {"id": one.id}, due_at=one.proposal.valid_until)


def bring_back(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Ask again what was put off."""
    unit.jobs.add(
        RETURN, f"return:{one.id}:{one.round}", {"id": one.id, "round": one.round}, due_at=due_at
    )


def tell(unit: UnitOfWork, one: Recommendation, *, due_at: datetime) -> None:
    """Tell the source what became of its recommendation."""
    unit.jobs.add(
        TELL,
        f"tell:{one.id}:{one.revision}",
        {"id": one.id, "revision": one.revision, "state": one.state.value},
        due_at=due_at,
        lane=f"tell:{one.source}",
    )


def say(unit: UnitOfWork, message: Message, *, card: str, due_at: datetime) -> None:
    """Answer somebody who wrote to the bot; once per message."""
    channel = message.channel
    unit.jobs.add(
        SAY,
        f"say:{channel.id}:{message.activity_id}",
        _spoken(channel, message.conversation_id, card),
        due_at=due_at,
        lane=f"say:{channel.id}",
    )


def announce(unit: UnitOfWork, channel: Channel, *, key: str, card: str, due_at: datetime) -> None:
    """Say something in a channel that nobody asked for there; once per key."""
    unit.jobs.add(
        SAY, key, _spoken(channel, channel.id, card), due_at=due_at, lane=f"say:{channel.id}"
    )


def _spoken(channel: Channel, conversation: str, card: str) -> dict[str, Plain]:
    return {"channel": plain(channel), "conversation": conversation, "card": card}


def sweep(unit: UnitOfWork, *, due_at: datetime) -> None:
    """Clear away what was done long ago; once a day, however many replicas ask for it."""
    unit.jobs.add(SWEEP, f"sweep:{due_at:%Y-%m-%d}", {}, due_at=due_at)


def balance(unit: UnitOfWork, *, due_at: datetime) -> None:
    """Hold the ERP against our records; once a day, however many replicas ask for it."""
    unit.jobs.add(BALANCE, f"balance:{due_at:%Y-%m-%d}", {}, due_at=due_at)


def look(unit: UnitOfWork, *, due_at: datetime) -> None:
    """Look at what waits for the ERP, because it says that something changed; once per moment."""
    unit.jobs.add(LOOK, f"look:{due_at.isoformat()}", {}, due_at=due_at)


def listen(unit: UnitOfWork, occasion: str, *, due_at: datetime) -> None:
    """See to it that the ERP keeps saying so; once per occasion, and one at a time."""
    unit.jobs.add(LISTEN, f"listen:{occasion}", {}, due_at=due_at, lane=LISTEN)


def job_subject(payload: Mapping[str, Plain]) -> RecommendationId:
    """Return the recommendation a job is about."""
    return RecommendationId(str(payload["id"]))


def post_lane(route: Route) -> str:
    """Return the lane of a channel's new cards; everything sent there shares its rate."""
    return f"teams:{route.channel}"
