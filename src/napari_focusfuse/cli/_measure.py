"""``focusfuse measure``: scores of one fused image as a table."""

from pathlib import Path
from typing import Any

from napari_focusfuse.cli._flags import Names, Switch, opening_given
from napari_focusfuse.cli._terminal import say, with_bar
from napari_focusfuse.errors import StackError

__all__ = ["measure"]

_HEADINGS = ("metric", "value", "best", "measures")


def measure(
    fused: Path,
    sources: list[Path],
    /,
    *,
    truth: Path | None = None,
    metrics: str | None = None,
    data_range: float | None = None,
    axis: str | None = None,
    channel: str | None = None,
    slices: str | None = None,
    exclude: Names = None,
    rgb: Switch = False,
    csv: Switch = False,
) -> None:
    """Score a fused image against its sources: FUSED SOURCES...

    Parameters
    ----------
    fused
        The fused image.
    sources
        What was fused: two or more images, or one folder of slices, multi-page TIFF, OME-TIFF or OME-Zarr.
    truth
        The ground truth all-in-focus image, if it is known.
    metrics
        Names with commas between them, such as qg,qm; by default all.
    data_range
        The value of white; by default the largest of an integer type, and 1 for floats.
    axis
        Letter or number of the stack axis of SOURCES, if the file does not give it.
    channel
        One channel of SOURCES: its name, or its number from 0.
    slices
        FIRST:END or FIRST:END:STEP of SOURCES, as for fuse.
    exclude
        Name of a file in the folder SOURCES that is not a slice. May be repeated.
    rgb
        Read a channel axis of length 3 or 4 as colour.
    csv
        Print comma-separated values.
    """
    from napari_focusfuse import api

    names = None if metrics is None else [name.strip() for name in metrics.split(",") if name.strip()]
    opening = opening_given(axis=axis, rgb=rgb, channel=channel, slices=slices, exclude=exclude)
    images = _sources(sources, opening)
    true = None if truth is None else api.open_image(truth)
    work = api.iter_measure(images, api.open_image(fused), truth=true, metrics=names, data_range=data_range)
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


def _sources(paths: list[Path], opening: dict[str, Any]) -> Any:
    from napari_focusfuse import api

    if len(paths) == 1:
        return api.open_stack(paths[0], **opening).data
    folders = [path for path in paths if path.is_dir()]
    if folders:
        raise StackError(f"{folders[0]} is a folder: give it alone, or the images one by one")
    return [api.open_image(path) for path in paths]


def _table(rows: list[tuple[str, ...]]) -> str:
    """Columns aligned, numbers (the second one) to the right."""
    name, value, best = (max(len(row[i]) for row in rows) for i in range(3))
    return "\n".join(f"{row[0]:<{name}}  {row[1]:>{value}}  {row[2]:<{best}}  {row[3]}" for row in rows)
