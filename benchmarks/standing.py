"""The short report: where one method stands beside the best of all others, a line for each kind of image.

It is made from the rows that are in a folder, of whatever runs. Which other method is the best is asked anew for every
line and score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks import halo, pairs
from benchmarks.page import MISSING, difference, number, table
from benchmarks.report_families import scene_means
from benchmarks.results import Results
from benchmarks.rows import Row, Stored
from benchmarks.scenes import UNEVEN
from benchmarks.simulated import FLAWED, KEYS, LADDER, NOISIER, SHARPEST, STANDARD, VALUES
from benchmarks.statistics import interval, paired

__all__ = ["standing"]

#: Kind of rows -> columns of keys and of numbers.
_COLUMNS = {
    "simulated": (KEYS, VALUES),
    "halo": (halo.KEYS, halo.VALUES),
    "pairs": (pairs.KEYS, pairs.values(pairs.WITH_TRUTH)),
    "real": (pairs.KEYS, pairs.values(pairs.WITHOUT_TRUTH)),
}
#: Of each method, scene -> value.
Scores = Mapping[str, Mapping[str, float]]

_HEAD = """\
# Where `{reference}` stands

In each line beside the best other method, with the 95 % interval (t) of the mean difference. Other settings of our own
method are not among the others; methods that failed on a scene of a line are not, either."""
_PSNR = ("PSNR, dB", "best other", "gain, dB")
_DECISION = ("sharpest slice, dB", "wrong, %", "best other", "ratio", "calibration error")
_NOISES = tuple(f"{noise:g}" for noise in LADDER)
_REAL = ("Qg less paper", "Qcb less paper", "islands, %", "confidence where they differ")


def standing(folder: Path, reference: str = "") -> str:
    """The report in Markdown; empty if the folder has no rows of that method.

    Parameters
    ----------
    folder : Path
        With rows of a run.
    reference : str
        The method; the first that was run if it is empty.
    """
    reference = reference or _first_method(folder)
    parts = [
        *_tables(folder, "simulated", ("stacks", *_PSNR, *_DECISION), _simulated, reference),
        *_tables(folder, "simulated", ("more noise: PSNR, dB", *_NOISES, "largest rise, dB"), _noisier, reference),
        *_tables(folder, "halo", ("bright spots", *_PSNR), _halo, reference),
        *_tables(folder, "pairs", ("with truth", *_PSNR, "calibration error"), _truth, reference),
        *_tables(folder, "real", ("without truth", *_REAL), _real, reference),
    ]
    return "\n\n".join([_HEAD.format(reference=reference), *parts]) if parts else ""


def _first_method(folder: Path) -> str:
    for kind, columns in _COLUMNS.items():
        for file in _files(folder, kind):
            ran = [label for label in Stored.read(file, *columns).made.get("methods", []) if label != pairs.PUBLISHED]
            if ran:
                return str(ran[0])
    return ""


def _files(folder: Path, kind: str) -> list[Path]:
    """Files of rows; summaries are none."""
    return [file for file in sorted(folder.glob(f"{kind}-*.csv")) if not file.stem.endswith("-summary")]


def _tables(
    folder: Path,
    kind: str,
    headings: Sequence[str],
    lines: Callable[[str, list[Row], str], list[list[str]]],
    reference: str,
) -> list[str]:
    """A table of all files of a kind: none, or one."""
    body: list[list[str]] = []
    for file in _files(folder, kind):
        rows = Stored.read(file, *_COLUMNS[kind]).rows
        if any(row["method"] == reference for row in rows):
            body += lines(file.stem.partition("-")[2], rows, reference)
    return [table(headings, body)] if body else []


def _simulated(split: str, rows: list[Row], reference: str) -> list[list[str]]:
    results = Results(rows, list(dict.fromkeys(row["method"] for row in rows)), reference)
    kinds = [(f"{s} {noise}", {"study": STANDARD, "surface": s, "noise": noise}) for s, noise in results.cells()]
    flaws = dict.fromkeys(row["flaw"] for row in rows if row["study"] == FLAWED)
    kinds += [(f"flaw: {flaw}", {"study": FLAWED, "flaw": flaw}) for flaw in flaws]
    body = []
    for name, which in kinds:
        psnr, wrong, calibration = (_scores(results, metric, which) for metric in ("psnr", "wrong", "calibration"))
        best = _best(wrong, reference, largest=False)
        least = _mean(wrong, best)
        ratio = _mean(wrong, reference) / least if least else math.nan
        body.append(
            [
                f"{split}, {name}",
                *_gain(psnr, reference),
                number(_mean(psnr, SHARPEST), 2),
                number(100 * _mean(wrong, reference), 2),
                f"{best} {number(100 * least, 2)}" if best else MISSING,
                number(ratio, 2),
                number(_mean(calibration, reference), 3),
            ]
        )
    return body


def _noisier(split: str, rows: list[Row], reference: str) -> list[list[str]]:
    """PSNR while noise grows, and the most by which it is better with noise than without on any scene."""
    kept = [row for row in rows if row["study"] == NOISIER and row["method"] == reference]
    body = []
    for flaw in dict.fromkeys(row["flaw"] for row in kept):
        stacks: dict[str, dict[str, float]] = {}
        for row in kept:
            if row["flaw"] == flaw:
                stacks.setdefault(f"{row['surface']}/{row['scene']}", {})[row["noise"]] = row["psnr"]
        means = [interval([of[noise] for of in stacks.values() if noise in of]).mean for noise in _NOISES]
        rise = max(max(of.values()) - of[_NOISES[0]] for of in stacks.values())
        even = "uneven" if flaw == UNEVEN else "even"
        body.append([f"{split}, {even}", *(number(mean, 2) for mean in means), number(rise, 2)])
    return body


def _scores(results: Results, metric: str, which: Mapping[str, str]) -> Scores:
    """Of each method, scene -> mean over its stacks of that kind."""

    def of(row: Row) -> bool:
        return all(row[key] == value for key, value in which.items())

    return {label: scene_means(results.values(label, metric, of)) for label in results.labels}


def _halo(split: str, rows: list[Row], reference: str) -> list[list[str]]:
    body = []
    for edge, ratio in halo.halo_cells(rows):
        here = [row for row in rows if (row["edge"], row["ratio"]) == (edge, ratio)]
        gains = {zone: _gain(_by(here, "scene", zone), reference) for zone in halo.ZONES}
        body += [[f"{split}, edge {edge} px, x {ratio}, {zone}", *gain] for zone, gain in gains.items()]
    return body


def _truth(name: str, rows: list[Row], reference: str) -> list[list[str]]:
    calibration = _mean(_by(rows, "pair", "calibration"), reference)
    return [[name, *_gain(_by(rows, "pair", "psnr"), reference), number(calibration, 3)]]


def _real(name: str, rows: list[Row], reference: str) -> list[list[str]]:
    gaps = []
    for metric in ("qg", "qcb"):
        values = _by(rows, "pair", metric)
        gap = paired(values[reference], values.get(pairs.PUBLISHED, {}))
        gaps.append(difference(gap, 4, certain=False, full=gap.n))
    islands, sure = (_mean(_by(rows, "pair", metric), reference) for metric in ("islands", "confidence_there"))
    return [[name, *gaps, number(100 * islands, 2), number(sure, 2)]]


def _by(rows: Iterable[Row], scene: str, metric: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        found.setdefault(row["method"], {})
        if math.isfinite(row[metric]):
            found[row["method"]][row[scene]] = row[metric]
    return found


def _gain(psnr: Scores, reference: str) -> list[str]:
    """PSNR, the best other method, and the difference to it."""
    best = _best(psnr, reference)
    if not best:
        return [number(_mean(psnr, reference), 2), MISSING, MISSING]
    gap = paired(psnr[reference], psnr[best])
    told = difference(gap, 2, certain=False, full=gap.n)
    return [number(_mean(psnr, reference), 2), f"{best} {number(_mean(psnr, best), 2)}", told]


def _best(scores: Scores, reference: str, *, largest: bool = True) -> str:
    """The best other method of those that have all scenes of the reference; empty if there is none."""
    ours, everything = reference.partition(":")[0], scores[reference].keys()
    others = [
        label
        for label, values in scores.items()
        if label.partition(":")[0] != ours and label != SHARPEST and everything and values.keys() >= everything
    ]
    return (max if largest else min)(others, key=lambda label: _mean(scores, label), default="")


def _mean(scores: Scores, label: str) -> float:
    return interval(list(scores.get(label, {}).values())).mean
