"""What is asked of rows: of runs on simulated stacks, and of compared activities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.rows import Row
from benchmarks.simulated import FAMILIES, KEYS, SHARPEST, STANDARD
from benchmarks.statistics import Interval, interval, paired
from benchmarks.tuning import BEST, KINDS, Cell, Tuned

__all__ = ["NO_NOISE", "Comparison", "Results"]


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


NO_NOISE = "0"


@dataclass(frozen=True)
class Comparison:
    """Rows, and which of them a line of a table shows.

    Attributes
    ----------
    results : Results
    tuned : Tuned
    labels : tuple of str
        Those with one setting for all cells.
    """

    results: Results
    tuned: Tuned
    labels: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[Row], tuned: Tuned, labels: Sequence[str]) -> Comparison:
        """From rows of a split."""
        chosen = [label for cell in tuned.cells() for label in tuned.labels(cell)]
        used = list(dict.fromkeys([*labels, *chosen]))
        return cls(Results(rows, used, labels[0]), tuned, tuple(labels))

    def lines(self) -> list[str]:
        """Names of what is compared, in the order of the tables."""
        return [*KINDS, BEST, *self.labels]

    def label(self, line: str, target: str, cell: Cell) -> str:
        """The setting that a line stands for."""
        return line if line in self.labels else self.tuned.label(line, target, cell)

    def values(self, line: str, target: str, cell: Cell) -> dict[str, float]:
        """Scene -> score in a standard cell."""
        return self.results.cell(self.label(line, target, cell), target, *cell)

    def mean(self, line: str, target: str, cell: Cell) -> Interval:
        """Mean over the scenes of a cell."""
        return interval(list(self.values(line, target, cell).values()))

    def excess(self, line: str, cell: Cell) -> Interval:
        """Share of wrong pixels less that of the same setting on the same scenes without noise."""
        label = self.label(line, "wrong", cell)
        noisy, quiet = (
            {name.rpartition("/")[2]: v for name, v in self.results.cell(label, "wrong", cell[0], noise).items()}
            for noise in (cell[1], NO_NOISE)
        )
        return paired(noisy, quiet)

    def family(self, line: str, target: str, which: Callable[[Row], bool]) -> dict[str, float]:
        """Stack -> score over those stacks of the families that `which` takes."""
        out: dict[str, float] = {}
        for surface, noise in {(row["surface"], row["noise"]) for row in self.results.rows if row["study"] == FAMILIES}:
            there = _of_family((surface, noise), which)
            out |= self.results.values(self.label(line, target, (surface, noise)), target, there)
        return out


def _of_family(cell: Cell, which: Callable[[Row], bool]) -> Callable[[Row], bool]:
    return lambda row: (row["study"], row["surface"], row["noise"]) == (FAMILIES, *cell) and which(row)
