"""The best settings of classical measures, chosen on scenes of the development split alone."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from benchmarks.activities import LOG, PIXEL_SF
from benchmarks.rows import Row, Rows, Stored
from benchmarks.simulated import STANDARD
from napari_focusfuse.errors import FocusFuseError

__all__ = ["BEST", "KINDS", "TARGETS", "Cell", "Tuned", "tuned"]

#: Surface and noise.
Cell = tuple[str, str]

#: Scores that settings are tuned for, and whether larger is better.
TARGETS = {"wrong": False, "wrong_edge": False, "wrong_interior": False, "decision_psnr": True, "psnr": True}
#: Kinds of classical measures, each tuned on its own: the measure, and whether on one scale.
KINDS = {
    f"best {PIXEL_SF}, one scale": (PIXEL_SF, True),
    f"best {PIXEL_SF}, pyramid": (PIXEL_SF, False),
    f"best {LOG}, one scale": (LOG, True),
    f"best {LOG}, pyramid": (LOG, False),
}
#: The best of all kinds.
BEST = "best classical"
#: Labels of the grid: these always say their radius.
_LABEL = re.compile(rf"(?P<measure>{PIXEL_SF}|{LOG})(-[\d.]+)?:radius=\d+(?P<one>,levels=1)?(,softness=\d+)?")


class Tuned:
    """The settings that were chosen.

    Parameters
    ----------
    found : mapping of cell to (mapping of kind and target to label)
    """

    def __init__(self, found: Mapping[Cell, Mapping[tuple[str, str], str]]) -> None:
        self._found = found

    def label(self, kind: str, target: str, cell: Cell) -> str:
        """The setting of a kind that is best for a target in a cell; empty where nobody has that score."""
        return self._found.get(cell, {}).get((kind, target), "")

    def labels(self, cell: Cell) -> list[str]:
        """All that were chosen for a cell.

        Raises
        ------
        FocusFuseError
            Nothing was tuned there.
        """
        if cell not in self._found:
            raise FocusFuseError(
                f"no settings were tuned for {' '.join(cell)}: run the development split with the same options first"
            )
        return list(dict.fromkeys(self._found[cell].values()))

    def cells(self) -> list[Cell]:
        """The cells that were tuned."""
        return list(self._found)


def tuned(rows: Rows | Stored) -> Tuned:
    """Choose for each kind, target and cell the setting with the best mean over the scenes that all have.

    Parameters
    ----------
    rows : Rows or Stored
        Of the development split.

    Raises
    ------
    FocusFuseError
        These are rows of another split, or none of the grid.
    """
    if rows.settings.get("split") != "development":
        raise FocusFuseError("settings are chosen on the development split alone: run that first, with the same -o")
    found: dict[Cell, dict[tuple[str, str], str]] = defaultdict(dict)
    for (cell, target), means in _means(rows).items():
        best = max if TARGETS[target] else min
        for kind in (*KINDS, BEST):
            there = [label for label in means if kind in (BEST, _kind(label))]
            if there:
                found[cell][kind, target] = best(there, key=means.__getitem__)
    if not found:
        raise FocusFuseError("there are no rows to choose settings from: let the run on the development split end")
    return Tuned(dict(found))


def _means(rows: Iterable[Row]) -> dict[tuple[Cell, str], dict[str, float]]:
    """Mean of each label of the grid for each cell and target; of labels that have as many scenes as any."""
    values: dict[tuple[Cell, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["study"] == STANDARD and _kind(row["method"]):
            for target in TARGETS:
                if math.isfinite(row[target]):
                    values[(row["surface"], row["noise"]), target][row["method"]].append(row[target])
    out = {}
    for key, of_label in values.items():
        most = max(len(there) for there in of_label.values())
        out[key] = {label: math.fsum(there) / most for label, there in of_label.items() if len(there) == most}
    return out


@lru_cache(maxsize=4096)
def _kind(label: str) -> str:
    """Which kind a label is of; empty if it is none of the grid."""
    match = _LABEL.fullmatch(label)
    if match is None:
        return ""
    wanted = (match["measure"], match["one"] is not None)
    return next(kind for kind, which in KINDS.items() if which == wanted)
