"""`make faults`: live once for each point and fault, and print what came of it."""

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bot.clock import utc_now
from tests.faults.storms import STORMS, storm
from tests.faults.walk import SETTINGS, points_of, walk

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
MARKS = ("<!-- faults: made by `make faults` -->", "<!-- end -->")


@click.command()
@click.option("--only", multiple=True, help="Settings whose name holds this; repeat for several.")
@click.option("--every", default=1, show_default=True, help="Strike at every n-th point only.")
@click.option("--at-once", default=2, show_default=True, help="How many lives at a time.")
@click.option("--write/--no-write", default=True, help=f"Renew {PAGE.name}.")
def main(*, only: tuple[str, ...], every: int, at_once: int, write: bool) -> None:
    """Kill and freeze the program everywhere, and check the end of every life."""
    settings = [one for one in SETTINGS if not only or any(word in str(one) for word in only)]
    table, bad = asyncio.run(_all(settings, every=every, at_once=at_once))
    Console(width=160).print(_shown(settings, table))
    if write and not only and every == 1:
        _renew(settings, table)
    for line in bad:
        click.echo(line, err=True)
    sys.exit(1 if bad else 0)


async def _all(settings, *, every, at_once):
    rows: dict[str, dict[object, str]] = {}
    bad: list[str] = []
    points = {name: await points_of(name) for name in {one.database for one in settings}}
    with Progress(console=Console(stderr=True)) as progress:
        for setting in settings:
            chosen = points[setting.database][::every]
            task = progress.add_task(str(setting), total=len(chosen) + len(STORMS))

            def done(point, end, setting=setting, task=task):
                progress.advance(task)
                rows.setdefault(str(point), {})[setting] = end.word
                bad.extend(f"{setting}: {point}: {problem}" for problem in end.problems)

            await walk(setting, chosen, at_once=at_once, done=done)
            for name in STORMS if setting.fault == "kill" else ():
                if (end := await storm(name, setting)) is not None:
                    done(name, end)
    return rows, bad


def _shown(settings, rows):
    table = Table("Point", *(str(one) for one in settings))
    for name in sorted(rows):
        table.add_row(name, *(rows[name].get(one, "") for one in settings))
    return table


def _renew(settings, rows):
    """Write the matrix into the page, with what it adds up to."""
    lives = [word for row in rows.values() for word in row.values() if word != "not reached"]
    head = " | ".join(str(one) for one in settings)
    bad = lives.count("BAD")
    lines = [
        f"{len(lives)} lives, {bad} of them bad ({utc_now():%Y-%m-%d}).",
        "",
        f"| Point | {head} |",
        "|---|" + "---|" * len(settings),
    ]
    for name in sorted(rows):
        cells = " | ".join(rows[name].get(one, "") for one in settings)
        lines.append(f"| {name} | {cells} |")
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1], 1)[1]
    text = "\n".join([before + MARKS[0], *lines, MARKS[1]]) + after
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
