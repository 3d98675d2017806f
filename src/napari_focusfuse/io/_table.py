"""Tables to files."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_focusfuse.errors import OutputError
from napari_focusfuse.io._write import atomically

__all__ = ["write_table"]


def write_table(path: str | os.PathLike[str], rows: Sequence[Sequence[Any]], *, overwrite: bool = False) -> Path:
    """Write rows as comma-separated values: UTF-8, numbers with all their digits.

    Parameters
    ----------
    path : str or path
        ``.csv``.
    rows : sequence of rows
        The headings first.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The suffix is another one, the file exists or cannot be written; nothing is left behind.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise OutputError(f"{path} has an unsupported suffix for a table: use .csv")

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)

    atomically(path, write, overwrite=overwrite)
    return path
