"""A past by the million: `python -m benchmarks.fill sqlite:///full.db`.

Records, decisions, orders and audit entries are real ones, written by the program's own codecs,
and the chain verifies. One thing is simpler than it was: messages share the card of a few
drawings, since drawing a million would take half an hour.
"""

import argparse
import hashlib
import itertools
import json
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy import Connection, Engine, Table, insert, select, update

from benchmarks.bulk import insert_many
from benchmarks.past import Life, Past
from bot.clock import utc_now
from bot.workflow.show import card_bytes
from cards.approval import approval_card
from cards.reading import Reader, System
from decisions.audit import AuditEvent, next_entry
from decisions.lifecycle import State
from decisions.people import PersonId
from decisions.recommendation import Recommendation
from storage import audit as audit_rows
from storage import decisions as decision_rows
from storage import recommendations as recommendation_rows
from storage import tables
from storage.engines import open_sides
from storage.store import Store

CHANNELS: Final = 100
TEAMS_PORT: Final = 45872
"""Where the stand-in for Teams listens, now and when the same database is measured again."""

CHUNK: Final = 5_000
_ORDER: Final = (
    tables.recommendations,
    tables.raw_recommendations,
    tables.decisions,
    tables.orders,
    tables.audit,
    tables.jobs,
    tables.postings,
)
"""Parents before children."""

_ACTIVITIES: Final = 1_700_000_000_000
"""Where the numbers of filled messages begin; those of the stand-in for Teams are higher."""


@dataclass(kw_only=True)
class _Chain:
    seq: int
    hash: str

    def follow(self, event: AuditEvent) -> dict[str, object]:
        entry = next_entry(event, last_seq=self.seq, last_hash=self.hash)
        self.seq, self.hash = entry.seq, entry.hash
        return audit_rows.row_of(entry)


@dataclass(kw_only=True)
class Filler:
    """Turns lives into rows."""

    past: Past
    chain: _Chain
    card_sha: str
    messages: Iterator[int]
    rows: dict[Table, list[Mapping[str, object]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, life: Life) -> None:
        """Take up everything that a life left in the tables."""
        one = life.one
        rows = self.rows
        rows[tables.recommendations].append(
            recommendation_rows.row_of(one) | {"delay_cost": self.past.cost()}
        )
        body = json.dumps({"id": one.source_id, "headline": one.proposal.headline} | _SENT)
        rows[tables.raw_recommendations].append({"recommendation_id": one.id, "body": body})
        self._say(one, "received", life.came, {"source": one.source, "source_id": one.source_id})
        self._say(one, "routed", life.came, {"plan_hash": one.plan.hash if one.plan else None})
        if life.decision is not None:
            self._decided(life)
        self._jobs(life)
        rows[tables.postings].append(self._posting(one))

    def _decided(self, life: Life) -> None:
        one, decision = life.one, life.decision
        assert decision is not None  # noqa: S101  the caller looked
        self.rows[tables.decisions].append(decision_rows.row_of(one.id, decision))
        said = {"decision": decision.id, "verdict": decision.verdict, "name": decision.by.name}
        self._say(one, "decided", decision.at, said, actor=decision.by.id)
        if one.state is State.WRITTEN and one.receipt is not None:
            self.rows[tables.orders].append(
                {
                    "recommendation_id": one.id,
                    "decision_id": decision.id,
                    "plan_hash": decision.plan_hash,
                    "state": "written",
                    "attempt": 1,
                    "sent_at": decision.at,
                    "document": one.receipt.document,
                }
            )

    def _say(
        self,
        one: Recommendation,
        kind: str,
        at: datetime,
        body: Mapping[str, str | None],
        actor: PersonId | None = None,
    ) -> None:
        event = AuditEvent(kind=kind, at=at, recommendation=one.id, actor=actor, body={**body})
        self.rows[tables.audit].append(self.chain.follow(event))

    def _jobs(self, life: Life) -> None:
        one, over = life.one, life.closed is not None
        end = life.closed or life.came
        self._job("prepare", f"prepare:{one.id}:1", one, life.came)
        self._job("post", f"post:{one.id}", one, life.came, lane=f"teams:{one.route.channel}")
        if over:
            lane = f"repaint:{one.route.channel}"
            self._job("repaint", f"repaint:{one.id}:{one.revision}:change", one, end, lane=lane)
        self._job("expire", f"expire:{one.id}", one, one.proposal.valid_until, done=over)
        if not over:
            (step,) = one.route.escalation
            more = {"round": 1, "step": 1}
            due = life.came + step.after
            self._job("escalate", f"escalate:{one.id}:1:1", one, due, done=False, **more)

    def _job(
        self,
        kind: str,
        key: str,
        one: Recommendation,
        due_at: datetime,
        *,
        lane: str | None = None,
        done: bool = True,
        **more: int,
    ) -> None:
        self.rows[tables.jobs].append(
            {
                "kind": kind,
                "key": key,
                "lane": lane,
                "payload": {"id": one.id, **more},
                "due_at": due_at,
                "attempts": int(done),
                "waiting": True,
                "done": done,
                "error": "",
            }
        )

    def _posting(self, one: Recommendation) -> dict[str, object]:
        number = str(next(self.messages))
        return {
            "recommendation_id": one.id,
            "channel": one.route.channel,
            "service_url": f"http://127.0.0.1:{TEAMS_PORT}/teams/",
            "conversation_id": f"{one.route.channel};messageid={number}",
            "activity_id": number,
            "revision": one.revision,
            "card_sha": self.card_sha,
            "gone_at": None,
        }

    def write(self, connection: Connection) -> None:
        """Insert what was taken up, and move the head of the chain."""
        for table in _ORDER:
            insert_many(connection, table, self.rows[table])
        self.rows.clear()
        connection.execute(
            update(tables.audit_head).values(seq=self.chain.seq, hash=self.chain.hash)
        )


_SENT: Final = {
    "kind": "stockout_risk",
    "plant": "GDN",
    "rationale": "Consumption of the last ten days, orders on hand and the vendor's lead time.",
}


def fill(
    url: str,
    *,
    closed: int,
    open_: int,
    told: Callable[[int], object] = lambda _: None,
) -> None:
    """Fill an empty database; `told` hears how many recommendations were put into it."""
    store = Store.open(url)
    store.migrate()
    store.close()
    writing, reading = open_sides(url)
    reading.close()
    try:
        _fill(writing.engine, Past(now=utc_now(), channels=CHANNELS), closed, open_, told)
    finally:
        writing.close()


def _fill(
    engine: Engine,
    past: Past,
    closed: int,
    open_: int,
    told: Callable[[int], object],
) -> None:
    _prepare(engine)
    with engine.begin() as connection:
        seq, last = connection.execute(
            select(tables.audit_head.c.seq, tables.audit_head.c.hash)
        ).one()
        sha = _drawn(connection, past)
    filler = Filler(
        past=past,
        chain=_Chain(seq=seq, hash=last),
        card_sha=sha,
        messages=itertools.count(_ACTIVITIES + 10 * closed),
    )
    for first in range(0, closed + open_, CHUNK):
        last_one = min(first + CHUNK, closed + open_)
        for number in range(first, last_one):
            filler.add(
                past.closed(number, of=closed) if number < closed else past.open(number - closed)
            )
        with engine.begin() as connection:
            filler.write(connection)
        told(last_one - first)
    _settle(engine)


def _drawn(connection: Connection, past: Past) -> str:
    """Keep a card that the filled messages show, and return its hash."""
    one = past.open(0).one
    plant = one.route.plant
    reader = Reader(language=plant.language, timezone=plant.timezone)
    system = System(name="Business Central", writes=frozenset({one.action.kind}), needs={})
    card = card_bytes(approval_card(one, reader=reader, now=past.now, system=system))
    sha = hashlib.sha256(card).hexdigest()
    connection.execute(insert(tables.cards), {"sha": sha, "body": zlib.compress(card)})
    return sha


def _prepare(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None  # noqa: S101  a connection that is open
            for pragma in ("synchronous = OFF", "cache_size = -1000000"):
                raw.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]
            connection.rollback()


def _settle(engine: Engine) -> None:
    """Let the planner know what is there now, as autovacuum would after a while."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            "ANALYZE" if engine.dialect.name == "sqlite" else "VACUUM (ANALYZE)"
        )


def fill_with_bar(url: str, console: Console, *, closed: int, open_: int) -> None:
    """Fill a database and show how far it is."""
    columns = (TextColumn("Filling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=closed + open_)
        fill(
            url,
            closed=closed,
            open_=open_,
            told=lambda count: progress.advance(task, count),
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Fill the database that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--closed", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=100_000, dest="open_")
    options = parser.parse_args(arguments)
    fill_with_bar(options.database, Console(), closed=options.closed, open_=options.open_)


if __name__ == "__main__":
    main()
