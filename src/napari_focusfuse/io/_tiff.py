"""A multi-page TIFF, ImageJ TIFF or OME-TIFF as a stack, read page by page."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPageSeries

from napari_focusfuse.core.files.regular import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io._facts import Facts, tiff_facts
from napari_focusfuse.io._image import count_images
from napari_focusfuse.io._limits import check_count
from napari_focusfuse.io._page import as_stored, check_page, page_notes, seen, seen_kind
from napari_focusfuse.io._stack import StackFile, check_alike, lazy_planes, title, unreadable
from napari_focusfuse.io._tiff_file import open_tiff

__all__ = ["from_page", "read_tiff"]

_Load = Callable[[tuple[int, ...]], tuple[Path, NDArray[Any]]]


def read_tiff(path: Path) -> StackFile:
    """Open a TIFF; axes and physical sizes are those that OME-XML or ImageJ's description state.

    Raises
    ------
    StackError
        The file is damaged, or holds images that are not one stack.
    """
    try:
        with open_tiff(path) as tif:
            series = _only_series(tif, path)
            data, axes, inputs = _lazy(tif, series, path)
            facts = _fitting(tif, series)
            notes = (*facts.notes, *_surplus(tif, series), *page_notes(series.keyframe))
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    return StackFile(
        data,
        axes,
        facts.z_step,
        facts.pixel_size,
        title(path),
        path,
        inputs,
        z=facts.z,
        channels=facts.channels,
        notes=notes,
    )


def _only_series(tif: TiffFile, path: Path) -> TiffPageSeries:
    series = [s for s in tif.series if not s.keyframe.is_reduced]
    if not series:
        raise StackError(f"{path} holds no image: give a TIFF with one page for each slice")
    if len({s.shape for s in series}) > 1 and all(set(s.axes) <= set("YXS") for s in series):
        sizes = ", ".join(" x ".join(map(str, s.shape[:2])) for s in series[:4])
        raise StackError(
            f"the pages of {path} are of unequal size ({sizes} px): a focus stack needs slices of one size"
        )
    if len({s.shape for s in series}) == 1 < len({s.dtype for s in series}):
        types = ", ".join(sorted({str(s.dtype) for s in series}))
        raise StackError(f"the pages of {path} are of different types ({types}): convert them to one")
    if len(series) > 1:
        raise StackError(
            f"{path} contains {len(series)} separate images: save the stack to be fused as a file of its own"
        )
    return series[0]


def _fitting(tif: TiffFile, series: TiffPageSeries) -> Facts:
    """What the metadata say, unless their axes do not fit the pages: then nothing else in them can be relied on."""
    if tif.is_ome and series.kind != "ome":
        return Facts(notes=("has OME-XML that does not match its pages: its axes and sizes are unknown",))
    return tiff_facts(tif)


def _surplus(tif: TiffFile, series: TiffPageSeries) -> list[str]:
    """A note on pages that the metadata do not describe."""
    described = int(np.prod(series.shape[: series.ndim - series.keyframe.ndim]))
    if series.is_multifile or len(tif.pages) <= described or (pages := count_images(tif)) <= described:
        return []
    return [f"holds {pages} pages, but its metadata describe {described}: only these are read"]


def _lazy(tif: TiffFile, series: TiffPageSeries, path: Path) -> tuple[Any, str, tuple[Path, ...]]:
    """Data with samples last, its axes, and the files behind it."""
    page = series.keyframe
    leading = series.ndim - page.ndim
    shape, axes = series.shape[:leading], series.axes
    if page.ndim > 3 or page.shape != series.shape[leading:]:
        raise StackError(f"{path} stores its axes in an unusual way ({axes}): save it again with ImageJ or as OME-TIFF")
    check_count(path, math.prod(shape))
    contiguous = None if series.is_multifile or not as_stored(page) else series.dataoffset
    if contiguous is not None:
        dtype = np.dtype(series.dtype).newbyteorder(tif.byteorder)
        if contiguous + series.nbytes > tif.filehandle.size:
            raise EOFError("the file ends too early")
        check_page(page, path)
        load: _Load = _Contiguous(path, contiguous, shape, page.shape, dtype)
        inputs: tuple[Path, ...] = (path,)
    else:
        places = _places(series, path)
        load = partial(from_page, places, shape, seen_kind(page))
        inputs = tuple(dict.fromkeys(file for file, _ in places))
    kind, dtype = seen_kind(page)
    data, axes = lazy_planes(load, shape, kind, dtype), axes[:leading] + "YXS"[: len(kind)]
    if "S" in axes and not axes.endswith("S"):
        data = np.moveaxis(data, axes.index("S"), -1)
        axes = axes.replace("S", "") + "S"
    return data, axes, inputs


def _places(series: TiffPageSeries, path: Path) -> list[tuple[Path, int]]:
    """File and page number of each plane."""
    pages, described = list(series.pages), int(np.prod(series.shape[: series.ndim - series.keyframe.ndim]))
    there = [page for page in pages if page is not None]
    if len(there) < len(pages) and series.is_multifile:
        raise StackError(
            f"plane {pages.index(None) + 1} of {path} is missing: the file refers to another file that is not beside it"
        )
    if len(there) < described:
        raise StackError(
            f"{path} holds {len(there)} of the {described} images that its metadata describe: "
            "use an intact copy, or save the existing images as a new file"
        )
    places = []
    for page in there:
        file = Path(page.parent.filehandle.path)
        check_page(page.aspage(), file)
        places.append((file, page.index))
    return places


def from_page(
    places: Sequence[tuple[Path, int]],
    leading: tuple[int, ...],
    kind: tuple[tuple[int, ...], np.dtype[Any]],
    where: tuple[int, ...],
) -> tuple[Path, NDArray[Any]]:
    """The plane at a position, for `lazy_planes`; `places` are files and numbers of pages, all of one shape and type.

    A page that states others is not read: it may be as large as anything.
    """
    path, page = places[_number(where, leading)]
    try:
        check_regular(path)
        with TiffFile(path) as tif:
            there = tif.pages[page].aspage()
            check_alike(path, seen_kind(there), kind)
            return path, seen(there.asarray(maxworkers=1), there)
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error


@dataclass(frozen=True)
class _Contiguous:
    """Planes that lie in the file uncompressed, one after another."""

    path: Path
    offset: int
    leading: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __call__(self, where: tuple[int, ...]) -> tuple[Path, NDArray[Any]]:
        count = int(np.prod(self.shape))
        start = _number(where, self.leading) * count * self.dtype.itemsize
        try:
            return self.path, np.fromfile(self.path, self.dtype, count, offset=self.offset + start).reshape(self.shape)
        except (OSError, ValueError) as error:
            raise unreadable(self.path, error) from error


def _number(where: tuple[int, ...], leading: tuple[int, ...]) -> int:
    """Number of a plane from its position along the leading axes."""
    return int(np.ravel_multi_index(where, leading)) if where else 0
