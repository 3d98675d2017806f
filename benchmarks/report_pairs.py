"""What the runs on pairs say: the paper's Tables 2 and 3, and scores against the truth."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.page import FAILED, MISSING, bold_best, counted, difference, number, table
from benchmarks.pairs import PAPER, PUBLISHED
from benchmarks.provenance import sentence
from benchmarks.records import NOTES, RECORDED_AS, Scores, printed_section
from benchmarks.rows import NOTE, Row, Rows, Stored, write_csv
from benchmarks.scoring import CALIBRATION
from benchmarks.statistics import Interval, certain, first_places, interval, paired

__all__ = ["LARGE", "paper_section", "real_section", "scores_table", "truth_section", "write_pair_summary"]

#: Differences from the recorded scores that are larger are marked.
LARGE = 0.02
_TABLE_2 = """\
Means of Qg, Qm and Qcb (higher is better) and, in brackets, on how many pairs a method has the first place, ties
included. The best mean is bold; one of fewer pairs than others is shown with its n and never bold. Results are rounded
to the type of the photographs before they are measured."""
_RECORDED = f"""\
*Recorded* are the scores that the paper's authors recorded on the same pairs; their first places are among themselves.
† differs by more than {LARGE:g} from what was recorded; more on the reasons is in [methods](methods.md)."""
_TABLE_3 = """\
**Time** for a pair, mean and standard deviation. Pair by pair all methods take their turn on the same machine; the
first call, which loads what is needed, does not count. External programs start anew for each pair, and reading and
writing images is part of their time. Memory is known for external programs only."""
_WITH_TRUTH = """\
Means, the best in bold; one of fewer pairs than others is shown with its n and never bold. The difference in PSNR to
`{reference}` is taken pair by pair, with its 95 % interval (t), each on its own; bold: not 0 at a family-wise error of
5 % (Holm's correction over the column). Calibration error is that of confidence, where one photograph is nearer to the
truth than the other by more than 2 % of full scale. Bias is mean intensity less that of the truth, % of full scale.
Time is that of a pair, all methods in turn on each; for external programs it is with start, reading and writing, and
memory is the most that they had."""
_WITHOUT_TRUTH = """\
Real photographs have no truth: Qg, Qm and Qcb (higher is better) beside those of `{reference}`, whose decision maps are
coherent, pair by pair with the 95 % interval (t) of the mean difference; bold: not 0 at a family-wise error of 5 %
(Holm's correction over the column). *Islands*: share of pixels in regions of one slice that are smaller than .02 % of
the image; salt and pepper where it is large. *Differs*: share of pixels that are from the other slice than with
`{reference}`, and the mean confidence there."""
_TITLES = {
    "qg": "Qg",
    "qm": "Qm",
    "qcb": "Qcb",
    "psnr": "PSNR, dB",
    "ssim": "SSIM",
    "bias": "bias, %",
    CALIBRATION: "calibration error",
}


def paper_section(
    rows: Rows | Stored, labels: Sequence[str], pairs: Collection[str], recorded: Scores | None, name: str
) -> str:
    """Tables 2 and 3 in Markdown.

    Parameters
    ----------
    rows : Rows or Stored
        Of `iter_pairs`.
    labels : sequence of str
        Methods and programs in the order of the table.
    pairs : collection of str
        Those to take into account.
    recorded : mapping, optional
        Of `read_recorded`.
    name : str
        Of the folder.
    """
    kept = _kept(rows, labels, pairs)
    parts = [
        f"## The paper's comparison: {name}, {len(pairs)} pairs",
        _TABLE_2,
        scores_table(kept, labels, recorded, RECORDED_AS),
    ]
    if recorded:
        parts.append(_RECORDED)
        parts.append(_explained(kept, labels, recorded))
    parts += [
        _TABLE_3,
        _table_3(kept, labels),
        printed_section(labels),
        _failures(kept),
        sentence(rows.made, rows.settings),
    ]
    return "\n\n".join(part for part in parts if part)


def truth_section(
    rows: Rows | Stored, labels: Sequence[str], pairs: Collection[str], metrics: Sequence[str], name: str
) -> str:
    """Scores against the true images in Markdown; see `paper_section`. The first label is the reference."""
    kept = _kept(rows, labels, pairs)
    columns = []
    for metric in metrics:
        means = [_mean(kept, label, metric) for label in labels]
        if metric == "bias":
            columns.append(_plain([(100 * mean, n) for mean, n in means], 3))
        elif metric == CALIBRATION:
            columns.append(_plain(means, 3))
        else:
            columns.append(_column(means, 2 if metric == "psnr" else 4, labels, kept))
    seconds = _plain([_mean(kept, label, "seconds") for label in labels], 2)
    memory = [number(_largest(kept, label, "peak_mb"), 0) for label in labels]
    psnr = {label: _of(kept, label, "psnr") for label in labels}
    gaps = {label: paired(psnr[label], psnr[labels[0]]) for label in labels[1:]}
    there, full = certain(gaps), len(psnr[labels[0]])
    shown = [MISSING, *(difference(gap, 2, certain=label in there, full=full) for label, gap in gaps.items())]
    body = [list(cells) for cells in zip(labels, shown, *columns, seconds, memory, strict=True)]
    headings = ["method", f"PSNR less {labels[0]}", *(_TITLES[metric] for metric in metrics), "time, s", "memory, MB"]
    better = [
        f"`{label}` ({gaps[label].mean:+.2f} dB, n {gaps[label].n})" for label in labels if _above(label, gaps, there)
    ]
    parts = [
        f"## Pairs with truth: {name}, {len(pairs)} pairs",
        _WITH_TRUTH.format(reference=labels[0]),
        table(headings, body),
        f"**Where `{labels[0]}` loses** at that level: {', '.join(better) or 'to none of these'}.",
        _failures(kept),
        sentence(rows.made, rows.settings),
    ]
    return "\n\n".join(part for part in parts if part)


def real_section(rows: Rows | Stored, labels: Sequence[str], pairs: Collection[str], name: str) -> str:
    """Scores of pairs without truth beside those of the published method in Markdown; see `paper_section`."""
    kept = _kept(rows, labels, pairs)
    columns: dict[str, list[str]] = {}
    for metric in PAPER:
        columns[_TITLES[metric]] = _column([_mean(kept, label, metric) for label in labels], 4, labels, kept)
        columns[f"{_TITLES[metric]} less paper"] = _against(kept, labels, metric, PUBLISHED)
    for title, metric in (("islands, %", "islands"), ("differs, %", "differs")):
        columns[title] = [number(100 * _mean(kept, label, metric)[0], 2) for label in labels]
    columns["confidence there"] = [number(_mean(kept, label, "confidence_there")[0], 2) for label in labels]
    columns["time, s"] = [number(_mean(kept, label, "seconds")[0], 2) for label in labels]
    parts = [
        f"## Real pairs: {name}, {len(pairs)} pairs",
        _WITHOUT_TRUTH.format(reference=PUBLISHED),
        table(["method", *columns], [list(cells) for cells in zip(labels, *columns.values(), strict=True)]),
        _failures(kept),
        sentence(rows.made, rows.settings),
    ]
    return "\n\n".join(part for part in parts if part)


def _against(kept: Sequence[Row], labels: Sequence[str], metric: str, reference: str) -> list[str]:
    """A column of differences to the reference."""
    values = {label: _of(kept, label, metric) for label in labels}
    base = values.get(reference, {})
    gaps = {label: paired(values[label], base) for label in labels if label != reference}
    there = certain(gaps)
    return [
        difference(gaps[label], 4, certain=label in there, full=len(base)) if label in gaps else MISSING
        for label in labels
    ]


def write_pair_summary(
    path: Path, rows: Rows | Stored, labels: Sequence[str], pairs: Collection[str], metrics: Sequence[str]
) -> None:
    """Mean, standard deviation, 95 % interval and number of these pairs for each method and metric, as CSV."""
    out, kept = [], _kept(rows, labels, pairs)
    for label in labels:
        for metric in (*metrics, "seconds", "peak_mb"):
            values = list(_of(kept, label, metric).values())
            mean = interval(values)
            deviation = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
            if values:
                out.append([label, metric, mean.mean, deviation, mean.low, mean.high, mean.n])
    write_csv(path, ["method", "metric", "mean", "standard_deviation", "low", "high", "n"], out)


def _kept(rows: Rows | Stored, labels: Collection[str], pairs: Collection[str]) -> list[Row]:
    return [row for row in rows if row["method"] in labels and row["pair"] in pairs]


def scores_table(
    kept: Sequence[Row], labels: Sequence[str], recorded: Scores | None, recorded_as: Mapping[str, str]
) -> str:
    """Means and first places of Qg, Qm, Qcb, and the recorded ones beside them.

    Parameters
    ----------
    kept : sequence of Row
        Of these labels and pairs alone.
    labels : sequence of str
    recorded : mapping, optional
        Of `read_recorded`; those that nobody here has are added at the end.
    recorded_as : mapping of label to str
        What they are called there, where it is another name.
    """
    ours = _scores(kept, labels)
    known = list(recorded[PAPER[0]]) if recorded else []
    theirs = [name if (name := recorded_as.get(label, label)) in known else "" for label in labels]
    theirs += sorted(name for name in known if name not in theirs)
    own = [_with_places(ours[metric], labels, kept) for metric in PAPER]
    if not recorded:
        return table(["method", *(_TITLES[metric] for metric in PAPER)], list(zip(labels, *own, strict=True)))
    others = [_with_places(recorded[metric], theirs, []) for metric in PAPER]
    body = []
    for k, name in enumerate(theirs):
        cells = [column[k] if k < len(labels) else MISSING for column in own]
        label = labels[k] if k < len(labels) else MISSING
        far = _far(ours, label, recorded, name)
        cells = [f"{cell} †" if metric in far else cell for cell, metric in zip(cells, PAPER, strict=True)]
        body.append([label, *cells, name or MISSING, *(column[k] for column in others)])
    titles = [_TITLES[metric] for metric in PAPER]
    return table(["method", *titles, "recorded as", *(f"{title}, recorded" for title in titles)], body)


def _scores(kept: Sequence[Row], labels: Sequence[str]) -> Scores:
    return {metric: {label: _of(kept, label, metric) for label in labels} for metric in PAPER}


def _far(ours: Scores, label: str, recorded: Scores, name: str) -> list[str]:
    """Metrics whose mean is far from the recorded one."""
    return [
        metric
        for metric in PAPER
        if abs(_average(ours[metric].get(label, {}))[0] - _average(recorded[metric].get(name, {}))[0]) > LARGE
    ]


def _explained(kept: Sequence[Row], labels: Sequence[str], recorded: Scores) -> str:
    """Why rows differ from the recorded ones."""
    ours = _scores(kept, labels)
    names = {label: RECORDED_AS.get(label, label) for label in labels}
    far = {label: name for label, name in names.items() if _far(ours, label, recorded, name)}
    return "\n".join(f"- `{label}` †: {NOTES.get(name, 'not explained')}." for label, name in far.items())


def _with_places(scores: dict[str, dict[str, float]], labels: Sequence[str], kept: Sequence[Row]) -> list[str]:
    """Mean and first places of each label; where there is no score, a dash or that it failed."""
    places = first_places(scores)
    means = _column([_average(scores.get(label, {})) for label in labels], 4, labels, kept)
    counts = [f" ({places[label]})" if scores.get(label) else "" for label in labels]
    return [mean + count for mean, count in zip(means, counts, strict=True)]


def _column(means: Sequence[tuple[float, int]], digits: int, labels: Sequence[str], kept: Sequence[Row]) -> list[str]:
    failed = {row["method"] for row in kept if row[NOTE]}
    cells = bold_best(means, digits, max(n for _, n in means))
    return [FAILED if c == MISSING and label in failed else c for c, label in zip(cells, labels, strict=True)]


def _plain(means: Sequence[tuple[float, int]], digits: int) -> list[str]:
    full = max(n for _, n in means)
    return [counted(mean, digits, n, full) for mean, n in means]


def _above(label: str, gaps: Mapping[str, Interval], there: Collection[str]) -> bool:
    """Whether a method is certain to be better than the reference."""
    return label in there and gaps[label].mean > 0


def _table_3(kept: Sequence[Row], labels: Sequence[str]) -> str:
    body = []
    means = _plain([_mean(kept, label, "seconds") for label in labels], 3)
    for label, mean in zip(labels, means, strict=True):
        seconds = list(_of(kept, label, "seconds").values())
        deviation = float(np.std(seconds, ddof=1)) if len(seconds) > 1 else float("nan")
        body.append([label, mean, number(deviation, 3), number(_largest(kept, label, "peak_mb"), 0)])
    return table(["method", "mean, s", "standard deviation, s", "peak memory, MB"], body)


def _failures(kept: Sequence[Row]) -> str:
    notes = {row["method"]: row[NOTE] for row in kept if row[NOTE]}
    counts = {label: sum(row["method"] == label and bool(row[NOTE]) for row in kept) for label in notes}
    lines = [f"- `{label}` failed on {counts[label]}: {note}" for label, note in notes.items()]
    return "\n".join(["**Failed**", "", *lines]) if lines else ""


def _of(kept: Sequence[Row], label: str, metric: str) -> dict[str, float]:
    return {row["pair"]: row[metric] for row in kept if row["method"] == label and math.isfinite(row[metric])}


def _mean(kept: Sequence[Row], label: str, metric: str) -> tuple[float, int]:
    return _average(_of(kept, label, metric))


def _largest(kept: Sequence[Row], label: str, column: str) -> float:
    return max(_of(kept, label, column).values(), default=float("nan"))


def _average(scores: dict[str, float]) -> tuple[float, int]:
    """Mean and how many it is of."""
    return (float(np.mean(list(scores.values()))) if scores else float("nan")), len(scores)
