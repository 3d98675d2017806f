"""Scores that others recorded on the same pairs: a CSV with the columns method, name, Qg, Qm, Qcb."""

import csv
from collections.abc import Collection
from pathlib import Path

from benchmarks.pairs import PAPER
from napari_focusfuse.errors import FocusFuseError

__all__ = ["NOTES", "RECORDED_AS", "Scores", "read_recorded"]

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
