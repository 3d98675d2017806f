"""Looking at stacks, and aligning them."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_focusfuse.config import AlignConfig
from napari_focusfuse.core.progress import Progress, drained
from napari_focusfuse.errors import OutputError

if TYPE_CHECKING:
    from napari_focusfuse.core.align import Alignment, Transforms
    from napari_focusfuse.core.quick_look import QuickLook


def iter_quick_look(
    stack: Any, *, axis: int = 0, rgb: bool | None = None, drift: bool = True
) -> Generator[Progress, None, QuickLook]:
    """Look at a focus stack on small images: sharpness of its slices, drift, and images that are no slices of it.

    Parameters
    ----------
    stack, axis, rgb
        As for `iter_align`.
    drift : bool
        Also measure whether the slices drift.

    Returns
    -------
    QuickLook

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((96, 96), 5, surface="steps", blur=0.5, seed=1)
    >>> found = ff.quick_look(scene.stack)
    >>> found.drift, found.foreign, found.sharpness.shape
    (0.0, {}, (5,))
    """
    from napari_focusfuse.core.quick_look import iter_look
    from napari_focusfuse.core.stack import Stack

    return (yield from iter_look(Stack(stack, axis, rgb), drift=drift))


quick_look = drained(iter_quick_look)


def iter_align(
    stack: Any,
    *,
    config: AlignConfig | None = None,
    axis: int = 0,
    rgb: bool | None = None,
    transforms: Transforms | None = None,
) -> Generator[Progress, None, Alignment]:
    """Register the slices of a focus stack: correct drift, rotation and the change of scale during focusing.

    The motion is measured first. A stack that is registered within the tolerance is returned unchanged, as the same
    object.

    Parameters
    ----------
    stack : array-like (Z, Y, X) or (Z, Y, X, 3|4), or a sequence of images
        In the order of focus. numpy, dask or zarr, any real type; colour is measured on grey.
    config : AlignConfig, optional
        What may differ between slices, the reference, how edges are filled, and the tolerance.
    axis : int
        The stack axis.
    rgb : bool, optional
        Whether the last axis holds RGB(A) samples.
    transforms : Transforms, optional
        Use these, of another channel or from a file, instead of measuring new ones.

    Returns
    -------
    Alignment
        The aligned stack of the same type, the transforms, the valid area and a summary.

    Raises
    ------
    FocusFuseError
        The slices are too small, flat, or do not fit the transforms; the message says what to do.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((96, 96), 5, surface="steps", blur=0.5, flaws=ff.Flaws(drift=3), seed=1)
    >>> done = ff.align(scene.stack, config=ff.AlignConfig(kind="translation"))
    >>> done.transforms.matrices.shape, done.stack.dtype, done.untouched
    ((5, 3, 3), dtype('uint16'), False)
    """
    from napari_focusfuse.core import align as core
    from napari_focusfuse.core.stack import Stack

    return (yield from core.iter_align(stack, Stack(stack, axis, rgb), axis, config or AlignConfig(), transforms))


align = drained(iter_align)


def load_transforms(path: str | os.PathLike[str]) -> Transforms:
    """Read transforms that `Transforms.save` wrote; `FocusFuseError` if the file has none.

    Raises
    ------
    FocusFuseError
        The file is missing or contains no transforms.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((96, 96), 3, surface="steps", blur=0.5)
    >>> path = ff.align(scene.stack, config=ff.AlignConfig(kind="translation")).transforms.save("transforms.json")
    >>> ff.load_transforms("transforms.json").matrices.shape
    (3, 3, 3)
    """
    from napari_focusfuse.core.align import load_transforms as load

    return load(path)


def check_alignment_target(path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Refuse what `save_alignment` would refuse, before any work is done; where the transforms will be.

    Raises
    ------
    OutputError
        See `save_alignment`.
    """
    from napari_focusfuse.api._files import stack_name
    from napari_focusfuse.io import check_both

    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise OutputError(f"{path} has a suffix that cannot hold a stack: use .tif")
    record = path.with_name(f"{stack_name(path)}.transforms.json")
    check_both(path, record, overwrite=overwrite)
    return record


def save_alignment(
    path: str | os.PathLike[str],
    alignment: Alignment,
    *,
    z_step: float | None = None,
    z: Sequence[float] | None = None,
    pixel_size: tuple[float, float] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write an aligned stack, and its transforms beside it: of out.tif as out.transforms.json.

    Both are written, or nothing is changed.

    Parameters
    ----------
    path : str or path
        ``.tif``, ``.tiff`` (also ``.ome.tif``).
    alignment : Alignment
    z_step : float, optional
        Distance between neighbouring slices, um.
    z : sequence of floats, optional
        Positions of the slices, um, where they are uneven.
    pixel_size : (float, float), optional
        Size of a pixel along y and x, um.
    overwrite : bool
        Replace what an earlier run has written.

    Returns
    -------
    Path
        Of the transforms.

    Raises
    ------
    OutputError
        The suffix is another one, one of the files exists or cannot be written.
    """
    from napari_focusfuse.io import write_stack

    record = check_alignment_target(path, overwrite=overwrite)
    sizes: dict[str, Any] = {"z_step": z_step, "z": z, "pixel_size": pixel_size}
    beside = (record, alignment.transforms.as_text())
    write_stack(path, np.asarray(alignment.stack), beside=beside, overwrite=overwrite, **sizes)
    return record
