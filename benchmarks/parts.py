"""The files of a part, made from its rows: summary, plots, and the section of the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks import plots
from benchmarks.page import IMAGES, link
from benchmarks.pairs import PAPER, WITH_TRUTH, WITHOUT_TRUTH
from benchmarks.records import read_recorded, stored_records
from benchmarks.report_pairs import paper_section, real_section, truth_section, write_pair_summary
from benchmarks.report_simulated import simulated_section, write_simulated_summary
from benchmarks.results import Results
from benchmarks.rows import Rows, Stored
from benchmarks.simulated import Study

__all__ = ["paper_part", "real_part", "simulated_part", "truth_part"]


def simulated_part(out: Path, results: Results, study: Study, rows: Rows | Stored) -> str:
    """Summary and plots of the simulated stacks; returns the section."""
    name = f"simulated-{study.split}"
    write_simulated_summary(out / f"{name}-summary.csv", results)
    plots.plot_psnr(results, out / IMAGES / f"{name}-psnr.png")
    plots.plot_decisions(results, out / IMAGES / f"{name}-decisions.png")
    plots.plot_times(results, out / IMAGES / f"{name}-times.png")
    images = [
        link(
            f"{name}-psnr.png", "PSNR over noise, and the difference to the reference with 95 % intervals, uncorrected"
        ),
        link(f"{name}-decisions.png", "Noise gain against decision quality"),
        link(f"{name}-times.png", "Quality against time for a stack, external programs with start, reading, writing"),
    ]
    return simulated_section(results, study, rows, images)


def paper_part(
    out: Path, name: str, rows: Rows | Stored, labels: Sequence[str], pairs: Sequence[str], records: Path | None
) -> str:
    """Summary of the paper's comparison on the pairs of a folder; returns the section."""
    write_pair_summary(out / f"paper-{name}-summary.csv", rows, labels, pairs, PAPER)
    recorded = read_recorded(records, pairs) if records else stored_records(pairs)
    return paper_section(rows, labels, pairs, recorded, name)


def truth_part(out: Path, name: str, rows: Rows | Stored, labels: Sequence[str], pairs: Sequence[str]) -> str:
    """Summary of pairs with truth; returns the section."""
    write_pair_summary(out / f"pairs-{name}-summary.csv", rows, labels, pairs, WITH_TRUTH)
    return truth_section(rows, labels, pairs, WITH_TRUTH, name)


def real_part(out: Path, name: str, rows: Rows | Stored, labels: Sequence[str], pairs: Sequence[str]) -> str:
    """Summary of pairs without truth; returns the section."""
    write_pair_summary(out / f"real-{name}-summary.csv", rows, labels, pairs, WITHOUT_TRUTH)
    return real_section(rows, labels, pairs, name)
