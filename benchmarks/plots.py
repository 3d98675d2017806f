"""Plots of what was measured: times, PSNR, decisions, and activities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.results import Results
from benchmarks.simulated import SHARPEST
from benchmarks.statistics import interval, paired
from benchmarks.tuning import BEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from benchmarks.results import Comparison

__all__ = ["COLOURS", "MARKERS", "plot_activities", "plot_decisions", "plot_psnr", "plot_times"]

MARKERS = "osD^vP*Xph<>"
#: Mostly of Paul Tol's schemes "bright" and "muted", made to be told apart by most people.
COLOURS = (
    *("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#EE7733", "#44AA99", "#332288", "#999933"),
    *("#882255", "#BBBBBB", "#DDCC77", "#117733", "#CC6677", "#88CCEE", "#775533", "#AA4499"),
)
_TICKS = (-20, -10, -5, -2, -1, -0.5, 0, 0.5, 1, 2, 5)
_HARD = 0.999
_STEP = 0.015
_SPREAD = 0.36


def plot_psnr(results: Results, path: Path) -> None:
    """PSNR over noise for each surface, and below it the paired difference to the reference, with 95 % intervals."""
    from matplotlib.figure import Figure

    surfaces, noises = _grid(results)
    figure = Figure(figsize=(4.4 * len(surfaces) + 2.4, 7.4), layout="constrained")
    axes = figure.subplots(2, len(surfaces), squeeze=False, sharex=True, sharey="row")
    for column, surface in enumerate(surfaces):
        _draw_means(axes[0, column], results, surface, noises)
        _draw_differences(axes[1, column], results, surface, noises)
        axes[0, column].set_title(surface)
        axes[1, column].set_xlabel("noise, share of full scale")
    axes[0, 0].set_ylabel("PSNR, dB")
    axes[1, 0].set_ylabel(f"PSNR less that of {results.reference}, dB")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=110)


def plot_decisions(results: Results, path: Path) -> None:
    """Noise gain against decision quality: a line for each method, from the least noise to the most."""
    from matplotlib.figure import Figure

    surfaces, noises = _grid(results)
    figure = Figure(figsize=(4.4 * len(surfaces) + 2.4, 4.4), layout="constrained")
    axes = figure.subplots(1, len(surfaces), squeeze=False, sharey=True)[0]
    for ax, surface in zip(axes, surfaces, strict=True):
        _draw_decisions(ax, results, surface, noises)
    axes[0].set_ylabel("decision quality, dB")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    told = f"larger marks are more noise: {', '.join(noises)}; up and left is better; on grey: gain 1, side by side"
    figure.supxlabel(told, fontsize="small")
    figure.savefig(path, dpi=110)


def plot_times(results: Results, path: Path) -> None:
    """Quality against time: a mark for each method, means over all noises."""
    from matplotlib.figure import Figure

    surfaces, noises = _grid(results)
    figure = Figure(figsize=(4.4 * len(surfaces) + 2.4, 4.4), layout="constrained")
    axes = figure.subplots(1, len(surfaces), squeeze=False, sharey=True)[0]
    for ax, surface in zip(axes, surfaces, strict=True):
        for label in (label for label in results.labels if label != SHARPEST):
            seconds, quality = (np.mean(_means(results, label, m, surface, noises)) for m in ("seconds", "psnr"))
            style = {**_style(results, label), "linestyle": "none", "markersize": 8}
            ax.plot([seconds], [quality], label=label, **style)
        ax.set(title=surface, xscale="log", xlabel="time for a stack, s")
        ax.grid(alpha=0.25)
    axes[0].set_ylabel("PSNR, dB, mean over noises")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=110)


def _draw_means(ax: Axes, results: Results, surface: str, noises: Sequence[str]) -> None:
    for label in results.labels:
        ax.plot(
            range(len(noises)), _means(results, label, "psnr", surface, noises), label=label, **_style(results, label)
        )
    ax.set_xticks(range(len(noises)), noises)
    ax.grid(alpha=0.25)


def _draw_differences(ax: Axes, results: Results, surface: str, noises: Sequence[str]) -> None:
    others = [label for label in results.labels if label not in (SHARPEST, results.reference)]
    shifts = np.linspace(-_SPREAD, _SPREAD, len(others)) if len(others) > 1 else [0.0]
    for shift, label in zip(shifts, others, strict=False):
        gaps = [results.against(label, "psnr", surface, noise) for noise in noises]
        style = {**_style(results, label), "linestyle": "none"}
        half = [gap.half if np.isfinite(gap.half) else 0 for gap in gaps]
        ax.errorbar(np.arange(len(noises)) + shift, [gap.mean for gap in gaps], half, elinewidth=1.2, **style)
    ax.set_yscale("symlog", linthresh=1)
    ax.set_yticks(_TICKS, [f"{tick:+g}" if tick else "0" for tick in _TICKS])
    ax.minorticks_off()
    ax.axhline(0, color="black", linewidth=0.8)
    ax.grid(alpha=0.25, axis="y")
    for edge in range(1, len(noises)):
        ax.axvline(edge - 0.5, color="0.85", linewidth=0.8)


def _draw_decisions(ax: Axes, results: Results, surface: str, noises: Sequence[str]) -> None:
    """Methods that take one slice for each pixel all have the gain 1: they stand side by side beyond it."""
    hard = 0
    for label in results.labels:
        gain, quality = (_means(results, label, m, surface, noises) for m in ("noise_gain", "decision_psnr"))
        if not np.isfinite(gain).any():
            continue
        if min(gain) > _HARD:
            hard += 1
            gain = [1 + _STEP * hard] * len(gain)
        style = _style(results, label)
        ax.plot([], [], label=label, **{**style, "marker": style["marker"] or "x"})
        ax.plot(gain, quality, color=style["color"], linewidth=style["linewidth"], linestyle=style["linestyle"])
        ax.scatter(gain, quality, _sizes(noises), color=style["color"], marker=style["marker"] or "x", zorder=3)
    ax.axvspan(1, 1 + _STEP * (hard + 1), color="0.94", zorder=0)
    ax.set(title=surface, xlabel="noise gain, mean of sqrt(sum w²)", xlim=(None, 1 + _STEP * (hard + 1)))
    ax.set_xticks([tick for tick in ax.get_xticks() if ax.get_xlim()[0] <= tick <= 1.001])
    ax.grid(alpha=0.25)


def _grid(results: Results) -> tuple[list[str], list[str]]:
    cells = results.cells()
    return list(dict.fromkeys(s for s, _ in cells)), sorted({noise for _, noise in cells}, key=float)


def _means(results: Results, label: str, metric: str, surface: str, noises: Sequence[str]) -> list[float]:
    return [interval(list(results.cell(label, metric, surface, noise).values())).mean for noise in noises]


def _style(results: Results, label: str) -> dict[str, Any]:
    if label == SHARPEST:
        return {"color": "black", "linestyle": ":", "marker": "", "linewidth": 1.4}
    k = results.labels.index(label) - 1
    main = label == results.reference
    return {
        "color": COLOURS[k % len(COLOURS)],
        "linestyle": "-" if k < len(COLOURS) else "--",
        "marker": MARKERS[k % len(MARKERS)],
        "linewidth": 2.4 if main else 1.2,
        "markersize": 5,
    }


def _sizes(noises: Sequence[str]) -> list[float]:
    return [12 + 22 * k for k in range(len(noises))]


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
        ax.plot(range(len(noises)), np.maximum(means, _LEAST), label=line, **_style_of(of, line))
    ax.set_yscale("log")
    ax.set_xticks(range(len(noises)), noises)
    ax.grid(alpha=0.25, which="both")


def _draw_gaps(ax: Axes, of: Comparison, surface: str, noises: Sequence[str]) -> None:
    for line in of.labels:
        cells = [(surface, noise) for noise in noises]
        gaps = [paired(of.values(line, "psnr", cell), of.values(BEST, "psnr", cell)).mean for cell in cells]
        ax.plot(range(len(noises)), gaps, **_style_of(of, line))
    ax.axhline(0, color="black", linewidth=0.8)
    ax.grid(alpha=0.25)


def _style_of(of: Comparison, line: str) -> dict[str, Any]:
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
