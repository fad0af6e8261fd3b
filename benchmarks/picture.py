"""Memory and latency over time, drawn for the documentation."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt


def draw(over_time: Mapping[str, Sequence[Sequence[float]]], path: Path) -> None:
    """Draw two panels, one above the other; SVG or PNG, as the name of the file says."""
    mpl.use("agg")
    mpl.rcParams["svg.fonttype"] = "none"
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(9, 5), layout="constrained")
    above.plot(*zip(*over_time["memory"], strict=True), color="#1f4e79")
    above.set_ylim(bottom=0)
    above.set_ylabel("memory, MiB")
    for name, colour, line in (("clicks", "#1f4e79", "-"), ("intake", "#b0562b", "--")):
        if over_time[name]:
            times, values = zip(*over_time[name], strict=True)
            below.plot(times, values, line, color=colour, label=f"{name}, p99 of each 5 s")
    below.axhline(100, color="#767676", linewidth=0.8, linestyle=":", label="100 ms")
    below.set_ylim(bottom=0)
    below.set_ylabel("ms")
    below.set_xlabel("seconds")
    below.legend()
    for panel in (above, below):
        panel.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
