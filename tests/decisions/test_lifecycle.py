"""What may happen to a recommendation, explored."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from decisions.lifecycle import MOVES, OPEN, Event, MoveRefusedError, State, advance

SENT = {State.WRITING, State.WRITTEN, State.UNKNOWN, State.NOT_WRITTEN}


class LifeOfARecommendation(RuleBasedStateMachine):
    """Anything may be tried in any order; the table decides."""

    def __init__(self):
        super().__init__()
        self.state = State.PROPOSED
        self.history: list[Event] = []

    @rule(event=st.sampled_from(Event))
    def something_happens(self, event):
        try:
            self.state = advance(self.state, event)
        except MoveRefusedError:
            return
        self.history.append(event)

    @invariant()
    def nothing_reaches_the_erp_before_a_person_approved(self):
        if self.state in SENT:
            assert Event.APPROVED in self.history

    @invariant()
    def each_write_has_its_own_approval(self):
        asked = {Event.POSTED, Event.ASKED_AGAIN, Event.RETRIED, Event.RETURNED, Event.PULLED_BACK}
        approved = False
        for event in self.history:
            if event in asked:
                approved = False
            if event is Event.APPROVED:
                approved = True
            if event is Event.WRITE_STARTED:
                assert approved


TestLifeOfARecommendation = LifeOfARecommendation.TestCase
TestLifeOfARecommendation.settings = settings(
    max_examples=300, stateful_step_count=25, deadline=None
)


def test_every_state_can_be_reached_from_the_first():
    reached = {State.PROPOSED}
    while more := {after for (before, _), after in MOVES.items() if before in reached} - reached:
        reached |= more

    assert reached == set(State)


def test_every_event_has_a_move():
    assert {event for _, event in MOVES} == set(Event)


def test_what_is_written_stays_written():
    assert [event for state, event in MOVES if state is State.WRITTEN] == []


def test_a_timeout_never_approves():
    after = {state for (_, event), state in MOVES.items() if event is Event.EXPIRED}

    assert after == {State.EXPIRED}


def test_everything_that_is_open_or_waits_to_be_written_can_expire():
    expiring = {state for state, event in MOVES if event is Event.EXPIRED}

    assert expiring == OPEN | {State.APPROVED}


def test_a_refused_move_names_state_and_event():
    with pytest.raises(MoveRefusedError, match="What is written cannot be approved"):
        advance(State.WRITTEN, Event.APPROVED)
