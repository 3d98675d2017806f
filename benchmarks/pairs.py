"""Every contender on pairs of photographs, beside scores that others recorded on them.

These are a CSV with the columns method, name, Qg, Qm, Qcb.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path

from benchmarks.contenders import Contender, parse_methods
from benchmarks.rows import Row, Rows
from benchmarks.scoring import CALIBRATION, COHERENCE, COSTS, coherence_scores, cost, pair_scores
from napari_focusfuse import io
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError
from napari_focusfuse.io import Pair, find_pairs

__all__ = [
    "KEYS",
    "NOTES",
    "PAPER",
    "PUBLISHED",
    "RECORDED_AS",
    "WITHOUT_TRUTH",
    "WITH_TRUTH",
    "Pair",
    "Scores",
    "find_pairs",
    "iter_pairs",
    "read_recorded",
    "values",
]

KEYS = ("pair", "method")
PAPER = ("qg", "qm", "qcb")
WITH_TRUTH = ("psnr", "ssim", "bias", *PAPER, CALIBRATION)
WITHOUT_TRUTH = (*PAPER, *COHERENCE)
#: Our method as published: always among the paper's, and what decisions without truth are held against.
PUBLISHED = "sesf:preset=paper"
_WARM_UP = 64


def values(metrics: Sequence[str]) -> tuple[str, ...]:
    """Columns of numbers for these metrics."""
    return (*metrics, *COSTS)


def iter_pairs(
    pairs: Sequence[Pair], contenders: Sequence[Contender], rows: Rows, metrics: Sequence[str]
) -> Generator[Progress, None, None]:
    """Run every contender on every pair; pair by pair, so that all share what else the machine does.

    Each runs once on a corner of the first pair before its time is taken.

    Parameters
    ----------
    pairs : sequence of Pair
    contenders : sequence of Contender
    rows : Rows
        Gets what it does not hold yet.
    metrics : sequence of str
        Those that need truth only with pairs that have it.
    """
    ready: set[str] = set()
    for done, pair in enumerate(pairs):
        step = Progress(done, len(pairs), f"pair {done + 1} of {len(pairs)}")
        yield step
        missing = [c for c in contenders if not rows.has(pair=pair.name, method=c.label)]
        for row in _run_on(pair, missing, metrics, ready):
            rows.add([row])
            yield step
    rows.finish()
    yield Progress(len(pairs), len(pairs), "pairs")


def _run_on(pair: Pair, contenders: Sequence[Contender], metrics: Sequence[str], ready: set[str]) -> Iterator[Row]:
    """Rows of contenders that take their turn on a pair; those that are not `ready` run once on its corner before."""
    if not contenders:
        return
    sources = pair.sources()
    truth = io.read_image(pair.truth) if pair.truth and "psnr" in metrics else None
    of_image = [metric for metric in metrics if metric not in COHERENCE]
    published = parse_methods(PUBLISHED)[0].run(sources).decision if len(of_image) < len(metrics) else None
    for contender in contenders:
        if contender.label not in ready:
            contender.run([image[:_WARM_UP, :_WARM_UP] for image in sources])
            ready.add(contender.label)
        outcome = contender.run(sources)
        scores = {**pair_scores(outcome, sources, truth, of_image), **cost(outcome)}
        if published is not None:
            scores |= coherence_scores(outcome, published)
        yield {"pair": pair.name, "method": contender.label, **scores}


#: Metric -> method -> pair -> value.
Scores = dict[str, dict[str, dict[str, float]]]

#: How the records of the paper's authors call what we call otherwise.
RECORDED_AS = {"sesf:preset=paper": "se_sf_dm", "focusstack": "focus_stack", "block-sf": "sf"}
#: Variants of the paper's own method, and that itself: another table.
_VARIANTS = ("dense_sf_dm", "scse_sf_dm", "sse_sf_dm", "se_sf", "se_absmax", "se_average", "se_l1_norm", "se_max")
_ABLATION = ("se_sf_dm", *_VARIANTS)

#: Recorded name -> why ours differs; how that was found out is in docs/methods.md.
NOTES = {
    "sf": "the recorded row is a plain average of the two photographs",
    "lp": "the recorded row has another rule of choice, the largest of 3 x 3 and a majority vote; ours is as published",
    "dwt": "the settings of the recorded row are not known",
    "gf": "the recorded row is nearly the first photograph",
    "focus_stack": "the program aligns the photographs first, ours does not",
}


def read_recorded(path: Path, pairs: Collection[str], *, ablation: bool = False) -> Scores:
    """Recorded scores of these pairs, without the paper's ablation or of that alone.

    Parameters
    ----------
    path : Path
    pairs : collection of str
        Names of the pairs that were measured.
    ablation : bool
        Those of the variants of the paper's method.

    Raises
    ------
    FocusFuseError
        The file cannot be read, has other columns, or knows none of the pairs.
    """
    found: Scores = {metric: {} for metric in PAPER}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                wanted = row["method"] in _ABLATION if ablation else row["method"] not in _VARIANTS
                if not wanted or row["name"] not in pairs:
                    continue
                for metric in PAPER:
                    value = float(row[f"Q{metric[1:]}"])
                    found[metric].setdefault(row["method"], {})[row["name"]] = value
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise FocusFuseError(
            f"cannot read recorded scores from {path}: it must have the columns method, name, Qg, Qm, Qcb"
        ) from error
    if not found[PAPER[0]]:
        raise FocusFuseError(f"{path} has no scores of these pairs: their names differ, leave it out")
    return found
