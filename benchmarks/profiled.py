"""`countersign serve` under cProfile, the event loop and the database's threads apart.

Not in the product: it costs a third of the speed. Files serve.<thread>.prof go into the folder
that COUNTERSIGN_PROFILE names.
"""

import cProfile
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from bot.cli.serve import serve

FOLDER = Path(os.environ.get("COUNTERSIGN_PROFILE", "."))


def profiled(run: Callable[[], None], name: str) -> None:
    """Run something under a profiler of its own, and keep what it found."""
    profiler = cProfile.Profile()
    try:
        profiler.runcall(run)
    finally:
        profiler.dump_stats(FOLDER / f"serve.{name}.prof")


class ProfiledThread(threading.Thread):
    """A thread that is profiled from its first to its last moment."""

    def run(self) -> None:
        """Do the thread's work."""
        profiled(super().run, self.name)


if __name__ == "__main__":
    sys.argv[1:] = ["serve"]
    threading.Thread = ProfiledThread  # type: ignore[misc]  # where the pool takes it from
    profiled(lambda: serve(()), "loop")
