"""A multi-page TIFF, ImageJ TIFF or OME-TIFF as a stack, read page by page; also an OME-TIFF set of several files."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPageSeries, xml2dict

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.facts import Facts, listed, ome_facts, tiff_facts
from napari_focusfuse.io.image import count_images, read_header
from napari_focusfuse.io.limits import check_count, readable
from napari_focusfuse.io.places import regular, stack_of
from napari_focusfuse.io.stack_file import StackFile, check_alike, gapped, lazy_planes, title
from napari_focusfuse.io.tiff_pages import as_stored, check_page, open_tiff, page_notes, seen, seen_kind

__all__ = ["from_page", "read_ome_set", "read_tiff"]

_Load = Callable[[int], tuple[Path, NDArray[Any]]]
_AXES = "TCZ"
#: More bytes of XML no set needs.
_MOST_BYTES = 2**28
_Key = tuple[int, ...]


def read_tiff(path: Path) -> StackFile:
    """Open a TIFF; axes and physical sizes are those that OME-XML or ImageJ's description state.

    Raises
    ------
    StackError
        The file is damaged, or holds images that are not one stack.
    """
    with readable(path), open_tiff(path) as tif:
        series = _only_series(tif, path)
        data, axes, inputs = _lazy(tif, series, path)
        facts = _fitting(tif, series)
        notes = (*facts.notes, *_surplus(tif, series), *page_notes(series.keyframe))
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
        load: _Load = _Contiguous(path, contiguous, page.shape, dtype)
        inputs: tuple[Path, ...] = (path,)
    else:
        places = _places(series, path)
        load = partial(from_page, places, seen_kind(page))
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
    places: Sequence[tuple[Path, int]], kind: tuple[tuple[int, ...], np.dtype[Any]], number: int
) -> tuple[Path, NDArray[Any]]:
    """A plane by its number, for `lazy_planes`; `places` are files and numbers of pages, all of one shape and type.

    A page that states others is not read: it may be as large as anything.
    """
    path, page = places[number]
    with readable(path):
        check_regular(path)
        with TiffFile(path) as tif:
            there = tif.pages[page].aspage()
            check_alike(path, seen_kind(there), kind)
            return path, seen(there.asarray(maxworkers=1), there)


@dataclass(frozen=True)
class _Contiguous:
    """Planes that lie in the file uncompressed, one after another."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __call__(self, number: int) -> tuple[Path, NDArray[Any]]:
        count = int(np.prod(self.shape))
        start = self.offset + number * count * self.dtype.itemsize
        with readable(self.path):
            return self.path, np.fromfile(self.path, self.dtype, count, offset=start).reshape(self.shape)


def read_ome_set(files: Sequence[Path], folder: Path) -> StackFile | None:
    """The stack that the files of a folder are by the OME-XML of the first; None if it does not name them all.

    Slices and time points of which a file is missing are left out, with a note; their gap is kept in z.

    Raises
    ------
    StackError
        So much is missing that nothing is complete, or a file is damaged.
    """
    pixels = _pixels(files[0])
    if pixels is None:
        return None
    check_count(folder, math.prod(_size(pixels, axis) for axis in _AXES))
    stated = dict(_stated(pixels, folder))
    found = {key: place for key, place in stated.items() if place[0] in files}
    if len(files) < 2 or {file for file, _ in found.values()} != set(files):
        return None
    places = regular(found, _AXES, {axis: range(_size(pixels, axis)) for axis in _AXES}, folder)
    header, facts, slices = read_header(places.there[0][0]), ome_facts(pixels), places.along("Z")
    stated_z = None if facts.z is None or not slices else [facts.z[k] for k in slices]
    z_step, z, slots = gapped(stated_z, facts.z_step, slices or (0,))
    gone = sorted({file.name for file, _ in stated.values()} - {file.name for file in files})
    notes = [f"lacks {', '.join(gone[:3])}{'...' if len(gone) > 3 else ''}, which its OME-XML names"] if gone else []
    facts = facts._replace(
        z_step=z_step,
        z=z,
        pixel_size=facts.pixel_size or header.facts.pixel_size,
        notes=(*facts.notes, *notes, *places.notes),
    )
    kind, used = (header.shape, header.dtype), [file for file, _ in places.there]
    return stack_of(places, partial(from_page, places.there, kind), kind, facts, used, folder, slots=slots)


def _pixels(file: Path) -> dict[str, Any] | None:
    """What the OME-XML of a file, or of its companion in the same folder, says of the only image; None without one."""
    with open_tiff(file) as tif:
        text = tif.pages.first.description
    for _ in range(2):
        try:
            ome = xml2dict(text)["OME"]
            images = listed(ome.get("Image"))
            if len(images) == 1:
                pixels: dict[str, Any] = images[0]["Pixels"]
                return pixels
            name = str(ome["BinaryOnly"]["MetadataFile"])
            companion = file.with_name(name)
            if Path(name).name != name or not companion.is_file() or companion.stat().st_size > _MOST_BYTES:
                return None
            text = companion.read_text(encoding="utf-8")
            if "<!DOCTYPE" in text or "<!ENTITY" in text:
                return None
        except Exception:  # noqa: BLE001 - the parser has many ways to fail
            return None
    return None


def _stated(pixels: dict[str, Any], folder: Path) -> Iterator[tuple[_Key, tuple[Path, int]]]:
    """File and page of each plane that is stated, by its place on the axes."""
    order = str(pixels.get("DimensionOrder", "XYZCT"))[2:]
    lengths = tuple(_size(pixels, axis) for axis in order)
    for data in listed(pixels.get("TiffData")):
        uuid = data.get("UUID")
        name = str(uuid.get("FileName", "")) if isinstance(uuid, dict) else ""
        if not name or Path(name).name != name:
            continue
        page = int(data.get("IFD", 0))
        first = int(np.ravel_multi_index([int(data.get(f"First{axis}", 0)) for axis in order], lengths, order="F"))
        for k in range(min(int(data.get("PlaneCount", 1)), math.prod(lengths) - first)):
            place = dict(zip(order, np.unravel_index(first + k, lengths, order="F"), strict=True))
            yield tuple(int(place[axis]) for axis in _AXES), (folder / name, page + k)


def _size(pixels: dict[str, Any], axis: str) -> int:
    return int(pixels.get(f"Size{axis}", 1))
