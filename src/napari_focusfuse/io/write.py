"""Images to files: OME-TIFF with physical sizes, PNG for 8 and 16 bits; tables.

A file appears whole or not at all, and the same pixels give the same bytes.
"""

import csv
import math
import os
import struct
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import imagecodecs
import numpy as np
from numpy.typing import DTypeLike, NDArray
from tifffile import OmeXml, OmeXmlError, imwrite

from napari_focusfuse.config.setting import check_sizes
from napari_focusfuse.core.files.both import write_both
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.image import png_chunk
from napari_focusfuse.io.limits import atomically, check_both, check_file_target
from napari_focusfuse.io.photo_tags import add_exif, carried_of, png_chunks, tiff_tags

__all__ = [
    "check_image_target",
    "content_id",
    "put_tiff",
    "stored",
    "tiff_options",
    "write_image",
    "write_stack",
    "write_table",
    "write_tiff",
]

PixelSize = tuple[float, float] | None
_TIFF = (".tif", ".tiff")
#: Pixel types of OME-XML.
_OME_TYPES = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64")
#: Where the chunk with the header of a PNG ends.
_HEADER = 33
#: Bytes that are hashed at once.
_PIECE = 2**24
#: um in a cm, and the largest number of pixels in one that the tags of a TIFF hold.
_CM, _MOST = 1e4, 2**32 - 1


def write_image(
    path: str | os.PathLike[str],
    image: NDArray[Any],
    *,
    pixel_size: PixelSize = None,
    like: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one image.

    Parameters
    ----------
    path : str or path
        ``.tif``, ``.tiff`` (also ``.ome.tif``): OME-TIFF, every type that a stack may have. Values are stored as they
        are, bool as uint8 0 and 1. OME-XML knows no float16, int64 and uint64: these become a plain TIFF, with the
        pixel size in its resolution tags. ``.png``: uint8 and uint16.
    image : (Y, X) or (Y, X, 3|4) array
    pixel_size : (float, float), optional
        Size of a pixel along y and x, um.
    like : path, optional
        A photograph whose colour profile and camera settings (EXIF) the image takes over.
    overwrite : bool
        Replace an existing file.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The file exists, cannot be written, or cannot hold the image; or the pixel size is no length.
    """
    path = Path(path)
    check_sizes(pixel_size)
    check_image_target(path, image.dtype, overwrite=overwrite)
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,), (4,)):
        raise OutputError(f"an image of shape {image.shape} cannot be written: it must be (Y, X) or (Y, X, 3|4)")
    if path.suffix.lower() != ".png":
        write = partial(put_tiff, data=image, axes="YXS"[: image.ndim], like=like, pixel_size=pixel_size)
        atomically(path, write, overwrite=overwrite)
    else:
        atomically(path, lambda part: _write_png(part, image, pixel_size, like), overwrite=overwrite)
    return path


def check_image_target(
    path: str | os.PathLike[str], dtype: DTypeLike | None = None, *, overwrite: bool = False
) -> None:
    """Refuse what `write_image` would refuse for values of `dtype`, before any work is done: nothing is created.

    Raises
    ------
    OutputError
        See `write_image`.
    """
    path = Path(path)
    if path.suffix.lower() not in (*_TIFF, ".png"):
        raise OutputError(f"{path} has an unsupported suffix: use .tif or .png")
    check_file_target(path, overwrite=overwrite)
    kind = None if dtype is None else np.dtype(dtype).name
    if path.suffix.lower() == ".png" and kind not in (None, "uint8", "uint16"):
        raise OutputError(f"{path} cannot hold {kind} values: use .tif")


def write_stack(
    path: str | os.PathLike[str],
    stack: NDArray[Any],
    *,
    axis: str = "Z",
    z_step: float | None = None,
    z: Sequence[float] | None = None,
    pixel_size: PixelSize = None,
    beside: tuple[Path, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a focus stack (Z, Y, X) or (Z, Y, X, 3|4) as OME-TIFF; sizes, and positions `z` if they are uneven, in um.

    `axis` is the letter of the first axis where that is another, such as T; Q is one without a name. `beside` is a text
    in a file that belongs to the stack, by its path: it is written together with it. See `write_image`.
    """
    path = Path(path)
    if path.suffix.lower() not in _TIFF:
        raise OutputError(f"{path} has a suffix that cannot hold a stack: use .tif")
    axes = f"{axis}YXS"[: stack.ndim]
    sizes: dict[str, Any] = {"z_step": z_step, "z": z, "pixel_size": pixel_size}
    if beside is None:
        return write_tiff(path, stack, axes=axes, **sizes, overwrite=overwrite)
    other, text = beside
    check_both(path, other, overwrite=overwrite)
    write = partial(put_tiff, data=stack, axes=axes, **sizes)
    write_both((path, write), (other, partial(Path.write_text, data=text, encoding="utf-8")), overwrite=overwrite)
    return path


def write_tiff(
    path: Path,
    data: NDArray[Any],
    *,
    axes: str,
    channel: str | None = None,
    z_step: float | None = None,
    z: Sequence[float] | None = None,
    pixel_size: PixelSize = None,
    overwrite: bool = False,
) -> Path:
    """Write an array with its axes (tifffile's letters, S for colour) as OME-TIFF; `channel` names what it shows."""
    sizes: dict[str, Any] = {"z_step": z_step, "z": z, "pixel_size": pixel_size}
    write = partial(put_tiff, data=data, axes=axes, channel=channel, **sizes)
    atomically(path, write, overwrite=overwrite)
    return path


def put_tiff(
    path: Path,
    data: NDArray[Any],
    *,
    axes: str,
    channel: str | None = None,
    like: str | os.PathLike[str] | None = None,
    **sizes: Any,
) -> None:
    """Write the same to a file that may be left incomplete, as in a folder that is not finished."""
    data = np.ascontiguousarray(data, dtype=stored(data.dtype))
    names = [channel] if channel else []
    carried = carried_of(like, data.shape[-1] if axes.endswith("S") else 1)
    options = tiff_options(data.shape, data.dtype, axes, content_id(data), channels=names, **sizes)
    imwrite(path, data, **options, **tiff_tags(carried))
    add_exif(path, carried)


def stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which a TIFF holds values of this one."""
    return np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("<")


def tiff_options(
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    axes: str,
    identifier: str,
    *,
    channels: Sequence[str] = (),
    z_step: float | None = None,
    z: Sequence[float] | None = None,
    pixel_size: PixelSize = None,
) -> dict[str, Any]:
    """How tifffile writes an array of this shape, type and axes; `identifier` is the file's, in OME-XML."""
    check_sizes(pixel_size, z_step)
    software = f"napari-focusfuse {version('napari-focusfuse')}"
    metadata: dict[str, Any] = {"axes": axes}
    if ome := dtype.name in _OME_TYPES and _ome_holds(shape, axes):
        height, width = (None, None) if pixel_size is None else pixel_size
        sizes = {"Z": z_step, "Y": height, "X": width}
        for axis, size in sizes.items():
            if size is not None and axis in axes:
                metadata |= {f"PhysicalSize{axis}": float(size), f"PhysicalSize{axis}Unit": "µm"}
        # Without these tifffile draws a random identifier and names itself as the source.
        metadata |= {"UUID": identifier, "Creator": software}
        metadata |= {"Channel": {"Name": list(channels)}} if channels else {}
        if z is not None:
            metadata["Plane"] = {"PositionZ": [float(k) for k in z], "PositionZUnit": ["µm"] * len(z)}
    options: dict[str, Any] = {"ome": ome, "software": software, "byteorder": "<", "metadata": metadata}
    options |= {"photometric": "rgb" if axes.endswith("S") else "minisblack"}
    if axes.endswith("S") and shape[-1] == 4:
        options["extrasamples"] = ["unassalpha"]
    if pixel_size is not None and min(pixel_size) > _CM / _MOST:
        options |= {"resolution": (_CM / pixel_size[1], _CM / pixel_size[0]), "resolutionunit": "centimeter"}
    return options


def _ome_holds(shape: tuple[int, ...], axes: str) -> bool:
    """Whether OME-XML has words for these axes, in this order; plain TIFF tells them in its own way."""
    sizes = {axis: n for axis, n in zip(axes, shape, strict=True) if axis in "YXS"}
    planes = math.prod(n for axis, n in zip(axes, shape, strict=True) if axis not in "YXS")
    stored = (planes, 1, 1, sizes["Y"], sizes["X"], sizes.get("S", 1))
    try:
        OmeXml().addimage(np.uint8, shape, stored, axes=axes)
    except OmeXmlError:
        return False
    return True


def content_id(data: NDArray[Any]) -> str:
    """The identifier, in OME-XML, of a file with these values: of the same ones it is the same."""
    digest = sha256(f"{data.shape} {data.dtype}".encode())
    flat = data.reshape(-1).view(np.uint8)
    for start in range(0, flat.size, _PIECE):  # a memory map need not be in memory as a whole
        digest.update(flat[start : start + _PIECE].data)
    return f"urn:uuid:{uuid5(NAMESPACE_URL, digest.hexdigest())}"


def _write_png(path: Path, image: NDArray[Any], pixel_size: PixelSize, like: str | os.PathLike[str] | None) -> None:
    data = imagecodecs.png_encode(np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("=")))
    chunks = png_chunks(carried_of(like, 1 if image.ndim == 2 else image.shape[-1]))
    if pixel_size is not None:
        # The chunk pHYs: pixels per metre along x and y.
        density = struct.pack(">IIB", *(min(round(1e6 / size), 2**31 - 1) for size in pixel_size[::-1]), 1)
        chunks += png_chunk(b"pHYs", density)
    path.write_bytes(data[:_HEADER] + chunks + data[_HEADER:])


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
