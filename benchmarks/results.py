"""Rows of a run on simulated stacks, and what is asked of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from benchmarks.rows import Row
from benchmarks.simulated import KEYS, SHARPEST, STANDARD
from benchmarks.statistics import Interval, paired

__all__ = ["Results"]


class Results:
    """Rows of one run, and what is asked of them.

    Parameters
    ----------
    rows : iterable of Row
    labels : sequence of str
        Methods in the order of the tables; the yardstick comes first if it is there.
    reference : str
        The method that others are compared with.
    """

    def __init__(self, rows: Iterable[Row], labels: Sequence[str], reference: str) -> None:
        self.rows = [row for row in rows if row["method"] in (SHARPEST, *labels)]
        self.labels, self.reference = [SHARPEST, *labels], reference

    def cells(self) -> list[tuple[str, str]]:
        """Surface and noise of each standard cell, in order."""
        found = {(row["surface"], row["noise"]) for row in self.rows if row["study"] == STANDARD}
        return sorted(found, key=lambda cell: (cell[0] != "smooth", cell[0], float(cell[1])))

    def values(self, label: str, metric: str, which: Callable[[Row], bool]) -> dict[str, float]:
        """Scene -> value of the rows that `which` takes; only finite ones."""
        return {
            "/".join(row[key] for key in KEYS[1:-1]): row[metric]
            for row in self.rows
            if row["method"] == label and which(row) and math.isfinite(row[metric])
        }

    def cell(self, label: str, metric: str, surface: str, noise: str) -> dict[str, float]:
        """Values of a standard cell."""
        return self.values(
            label, metric, lambda r: (r["study"], r["surface"], r["noise"]) == (STANDARD, surface, noise)
        )

    def scenes(self, surface: str, noise: str) -> int:
        """How many scenes a standard cell has."""
        cell = (STANDARD, surface, noise)
        return len({row["scene"] for row in self.rows if (row["study"], row["surface"], row["noise"]) == cell})

    def scene_counts(self) -> str:
        """How many scenes the standard cells have, in words; a range while not all are done."""
        counts = {self.scenes(*cell) for cell in self.cells()}
        return f"{min(counts)} to {max(counts)}" if len(counts) > 1 else str(max(counts, default=0))

    def against(self, label: str, metric: str, surface: str, noise: str) -> Interval:
        """Difference to the reference in a standard cell, scene by scene."""
        own, other = (self.cell(name, metric, surface, noise) for name in (label, self.reference))
        return paired(own, other)
