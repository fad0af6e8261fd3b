"""What is being set up, shown while it happens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Told = Callable[[float], None]


class Steps:
    """One line per step; a line fills up where a step can say how far it is."""

    def __init__(self, progress: Progress) -> None:
        """Draw on this display."""
        self._progress = progress

    @contextmanager
    def step(self, name: str) -> Iterator[Told]:
        """Show a step while the block runs, which may tell its share that is done.

        A step that broke leaves no line.
        """
        line = self._progress.add_task(name, total=None)

        def told(share: float) -> None:
            self._progress.update(line, total=1.0, completed=min(share, 1.0))

        try:
            yield told
        except BaseException:
            self._progress.remove_task(line)
            raise
        told(1.0)

    def note(self, words: str) -> None:
        """Say something above the lines."""
        self._progress.console.print(words, markup=False, soft_wrap=True)


@contextmanager
def steps(console: Console) -> Iterator[Steps]:
    """Show the steps of a set-up; what is no terminal gets the finished lines only."""
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Steps(progress)
