"""The page for the documentation: pieces of Markdown, and the sections gathered from a folder of results."""

import math
from collections.abc import Sequence
from pathlib import Path

from benchmarks.statistics import Interval
from napari_focusfuse.errors import OutputError

__all__ = [
    "FAILED",
    "IMAGES",
    "MISSING",
    "PAGE",
    "bold_best",
    "counted",
    "difference",
    "link",
    "number",
    "table",
    "write_page",
    "write_text",
]

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


PAGE = "benchmarks.md"
#: Where the page finds its pictures, seen from itself.
IMAGES = Path("images") / "benchmarks"
_PARTS = (
    *("simulated-report", "simulated-development", "halo-*", "pairs-*", "real-*", "paper-*"),
    *("activities-report", "activities-development", "ablation-*", "series-*"),
)
_HEAD = """# Benchmarks

Made by `focusfuse bench`; each section says when, with which command and on what. Read the scores against truth first:
those against the sources (Qg, Qm, Qcb) reward noise and halos that are kept, see [metrics](metrics.md).
"""


def write_page(folder: Path) -> Path:
    """Gather the sections, also those of earlier runs; pages and pictures can be copied into the documentation as is.

    Parameters
    ----------
    folder : Path
        With a Markdown file for each section.

    Returns
    -------
    Path
        The page.
    """
    files = [file for part in _PARTS for file in sorted(folder.glob(f"{part}.md"))]
    sections = [file.read_text(encoding="utf-8").rstrip() for file in files]
    write_text(folder / PAGE, "\n\n".join([_HEAD.rstrip(), *sections]))
    return folder / PAGE


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text.rstrip() + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def link(image: str, caption: str) -> str:
    """A picture of the page."""
    return f"![{caption}]({(IMAGES / image).as_posix()})"
