"""Rows of activities, and which of them a line of a table or plot shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from benchmarks.results import Results
from benchmarks.rows import Row
from benchmarks.simulated import FAMILIES
from benchmarks.statistics import Interval, interval, paired
from benchmarks.tuning import BEST, KINDS, Cell, Tuned

__all__ = ["NO_NOISE", "Comparison"]

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
