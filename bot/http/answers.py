"""The answers of the API, as the OpenAPI document describes them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.workflow.wire import SentAction
from decisions.lifecycle import Event, State

Pointer = Annotated[str, Field(description="A JSON Pointer into what was sent (RFC 6901).")]


class Answer(BaseModel):
    """A part of what is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FoundProblem(Answer):
    """What is wrong with one field, in words."""

    path: Pointer
    what: str


class Taken(Answer):
    """Kept: new, or exactly what was sent before."""

    verdict: Literal["accepted", "same"]
    source_id: str
    id: str = Field(description="Our id: ten characters.")
    marker: str = Field(description="The mark that the ERP document will carry: CS-<id>.")
    status_url: str
    superseded: str | None = Field(
        None, description="What became of the earlier one that this one supersedes."
    )


class Conflict(Answer):
    """Not kept: something else was sent under this id before, and that stands."""

    verdict: Literal["conflict"]
    source_id: str
    id: str
    marker: str
    status_url: str
    differs: list[Pointer] = Field(description="What differs, at most 20 places.")


class Quarantined(Answer):
    """Held back: it could not be understood."""

    verdict: Literal["quarantined"]
    source_id: str | None
    quarantine: int = Field(description="Its number for `countersign quarantine show`.")
    problems: list[FoundProblem] = Field(description="Every problem that was found.")


class Counts(Answer):
    """How many items had which verdict."""

    accepted: int
    same: int
    conflict: int
    quarantined: int


class Verdicts(Answer):
    """The verdict on each item of a list, in its order."""

    counts: Counts
    verdicts: list[Taken | Conflict | Quarantined]


class NamedPerson(Answer):
    """A person; the Entra object id is the identity, the name is for reading."""

    name: str
    entra_id: str


class DecisionStatus(Answer):
    """What a named person answered, and why."""

    verdict: Literal["approve", "approve_changed", "acknowledge", "override", "not_now"]
    by: NamedPerson
    at: str
    round: int
    reason_code: str | None
    reason: str | None
    until: str | None = Field(description="Until when it was put off.")
    plan_hash: str | None = Field(description="SHA-256 of exactly what was approved.")
    changed_action: SentAction | None = Field(description="What was approved instead.")


class FieldCheckStatus(Answer):
    """One field as it was approved and as the ERP reads it back."""

    field: str
    subject: str
    planned: Any
    found: Any


class ReceiptStatus(Answer):
    """What stands in the ERP, read back."""

    document: str
    document_id: str
    read_at: str
    clean: bool = Field(description="Every field reads back as approved.")
    fields: list[FieldCheckStatus]


class HistoryEntry(Answer):
    """Something that happened, and when."""

    event: Event
    at: str


class Status(Answer):
    """Where a recommendation stands."""

    id: str
    marker: str
    source_id: str
    kind: str
    plant: str
    headline: str
    state: State
    round: int = Field(description="How often people were asked.")
    revision: int
    owner: NamedPerson = Field(description="Whose turn it is.")
    decision: DecisionStatus | None
    receipt: ReceiptStatus | None
    problem: str | None = Field(description="What the ERP or the write said last.")
    superseded_by: str | None
    received_at: str
    posted_at: str | None
    valid_until: str
    closed_at: str | None
    history: list[HistoryEntry]


class Told(Answer):
    """The body of a webhook."""

    type: str = Field(description="recommendation.<state>, such as recommendation.written.")
    timestamp: str
    data: Status


class Withdrawal(Answer):
    """Why a recommendation is taken back."""

    reason: str = Field(min_length=1, max_length=200)


class ProblemAnswer(BaseModel):
    """A problem as RFC 9457 lays it out."""

    type: str
    title: str
    status: int
    detail: str


class ConflictAnswer(ProblemAnswer, Conflict):
    """409: the same id with another content."""


class QuarantineAnswer(ProblemAnswer, Quarantined):
    """422: it could not be understood."""


class NoneTakenAnswer(ProblemAnswer, Verdicts):
    """422: no item of the list was taken."""
