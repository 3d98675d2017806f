"""Pieces of Markdown: tables and numbers."""

import math
from collections.abc import Sequence

from napari_focusfuse.bench.statistics import Interval

__all__ = ["FAILED", "MISSING", "bold_best", "difference", "number", "table"]

MISSING, FAILED = "-", "failed"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers, but for a column "recorded as"."""
    rule = ["---", *("---" if heading == "recorded as" else "---:" for heading in headings[1:])]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [list(headings), rule, *escaped])


def number(value: float, digits: int) -> str:
    """Fixed digits; a dash for what is not known."""
    return f"{value:.{digits}f}" if math.isfinite(value) else MISSING


def difference(value: Interval, digits: int) -> str:
    """A signed mean with half its interval: ``+0.31 ± 0.05``; bold where the interval leaves out 0."""
    if not math.isfinite(value.mean):
        return MISSING
    text = f"{value.mean:+.{digits}f}"
    if not math.isfinite(value.half):
        return text
    text += f" ± {value.half:.{digits}f}"
    return f"**{text}**" if value.low > 0 or value.high < 0 else text


def bold_best(values: Sequence[float], digits: int, *, largest: bool = True) -> list[str]:
    """A column of numbers with the best ones, as far as they are shown, in bold."""
    shown = [number(value, digits) for value in values]
    known = [float(text) for text in shown if text != MISSING]
    if not known:
        return shown
    best = max(known) if largest else min(known)
    return [f"**{text}**" if text != MISSING and float(text) == best else text for text in shown]
