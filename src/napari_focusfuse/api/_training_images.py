"""The images that a training is given: folders or arrays, made grey."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_focusfuse.core.progress import Progress
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, StackError, TrainingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.float32]

#: Names of files that a warning lists.
_NAMED = 5


def folders_of(images: Any) -> list[Path]:
    """`images` as folders; none if they are arrays, or there are none."""
    if images is None:
        return []
    if isinstance(images, (str, os.PathLike)):
        return [Path(images)]
    return [Path(item) for item in images if isinstance(item, (str, os.PathLike))]


def iter_greys(images: Any) -> Generator[Progress, None, list[Grey]]:
    """Images of folders, or arrays, or None for none, as grey in [0, 1]; a `Progress` for each.

    Raises
    ------
    FocusFuseError
        There is no such folder, nothing in it, or nothing that can be read.
    """
    from napari_focusfuse import io

    folders = folders_of(images)
    if not folders:
        return (yield from _iter_arrays([] if images is None else images))
    files = [file for folder in folders for file in io.slice_files(folder)]
    if not files:
        raise TrainingError(f"{' and '.join(map(str, folders))} holds no images: give a folder with image files")
    return (yield from _iter_files(files))


def _iter_arrays(images: Any) -> Generator[Progress, None, list[Grey]]:
    import numpy as np

    greys = []
    for k, image in enumerate(images):
        yield Progress(k, len(images), f"reading image {k + 1} of {len(images)}")
        array = np.asarray(image)
        if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,), (4,)) or array.dtype.kind not in "buif":
            raise TrainingError(
                f"image {k + 1} is an array of {array.dtype} {array.shape}: give grey (Y, X) or RGB(A) (Y, X, 3|4) ones"
            )
        greys.append(_grey(array))
    return greys


def _iter_files(files: list[Path]) -> Generator[Progress, None, list[Grey]]:
    greys: list[Grey] = []
    failed: dict[str, FocusFuseError] = {}
    for k, file in enumerate(files):
        yield Progress(k, len(files), f"reading file {k + 1} of {len(files)}")
        try:
            greys += [_grey(image) for image in _read(file)]
        except StackError as error:
            failed[file.name] = error
    if failed:
        names = ", ".join([*list(failed)[:_NAMED], *(["..."] if len(failed) > _NAMED else [])])
        text = f"{len(failed)} of {len(files)} files cannot be read"
        if not greys:
            raise TrainingError(f"{text}, and no image is left: {next(iter(failed.values()))}")
        warnings.warn(f"{text} and are left out: {names}", FocusFuseWarning, stacklevel=2)
    return greys


def _read(file: Path) -> list[NDArray[Any]]:
    """The image of a file, or all slices where it holds a stack."""
    import numpy as np

    from napari_focusfuse import io

    found = io.read_stack(file)
    plane = found.data.shape[-3 if found.axes.endswith("S") else -2 :]
    return [np.asarray(image) for image in found.data.reshape((-1, *plane))]


def _grey(image: NDArray[Any]) -> Grey:
    from napari_focusfuse.core.stack.intensity import training_grey

    return training_grey(image)
