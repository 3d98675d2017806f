"""Results of a hyperstack as files that are filled plane by plane, complete or not there."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tifffile import memmap

from napari_focusfuse.core.files import missing_parents, part_of, place, refused, remove, remove_empty
from napari_focusfuse.errors import OutputError
from napari_focusfuse.io.limits import reserve
from napari_focusfuse.io.photo_tags import Carried, add_exif, carried_of, tiff_tags
from napari_focusfuse.io.result import check_result_folder, exchange, write_recipe
from napari_focusfuse.io.write import (
    PixelSize,
    check_image_target,
    content_id,
    stored,
    tiff_options,
)

__all__ = ["PlaneFiles", "check_hyperstack_target", "hyperstack_files"]

_IMAGES = (".tif", ".tiff", ".png")
#: Stands in the file until its content is known; as long as what replaces it.
_NO_ID = "urn:uuid:00000000-0000-0000-0000-000000000000"
_SHOWN = {"index": "slice, from 0", "confidence": "confidence, 0 to 1", "flags": "flags, bits"}


class PlaneFiles:
    """OME-TIFFs in a folder, each a memory map until it is finished.

    Parameters
    ----------
    folder : Path
    pixel_size : (float, float), optional
        um.
    channels : sequence of str
        Names of the channels; empty if unknown.
    depth_unit : str
        Of the depth: "um", "slices".
    like : path, optional
        A slice whose colour profile and camera settings (EXIF) the fused images take over.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pixel_size: PixelSize = None,
        channels: Sequence[str] = (),
        depth_unit: str = "slices",
        like: str | os.PathLike[str] | None = None,
    ) -> None:
        self.folder, self._pixel_size, self._channels, self._unit = folder, pixel_size, channels, depth_unit
        self._like = like
        self._maps: dict[Path, Any] = {}
        self._carried: dict[Path, Carried] = {}

    def empty(self, name: str, axes: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
        """A file ``NAME.ome.tif`` as an array to be filled.

        Raises
        ------
        OSError
            The disk refuses, or is too small.
        """
        path, held = self.folder / f"{name}.ome.tif", stored(dtype)
        names = self._names(name, axes)
        options = tiff_options(shape, held, axes, _NO_ID, channels=names, pixel_size=self._pixel_size)
        if name == "fused":
            self._carried[path] = carried_of(self._like, shape[-1] if axes.endswith("S") else 1)
            options |= tiff_tags(self._carried[path])
        self._maps[path] = memmap(path, shape=shape, dtype=held, **options)
        with path.open("r+b") as file:
            reserve(file.fileno(), path.stat().st_size, self.folder)
        return self._maps[path]

    def finish(self) -> None:
        """Write what is not on the disk yet, and give each file the identifier of its content."""
        for path, data in self._maps.items():
            data.flush()
            _identify(path, data)
        self.release()
        for path, carried in self._carried.items():
            add_exif(path, carried)

    def release(self) -> None:
        """Hold the files no longer."""
        self._maps.clear()

    def write_recipe(self, recipe: dict[str, Any]) -> None:
        """Write how the result was made."""
        write_recipe(self.folder, {**recipe, "depth_unit": self._unit})

    def _names(self, name: str, axes: str) -> list[str]:
        if "C" in axes:
            return list(self._channels)
        return [{**_SHOWN, "depth": f"depth, {self._unit}"}[name]] if name != "fused" else []


def check_hyperstack_target(target: Path, *, overwrite: bool = False) -> None:
    """Refuse what `hyperstack_files` would refuse, before any work is done.

    Raises
    ------
    OutputError
    """
    if target.suffix.lower() == ".png":
        raise OutputError(f"{target} can hold one image only, not one for each time point and channel: use .tif")
    if target.suffix.lower() in _IMAGES:
        check_image_target(target, overwrite=overwrite)
    else:
        check_result_folder(target, overwrite=overwrite)


@contextmanager
def hyperstack_files(
    target: Path, *, overwrite: bool = False, kind: Callable[..., Any] = PlaneFiles, **options: Any
) -> Iterator[Any]:
    """Files beside `target` that take its place when the block ends well; otherwise nothing of them is left.

    Parameters
    ----------
    target : Path
        A folder, or a file with the suffix ``.tif`` for ``fused`` alone.
    overwrite : bool
        Replace an earlier result.
    kind : callable
        `PlaneFiles`, or what has the same methods.
    **options
        For `kind`.

    Raises
    ------
    OutputError
        The target exists or cannot be written; what was there before is as it was.
    """
    check_hyperstack_target(target, overwrite=overwrite)
    part, new = part_of(target), missing_parents(target)
    files = kind(part, **options)
    try:
        part.mkdir(parents=True)
        yield files
        files.finish()
        if target.suffix.lower() in _IMAGES:
            place(part / "fused.ome.tif", target, overwrite=overwrite)
            remove(part)
        else:
            exchange(part, target, overwrite=overwrite)
    except BaseException as error:
        files.release()
        remove(part)
        remove_empty(new)
        if isinstance(error, OSError):
            raise refused(target, error) from error
        raise


def _identify(path: Path, data: Any) -> None:
    """Replace the identifier in the description, behind or before the data, by that of the content."""
    identifier = content_id(data).encode()
    with path.open("r+b") as file:
        for start, size in ((data.offset + data.nbytes, -1), (0, data.offset)):
            file.seek(start)
            at = file.read(size).find(_NO_ID.encode())
            if at >= 0:
                file.seek(start + at)
                file.write(identifier)
                return
