"""A multi-page TIFF, ImageJ TIFF or OME-TIFF as a stack, read page by page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPageSeries

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._complete import check_complete
from napari_focusfuse.io._image import check_page
from napari_focusfuse.io._stack import StackFile, lazy_planes, title, unreadable
from napari_focusfuse.io._units import tiff_sizes

__all__ = ["read_tiff"]

_Load = Callable[[tuple[int, ...]], tuple[Path, NDArray[Any]]]


def read_tiff(path: Path) -> StackFile:
    """Open a TIFF; axes and physical sizes are those that OME-XML or ImageJ's description state.

    Raises
    ------
    StackError
        The file is damaged, or holds images that are not one stack.
    """
    try:
        with TiffFile(path) as tif:
            check_complete(tif)
            series = _only_series(tif, path)
            data, axes, inputs = _lazy(tif, series, path)
            sizes = tiff_sizes(tif)
    except StackError:
        raise
    except Exception as error:
        raise unreadable(path, error) from error
    return StackFile(data, axes, *sizes, title(path), path, inputs)


def _only_series(tif: TiffFile, path: Path) -> TiffPageSeries:
    series = [s for s in tif.series if not s.keyframe.is_reduced]
    if not series:
        raise StackError(f"{path} holds no image: give a TIFF with one page for each slice")
    if len({s.shape for s in series}) > 1 and all(set(s.axes) <= set("YXS") for s in series):
        sizes = ", ".join(" x ".join(map(str, s.shape[:2])) for s in series[:4])
        raise StackError(
            f"the pages of {path} are of unequal size ({sizes} px): a focus stack needs slices of one size"
        )
    if len(series) > 1:
        raise StackError(f"{path} holds {len(series)} separate images: save the stack to be fused as a file of its own")
    return series[0]


def _lazy(tif: TiffFile, series: TiffPageSeries, path: Path) -> tuple[Any, str, tuple[Path, ...]]:
    """Data with samples last, its axes, and the files behind it."""
    page = series.keyframe
    leading = series.ndim - page.ndim
    shape, axes = series.shape[:leading], series.axes
    if page.ndim > 3 or page.shape != series.shape[leading:]:
        raise StackError(f"{path} stores its axes in an unusual way ({axes}): save it again with ImageJ or as OME-TIFF")
    contiguous = None if series.is_multifile else series.dataoffset
    if contiguous is not None:
        dtype = np.dtype(series.dtype).newbyteorder(tif.byteorder)
        if contiguous + series.nbytes > tif.filehandle.size:
            raise EOFError("the file ends too early")
        check_page(page, path)
        load: _Load = _Contiguous(path, contiguous, shape, page.shape, dtype)
        inputs: tuple[Path, ...] = (path,)
    else:
        places = _places(series, path)
        load = partial(_from_page, places, shape)
        inputs = tuple(dict.fromkeys(file for file, _ in places))
    data = lazy_planes(load, shape, page.shape, series.dtype)
    if "S" in axes and not axes.endswith("S"):
        data = np.moveaxis(data, axes.index("S"), -1)
        axes = axes.replace("S", "") + "S"
    return data, axes, inputs


def _places(series: TiffPageSeries, path: Path) -> list[tuple[Path, int]]:
    """File and page number of each plane."""
    places = []
    for number, page in enumerate(series.pages):
        if page is None:
            raise StackError(f"plane {number + 1} of {path} is missing: the file names another that is not beside it")
        file = Path(page.parent.filehandle.path)
        check_page(page.aspage(), file)
        places.append((file, page.index))
    return places


def _from_page(
    places: Sequence[tuple[Path, int]], leading: tuple[int, ...], where: tuple[int, ...]
) -> tuple[Path, NDArray[Any]]:
    path, page = places[_number(where, leading)]
    try:
        with TiffFile(path) as tif:
            return path, tif.pages[page].asarray(maxworkers=1)
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
