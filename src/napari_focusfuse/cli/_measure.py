"""``focusfuse measure``: scores of one fused image as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_focusfuse.cli._terminal import say, with_bar
from napari_focusfuse.errors import StackError

__all__ = ["measure_files"]

_HEADINGS = ("metric", "value", "best", "measures")


def measure_files(
    fused: Path, sources: Sequence[Path], opening: dict[str, Any], *, truth: Path | None, csv: bool, **options: Any
) -> None:
    """Measure the image in a file and print a table.

    Parameters
    ----------
    fused : Path
    sources : sequence of Path
        Images, or one folder or stack file.
    opening : dict
        Keywords for `api.open_stack`.
    truth : Path or None
    csv : bool
        Print comma-separated values instead of an aligned table.
    options
        ``metrics`` and ``data_range`` for `api.iter_measure`.
    """
    from napari_focusfuse import api

    images = _sources(sources, opening)
    true = None if truth is None else api.open_image(truth)
    work = api.iter_measure(images, api.open_image(fused), truth=true, **options)
    scores: dict[str, float] = with_bar(work, fused.name)
    known = {metric.name: metric for metric in api.list_metrics()}
    if csv:
        say("\n".join(["metric,value", *(f"{name},{value!r}" for name, value in scores.items())]))
        return
    rows = [
        (name, f"{value:.6f}", "0" if known[name].better == "zero" else known[name].better, known[name].measures)
        for name, value in scores.items()
    ]
    say(_table([_HEADINGS, *rows]))


def _sources(paths: Sequence[Path], opening: dict[str, Any]) -> Any:
    from napari_focusfuse import api

    if len(paths) == 1:
        return api.open_stack(paths[0], **opening).data
    folders = [path for path in paths if path.is_dir()]
    if folders:
        raise StackError(f"{folders[0]} is a folder: give it alone, or the images one by one")
    return [api.open_image(path) for path in paths]


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Columns aligned, numbers (the second one) to the right."""
    name, value, best = (max(len(row[i]) for row in rows) for i in range(3))
    return "\n".join(f"{row[0]:<{name}}  {row[1]:>{value}}  {row[2]:<{best}}  {row[3]}" for row in rows)
