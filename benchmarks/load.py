"""`make load`: clicks and recommendations at the rates of a large group, and what they cost.

Clicks are sent to cards that stand: the filled ones, and those that the program posted. Only the
latter can be approved, since an approval reads the ERP again; where none is left, the click looks
instead, and is counted as "no card". What comes in faster than plans can be read and cards be
posted waits as jobs: that lag is shown, and is no error. Teams takes seven messages a
second for each conversation, so everything is spread over a hundred channels.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from benchmarks import compare
from benchmarks.around import durable_postgres
from benchmarks.driver import CLICKS, DECIDES, MIX, RECOMMENDATIONS, Answers, Load
from benchmarks.fill import fill_with_bar
from benchmarks.picture import draw
from benchmarks.stage import APART, PROFILED, Stage, a_stage, bodies, stand
from benchmarks.watch import Watch, watching
from bot.clock import utc_now
from storage.store import Store
from storage.tables import audit
from storage.unit_of_work import UnitOfWork

RESULTS: Final = Path(__file__).parent / "results"
SLOWEST: Final = 0.100
"""Seconds within which 99 of 100 clicks are answered (docs/load.md)."""

OUTCOMES: Final = ("decided", "facts_moved", "click_refused", "clicked_again")
"""Facts move when another approved order is about the same item: the person is asked again."""

WARM_WITHIN: Final = 120.0
GROWTH: Final = 1.1
"""What the last third of a run may take of the memory of the middle one."""


async def warm(stage: Stage, cards: int) -> None:
    """Let cards be posted before the load begins, so that there is something to approve."""
    address = f"{stage.url}/api/v1/recommendations"
    for number in range(cards):
        (body,) = bodies(stage.world, [f"warm-{utc_now():%H%M%S}-{number}"])
        async with stage.http.post(address, json=body, headers=stage.headers) as answer:
            answer.raise_for_status()
    with contextlib.suppress(AssertionError):  # fewer cards stand; the run goes on with them
        await stage.teams.wait_for(lambda: stage.targets.posted >= cards, within=WARM_WITHIN)
    stage.targets.posted = stage.targets.repainted = 0


async def outcomes(stage: Stage, after: int) -> tuple[int, dict[str, int]]:
    """Return where the audit chain ends, and what became of the clicks behind a place in it."""

    def load(unit: UnitOfWork) -> tuple[int, dict[str, int]]:
        found = (
            select(audit.c.kind, func.count())
            .where(audit.c.seq > after, audit.c.kind.in_(OUTCOMES))
            .group_by(audit.c.kind)
        )
        rows = unit._connection.execute(found)  # noqa: SLF001  a benchmark reaches behind
        return unit.audit.head()[0], {row[0]: row[1] for row in rows}

    store = Store.open(stage.database)
    try:
        return await store.read(load)
    finally:
        store.close()


def quantile(ordered: Sequence[float], part: float) -> float:
    """Return a quantile of sorted samples, in milliseconds."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000 if ordered else 0.0


def figures(answers: Answers, seconds: float, offered: float, items: int) -> dict[str, float]:
    """Return rates and percentiles; latencies in milliseconds."""
    ordered = sorted(took for _, took in answers.taken)
    return {
        "offered /s": offered,
        "answered /s": items / seconds,
        "p50 ms": quantile(ordered, 0.5),
        "p90 ms": quantile(ordered, 0.9),
        "p99 ms": quantile(ordered, 0.99),
        "max ms": quantile(ordered, 1.0),
        "errors": float(answers.errors.total()),
    }


async def run(options: argparse.Namespace, database: str, folder: Path) -> dict[str, object]:
    """Load the program, and return every figure."""
    async with a_stage(database, folder) as stage:
        await stand(stage)
        load = Load(
            stage=stage,
            seconds=options.seconds,
            clicks_per_second=options.clicks,
            recommendations_per_second=options.recommendations,
        )
        parts = APART if options.apart else ((),)
        command = PROFILED if options.profile else ()
        async with stage.serving(*command, parts=parts) as ready:
            await stage.install()
            await warm(stage, options.cards)
            begin, _ = await outcomes(stage, 0)
            gc.collect()
            gc.freeze()  # the driver must not be late because it tidies up
            async with watching(stage.processes, database) as watch:
                await load.run()
        _, became = await outcomes(stage, begin)
        late = sorted(load.on_time)
        looked, approved = len(load.clicks.taken), len(load.approvals.taken)
        part = approved / max(1, looked + approved)
        return {
            "ready_s": ready,
            "clicks": figures(load.clicks, options.seconds, options.clicks * (1 - part), looked),
            "approvals": figures(load.approvals, options.seconds, options.clicks * part, approved),
            "intake": figures(
                load.intake, options.seconds, options.recommendations, load.intake.items
            ),
            "errors": {"clicks": load.clicks.errors, "intake": load.intake.errors},
            "sent": {"clicks": load.clicks.sent, "intake": load.intake.sent},
            "deciding_clicks": sum(load.clicks.sent[verb] for verb in DECIDES),
            "became": became,
            "cards_posted": stage.targets.posted,
            "cards_repainted": stage.targets.repainted,
            "driver_late_p99_ms": quantile(late, 0.99),
            "memory_mib": dict(zip(("first", "middle", "last"), watch.thirds, strict=True)),
            "processor": _mean([one.processor for one in watch.samples]),
            "driver_processor": _mean([one.driver for one in watch.samples]),
            "job_lag_s": [one.lag for one in watch.samples if one.lag is not None],
            "jobs_waiting": watch.waiting,
            "over_time": over_time(load, watch),
        }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / max(1, len(values))


def over_time(load: Load, watch: Watch, bucket: float = 5.0) -> dict[str, list[list[float]]]:
    """Return what the picture shows: memory, and the 99th percentiles of each five seconds."""

    def p99(answers: Answers) -> list[list[float]]:
        found: dict[int, list[float]] = {}
        for at, took in answers.taken:
            found.setdefault(int(at / bucket), []).append(took)
        return [
            [number * bucket, quantile(sorted(part), 0.99)]
            for number, part in sorted(found.items())
        ]

    memory = [[one.at, one.memory] for one in watch.samples]
    return {"memory": memory, "clicks": p99(load.clicks), "intake": p99(load.intake)}


def missed(found: Mapping[str, object]) -> list[str]:
    """Return which targets were missed, in words."""
    clicks, intake, memory = found["clicks"], found["intake"], found["memory_mib"]
    assert isinstance(clicks, dict)  # noqa: S101  made above
    assert isinstance(intake, dict)  # noqa: S101
    assert isinstance(memory, dict)  # noqa: S101
    growth = memory["last"] / memory["middle"]
    became, deciding = found["became"], found["deciding_clicks"]
    assert isinstance(became, dict)  # noqa: S101
    assert isinstance(deciding, int)  # noqa: S101
    checks = {
        f"p99 of clicks {clicks['p99 ms']:.0f} ms, not under {SLOWEST * 1000:.0f}": (
            clicks["p99 ms"] >= SLOWEST * 1000
        ),
        f"{clicks['errors']:.0f} clicks went wrong": clicks["errors"] > 0,
        f"{intake['errors']:.0f} recommendations went wrong": intake["errors"] > 0,
        f"{deciding} clicks decide, but {sum(became.values())} are in the chain": (
            deciding != sum(became.values())
        ),
        f"memory grew to {growth:.2f} of the middle third": growth > GROWTH,
    }
    return [words for words, wrong in checks.items() if wrong]


def show(found: Mapping[str, object], console: Console) -> None:
    """Print the figures."""
    shown = {
        "clicks": "clicks",
        "approvals": "clicks that read the ERP",
        "intake": "intake",
    }
    table = Table("", *shown.values(), title="Latency from when it should have been sent")
    columns = [_figures(found, name) for name in shown]
    for name in columns[0]:
        table.add_row(name, *(f"{column[name]:,.1f}" for column in columns))
    console.print(table)
    lag = found["job_lag_s"]
    memory = found["memory_mib"]
    assert isinstance(lag, list)  # noqa: S101
    assert isinstance(memory, dict)  # noqa: S101
    rows = {
        "ready after": f"{found['ready_s']:.2f} s",
        "memory, first / middle / last third": " / ".join(f"{one:.0f}" for one in memory.values())
        + " MiB",
        "processor of the program": f"{found['processor']:.0f}% of a core",
        "processor of the driver with Teams, Entra and ERP": f"{found['driver_processor']:.0f}%",
        "the driver was late by (p99)": f"{found['driver_late_p99_ms']:.1f} ms",
        "jobs lag by, at the end / at most": f"{lag[-1]:.1f} / {max(lag):.1f} s" if lag else "",
        "jobs that wait": str(found["jobs_waiting"]),
        "cards posted / repainted": f"{found['cards_posted']} / {found['cards_repainted']}",
        "clicks sent": str(dict(_mapping(found, "sent")["clicks"])),
        "clicks that decide": str(found["deciding_clicks"]),
        "what became of them": str(found["became"]),
        "errors": str({name: dict(some) for name, some in _mapping(found, "errors").items()}),
    }
    for name, value in rows.items():
        console.print(f"{name}: {value}", highlight=False)


def _figures(found: Mapping[str, object], name: str) -> Mapping[str, float]:
    value = found[name]
    assert isinstance(value, dict)  # noqa: S101  made above
    return value


def _mapping(found: Mapping[str, object], name: str) -> Mapping[str, Mapping[str, int]]:
    value = found[name]
    assert isinstance(value, dict)  # noqa: S101  made above
    return value


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    add = parser.add_argument
    add("--database", choices=("sqlite", "postgresql"), default="sqlite")
    add("--seconds", type=float, default=600)
    add("--clicks", type=float, default=CLICKS, help="a second")
    add("--recommendations", type=float, default=RECOMMENDATIONS, help="a second")
    add("--history", type=int, default=1000, help="closed recommendations to begin with")
    add("--open", type=int, default=None, help="open ones; as many as are decided on")
    add("--cards", type=int, default=300, help="posted before the load begins, to be approved")
    add("--picture", type=Path, help="where to draw memory and latency over time")
    add("--folder", type=Path, help="where the database is put, and left")
    add("--apart", action="store_true", help="two processes: web, and worker with writer")
    add("--compare", action="store_true", help="a short past with a long one, in turn; no load")
    add("--profile", action="store_true", help="write serve.prof beside the database")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill, load, print, keep the figures; 1 when a target was missed."""
    options = options_of(sys.argv[1:] if arguments is None else arguments)
    console = Console(width=110)
    if options.compare:
        return compared(options, console)
    deciding = sum(MIX[verb] for verb in ("confirm_override", "confirm_not_now")) / 100
    needed = int(options.clicks * options.seconds * deciding * 1.1) + 100
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        database = f"sqlite:///{folder / 'load.db'}"
        if options.database == "postgresql":
            database = stack.enter_context(durable_postgres())
        open_ = max(needed, options.open or 0)
        fill_with_bar(database, console, closed=options.history, open_=open_)
        found = asyncio.run(run(options, database, folder))
    show(found, console)
    if options.picture:
        draw(found["over_time"], options.picture)
    keep(found, vars(options))
    wrong = missed(found)
    for words in wrong:
        console.print(f"Missed: {words}.", style="bold")
    return 1 if wrong else 0


def compared(options: argparse.Namespace, console: Console) -> int:
    """Measure what a long past costs; 1 when it costs too much."""
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if options.database == "postgresql":
            urls = [stack.enter_context(durable_postgres()) for _ in range(2)]
        else:
            urls = [f"sqlite:///{folder / name}.db" for name in ("short", "long")]
        names = ("1,000 closed, 1,000 open", "1,000,000 closed, 100,000 open")
        found = compare.compare(dict(zip(names, urls, strict=True)), folder, console)
    keep(found, vars(options))
    wrong = compare.missed(found)
    for words in wrong:
        console.print(f"Missed: {words}.", style="bold")
    return 1 if wrong else 0


def keep(found: Mapping[str, object], options: Mapping[str, object]) -> None:
    """Write the figures as JSON."""
    RESULTS.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251  the name of a file
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    path = RESULTS / f"load-{stamp}.json"
    asked = {"options": {name: str(value) for name, value in options.items()}}
    path.write_text(json.dumps(machine | asked | dict(found), indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    sys.exit(main())
