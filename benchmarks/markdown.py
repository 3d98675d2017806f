"""Pieces of Markdown: tables and numbers."""

import math
from collections.abc import Sequence

from benchmarks.statistics import Interval

__all__ = ["FAILED", "MISSING", "bold_best", "counted", "difference", "number", "table"]

MISSING, FAILED = "-", "failed"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers, but for a column "recorded as"."""
    rule = ["---", *("---" if heading == "recorded as" else "---:" for heading in headings[1:])]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(headings), rule, *escaped])


def number(value: float, digits: int) -> str:
    """Fixed digits; a dash for what is not known."""
    return f"{value:.{digits}f}" if math.isfinite(value) else MISSING


def counted(value: float, digits: int, n: int, full: int) -> str:
    """Fixed digits, with how many values the mean is of where others are of more."""
    shown = number(value, digits)
    return f"{shown}, n {n}" if shown != MISSING and n < full else shown


def difference(value: Interval, digits: int, *, certain: bool, full: int) -> str:
    """A signed mean with half its interval: ``+0.31 ± 0.05``; bold where it is certain and of all values."""
    if not math.isfinite(value.mean):
        return MISSING
    text = f"{value.mean:+.{digits}f}"
    if math.isfinite(value.half):
        text += f" ± {value.half:.{digits}f}"
    if value.n < full:
        return f"{text}, n {value.n}"
    return f"**{text}**" if certain else text


def bold_best(means: Sequence[tuple[float, int]], digits: int, full: int, *, largest: bool = True) -> list[str]:
    """A column of means, each with its n: in bold the best, as far as it is shown, of those that are of all values."""
    whole = {k for k, (mean, n) in enumerate(means) if n >= full and math.isfinite(mean)}
    shown = [float(number(means[k][0], digits)) for k in whole]
    best = (max if largest else min)(shown, default=math.nan)
    cells = [counted(mean, digits, n, full) for mean, n in means]
    return [f"**{cell}**" if k in whole and float(cell) == best else cell for k, cell in enumerate(cells)]
