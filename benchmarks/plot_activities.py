"""Plot of the comparison of activities: wrong pixels over noise, and PSNR beside the best classical measure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.plots import COLOURS, MARKERS
from benchmarks.statistics import interval, paired
from benchmarks.tuning import BEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from benchmarks.comparison import Comparison

__all__ = ["plot_activities"]

_LEAST = 0.01


def plot_activities(of: Comparison, path: Path) -> None:
    """Wrong pixels of all and away from edges, and PSNR less that of the best classical measure, over noise."""
    from matplotlib.figure import Figure

    cells = of.results.cells()
    surfaces, noises = list(dict.fromkeys(s for s, _ in cells)), sorted({n for _, n in cells}, key=float)
    figure = Figure(figsize=(4.4 * len(surfaces) + 2.4, 9.6), layout="constrained")
    axes = figure.subplots(3, len(surfaces), squeeze=False, sharex=True, sharey="row")
    for column, surface in enumerate(surfaces):
        _draw_shares(axes[0, column], of, "wrong", surface, noises)
        _draw_shares(axes[1, column], of, "wrong_interior", surface, noises)
        _draw_gaps(axes[2, column], of, surface, noises)
        axes[0, column].set_title(surface)
        axes[2, column].set_xlabel("noise, share of full scale")
    for row, title in enumerate(("wrong pixels, % (or .01)", "away from edges, % (or .01)", f"PSNR less {BEST}, dB")):
        axes[row, 0].set_ylabel(title)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=110)


def _draw_shares(ax: Axes, of: Comparison, target: str, surface: str, noises: Sequence[str]) -> None:
    for line in (BEST, *of.labels):
        means = [100 * interval(list(of.values(line, target, (surface, n)).values())).mean for n in noises]
        ax.plot(range(len(noises)), np.maximum(means, _LEAST), label=line, **_style(of, line))
    ax.set_yscale("log")
    ax.set_xticks(range(len(noises)), noises)
    ax.grid(alpha=0.25, which="both")


def _draw_gaps(ax: Axes, of: Comparison, surface: str, noises: Sequence[str]) -> None:
    for line in of.labels:
        cells = [(surface, noise) for noise in noises]
        gaps = [paired(of.values(line, "psnr", cell), of.values(BEST, "psnr", cell)).mean for cell in cells]
        ax.plot(range(len(noises)), gaps, **_style(of, line))
    ax.axhline(0, color="black", linewidth=0.8)
    ax.grid(alpha=0.25)


def _style(of: Comparison, line: str) -> dict[str, Any]:
    if line == BEST:
        return {"color": "black", "linestyle": ":", "linewidth": 2.0}
    k = of.labels.index(line)
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": "--" if "levels=1" in line else "-",
        "marker": MARKERS[k % len(MARKERS)],
        "linewidth": 1.4,
        "markersize": 5,
    }
