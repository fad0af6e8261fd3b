"""Replicas that claim, finish, sleep, decide and order as they like, explored by hypothesis.

A model says what the database must say: who holds which job, which decision and which order
stand. Every step is a turn on the real storage, by one of three stores on one database.
"""

import asyncio
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from decisions.recommendation import DecisionId
from storage.audit import verify_chain
from storage.decisions import DecisionStandsError
from storage.jobs import Job, LostLeaseError
from storage.orders import OrderStandsError
from storage.store import Store
from tests.build import (
    ANA,
    BO,
    NOW,
    a_decision,
    a_raw_recommendation,
    a_recommendation,
    an_event,
)
from tests.fakes.databases import fresh_postgres, fresh_sqlite

LEASE = timedelta(seconds=60)
REPLICAS = st.integers(0, 2)
HASH = a_recommendation().plan.hash


@dataclass
class Held:
    """What the model knows of a job."""

    lane: str | None
    due: object
    token: int = 0
    running: bool = False
    done: bool = False


class Replicas(RuleBasedStateMachine):
    """Three stores on one SQLite file."""

    claimed = Bundle("claimed")

    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.loop = asyncio.new_event_loop()
        self.stack.callback(self.loop.close)
        url = self.database()
        self.stores = [Store.open(url) for _ in range(3)]
        for store in self.stores:
            self.stack.callback(store.close)
        self.now = NOW
        self.jobs: dict[str, Held] = {}
        self.decided: dict[int, str] = {}
        self.order: tuple[str, str] | None = None
        one = a_recommendation()
        self.turn(0, lambda unit: unit.recommendations.add(one, a_raw_recommendation()))
        self.about = one.id

    def database(self):
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        return fresh_sqlite(folder)

    def teardown(self):
        self.stack.close()

    def turn(self, replica, work):
        return self.loop.run_until_complete(self.stores[replica].turn(work))

    @rule(seconds=st.sampled_from([1, 20, 59, 61, 600]))
    def time_goes_by(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(
        replica=REPLICAS,
        key=st.sampled_from("abcdefgh"),
        lane=st.sampled_from([None, "L", "M"]),
        delay=st.sampled_from([0, 30]),
    )
    def something_is_lined_up(self, replica, key, lane, delay):
        due = self.now + timedelta(seconds=delay)

        self.turn(
            replica, lambda unit: unit.jobs.add("post", key, {"n": 1}, due_at=due, lane=lane)
        )

        self.jobs.setdefault(key, Held(lane=lane, due=due))

    @rule(target=claimed, replica=REPLICAS, limit=st.integers(1, 4))
    def a_replica_claims(self, replica, limit):
        jobs = self.turn(replica, lambda unit: unit.jobs.claim(self.now, LEASE, limit))

        assert len(jobs) <= limit
        for job in jobs:
            held = self.jobs[job.key]
            assert not held.done
            assert held.due <= self.now, "it was somebody's, or not due yet"
            assert job.attempts == held.token + 1
            held.token, held.running, held.due = job.attempts, True, self.now + LEASE
        return multiple(*jobs)

    def expect(self, replica, job: Job, work, then):
        """Run what only the holder of a job may do, and know whether it may."""
        held = self.jobs[job.key]
        mine = job.attempts == held.token and held.running
        try:
            self.turn(replica, work)
        except LostLeaseError:
            assert not mine, "the lease was ours"
        else:
            assert mine, "somebody else had taken it over"
            then(held)

    @rule(replica=REPLICAS, job=claimed)
    def a_job_is_finished(self, replica, job):
        def then(held):
            held.done, held.running = True, False

        self.expect(replica, job, lambda unit: unit.jobs.finish(job), then)

    @rule(replica=REPLICAS, job=claimed)
    def a_job_is_put_off(self, replica, job):
        due = self.now + timedelta(seconds=30)

        def then(held):
            held.due, held.running = due, False

        self.expect(replica, job, lambda unit: unit.jobs.retry(job, due, "later"), then)

    @rule(replica=REPLICAS, job=claimed)
    def a_lease_is_renewed(self, replica, job):
        until = self.now + LEASE

        def then(held):
            held.due, held.running = until, True

        self.expect(replica, job, lambda unit: unit.jobs.renew(job, until), then)

    @rule(replica=REPLICAS, person=st.sampled_from([ANA, BO]), round_=st.integers(1, 3))
    def somebody_decides(self, replica, person, round_):
        name = DecisionId(f"D{round_}{person.name[:2]}{len(self.decided)}")
        decision = a_decision(id=name, by=person, round=round_)

        def keep(unit):
            unit.decisions.add(self.about, decision)
            unit.audit.append(an_event(kind="decided", body={"decision": name}))

        try:
            self.turn(replica, keep)
        except DecisionStandsError:
            assert round_ in self.decided
        else:
            assert round_ not in self.decided
            self.decided[round_] = name

    @rule(replica=REPLICAS, round_=st.integers(1, 3))
    def an_order_is_claimed(self, replica, round_):
        decision = self.decided.get(round_)
        if decision is None:
            return

        def claim(unit):
            unit.orders.claim(self.about, decision, HASH, attempt=1, now=self.now)

        free = self.order is None or (
            self.order[0] == "not_sent"
            or (self.order[0] in ("refused", "not_written") and self.order[1] != decision)
        )
        try:
            self.turn(replica, claim)
        except OrderStandsError:
            assert not free
        else:
            assert free, "it could have been sent twice"
            self.order = ("sending", decision)

    @rule(
        replica=REPLICAS,
        state=st.sampled_from(["written", "refused", "unknown", "not_sent", "not_written"]),
    )
    def an_order_ends(self, replica, state):
        if self.order is None:
            return
        self.turn(replica, lambda unit: unit.orders.finish(self.about, state))
        self.order = (state, self.order[1])

    @rule(replica=REPLICAS)
    def a_turn_fails_halfway(self, replica):
        def half(unit):
            unit.jobs.add("post", "never", {}, due_at=self.now)
            unit.audit.append(an_event(kind="never"))
            raise LookupError

        try:
            self.turn(replica, half)
        except LookupError:
            return
        raise AssertionError("a turn that failed was kept")

    @invariant()
    def one_job_runs_in_a_lane(self):
        running = [
            held.lane
            for held in self.jobs.values()
            if held.running and held.lane and held.due > self.now
        ]
        assert len(running) == len(set(running))

    @invariant()
    def the_chain_holds_and_nothing_half_done_is_kept(self):
        def look(unit):
            kinds = [entry.event.kind for entry in unit.audit.walk()]
            return list(verify_chain(unit)), kinds, unit.decisions.of(self.about)

        broken, kinds, decisions = self.loop.run_until_complete(self.stores[0].read(look))
        assert broken == []
        assert kinds == ["decided"] * len(self.decided)
        assert {one.round: one.id for one in decisions} == self.decided


class ReplicasOnPostgres(Replicas):
    """The same on PostgreSQL."""

    def database(self):
        return self.stack.enter_context(fresh_postgres())


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestReplicasOnPostgres = ReplicasOnPostgres.TestCase
TestReplicasOnPostgres.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
