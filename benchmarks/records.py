"""What the paper's authors recorded on pairs, and what the paper prints.

``paper_recorded.csv`` holds the scores that the authors of Ma et al. 2020 published with their code, of each of their
methods and variants, for the 20 Lytro pairs (M. Nejati, S. Samavi, S. Shirani, Information Fusion 25 (2015) 72-84);
``paper_printed.csv`` holds Tables 2 and 3 of the paper, of 38 pairs, 20 of which are these.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from pathlib import Path

from benchmarks.page import MISSING, table
from benchmarks.pairs import PAPER
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "NOTES",
    "RECORDED_AS",
    "Scores",
    "paper_methods",
    "printed_section",
    "read_printed",
    "read_recorded",
    "stored_records",
]

#: Metric -> method -> pair -> value.
Scores = dict[str, dict[str, dict[str, float]]]

#: How the records of the paper's authors call what we call otherwise.
RECORDED_AS = {
    "sesf:preset=paper": "se_sf_dm",
    "focusstack": "focus_stack",
    "block-sf": "sf",
    "cnn": "cnn_fuse",
    "deepfuse": "deep_fuse",
    "densefuse": "dense_fuse_1e3_l1",
    "densefuse:strategy=add": "dense_fuse_1e3_add",
}
_RECORDED, _PRINTED = (Path(__file__).parent / f"paper_{name}.csv" for name in ("recorded", "printed"))
#: Variants of the paper's own method, and that itself: another table.
_VARIANTS = ("dense_sf_dm", "scse_sf_dm", "sse_sf_dm", "se_sf", "se_absmax", "se_average", "se_l1_norm", "se_max")
_ABLATION = ("se_sf_dm", *_VARIANTS)

#: Recorded name -> why ours differs; how that was found out is in docs/methods.md.
NOTES = {
    "sf": "the recorded row is a plain average of the two photographs",
    "lp": "the recorded row has another rule of choice, the largest of 3 x 3 and a majority vote; ours is as published",
    "dwt": "the settings of the recorded row are not known",
    "gf": "the recorded row is nearly the first photograph",
    "dsift": "the recorded row saw nearly white images",
    "imf": "ours has closed-form matting; the recorded row is not reproduced",
    "sr": "another dictionary, and a larger residual",
    "deep_fuse": "other weights; the recorded row is below a plain average",
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


def stored_records(pairs: Collection[str]) -> Scores | None:
    """The authors' scores of these pairs, of those that are stored here; None if these are other pairs."""
    with _RECORDED.open(encoding="utf-8", newline="") as file:
        known = {row["name"] for row in csv.DictReader(file)}
    return read_recorded(_RECORDED, pairs) if known & set(pairs) else None


def read_printed() -> dict[str, dict[str, float]]:
    """Tables 2 and 3 of the paper: name as recorded -> column -> value, in the order of the tables."""
    with _PRINTED.open(encoding="utf-8", newline="") as file:
        return {row.pop("method"): {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)}


def paper_methods() -> str:
    """The methods of the paper's tables that are here, its own and ours first, as `parse_methods` takes them."""
    called = {name: label for label, name in RECORDED_AS.items()}
    labels = [called.get(name, name) for name in reversed(read_printed())]
    there = [label for label in labels if label.partition(":")[0] in METHODS]
    return ",".join([there[0], next(iter(METHODS)), *there[1:]])


_TEXT = """\
**What the paper prints** (Tables 2 and 3): means of 38 pairs, first places among its 18 methods, and times of its
implementations on its machine. Methods in its tables that were not run here have no name of ours."""


def printed_section(labels: Sequence[str]) -> str:
    """The paper's own numbers in Markdown, in the order of our methods; methods that were not run at the end."""
    printed, names = read_printed(), {RECORDED_AS.get(label, label): label for label in labels}
    body = []
    for name in [*(name for name in names if name in printed), *(name for name in printed if name not in names)]:
        row = printed[name]
        scores = [f"{row[metric]:.4f} ({row[f'{metric}_first']:.0f})" for metric in PAPER]
        body.append([names.get(name, MISSING), name, *scores, f"{row['seconds']:.4f}", f"{row['deviation']:.4f}"])
    rows = table(["method", "in the paper", *(f"Q{m[1:]}" for m in PAPER), "mean, s", "standard deviation, s"], body)
    return f"{_TEXT}\n\n{rows}"
