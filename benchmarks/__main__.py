"""`make bench`: click to answer against a stock bot, and intake; a table, and JSON beside it."""

import argparse
import asyncio
import json
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.clicks import measure_clicks
from benchmarks.intake import measure_intake

RESULTS = Path(__file__).parent / "results"


def show(title: str, rows: Mapping[str, Mapping[str, float]], console: Console) -> None:
    """Print one table; the columns are the figures of the first row."""
    columns = list(next(iter(rows.values())))
    table = Table("", *columns, title=title)
    for name, figures in rows.items():
        table.add_row(name, *(f"{figures[column]:,.2f}" for column in columns))
    console.print(table)


async def run(clicks: int, recommendations: int) -> dict[str, object]:
    """Measure everything, one after the other."""
    console = Console(width=110)
    latency = await measure_clicks(clicks)
    show(f"A click and its answer, ms ({clicks} of each, in turn)", latency, console)
    ours = latency["Countersign, override: verified, decided, audited, durable, card built"]
    ratio = ours["p50"] / latency["stock botbuilder: verified, echoed"]["p50"]
    console.print(f"Countersign / stock, p50: {ratio:.2f}\n")
    intake = await measure_intake(recommendations)
    show("Recommendations taken per second, durable when answered", intake, console)
    return {"clicks_ms": latency, "click_ratio_p50": ratio, "intake_per_second": intake}


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=400)
    parser.add_argument("--recommendations", type=int, default=2000)
    options = parser.parse_args()
    figures = asyncio.run(run(options.clicks, options.recommendations))
    RESULTS.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")  # noqa: TID251  the name of a file
    path = RESULTS / f"{stamp}.json"
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    path.write_text(json.dumps(machine | figures, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{path.relative_to(Path.cwd())}\n")


if __name__ == "__main__":
    main()
