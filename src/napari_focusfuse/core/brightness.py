"""What was painted, as bright along its border as the image around it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.core.result.decision import Decision, Labels
from napari_focusfuse.core.result.edits import Seam, seam
from napari_focusfuse.core.stack.intensity import typed
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.core.stack.tiles import grown

__all__ = ["RING", "matched"]

#: Width of the border in which brightness is compared, px.
RING = 6
#: A greater factor than this has other reasons than a lamp.
_MOST = 2.0
_EIGHT = np.ones((3, 3), dtype=bool)


def matched(
    image: NDArray[Any],
    stack: Stack,
    before: NDArray[Any],
    edited: Decision,
    index: Labels,
    mask: NDArray[np.bool_],
) -> None:
    """Multiply the share of each painted slice by one factor a patch, in place; a patch is what hangs together.

    The factor makes the mean of the slice in the border of the patch that of the image there; with it a pixel is
    rounded and held within its type. Nothing is done to the alpha of RGBA, and nothing where there is no border.

    Parameters
    ----------
    image : array (Y, X[, C])
        Blended by `edited`; changed in place.
    stack : Stack
    before : array (Y, X[, C])
        The image before any edit.
    edited : Decision
    index : (Y, X) int
    mask : (Y, X) bool
        The edit.
    """
    if stack.dtype.kind == "b":
        return
    patches, _ = ndimage.label(mask, _EIGHT)
    for number, box in enumerate(ndimage.find_objects(patches), start=1):
        where = grown(box, RING, edited.shape)
        here = patches[where] == number
        border = ndimage.binary_dilation(here, _EIGHT, RING) & ~mask[where]
        around = _mean(before[where], border)
        at = seam(mask[where])
        at = Seam(*(values[here[at.from_y, at.from_x]] for values in at))
        painted = index[where][at.from_y, at.from_x]
        pixels, labels = (at.y, at.x), edited.labels[:, *where][:, at.y, at.x]
        weights, part = edited.weights[:, *where][:, at.y, at.x], image[where]
        for k in np.unique(painted):
            values = stack.part(int(k), where)
            factor = _factor(around, _mean(values, border))
            own = np.where((labels == k) & (painted == k), weights, 0).sum(axis=0) * (factor - 1)
            part[pixels] = _added(part[pixels], values[pixels], own)


def _mean(image: NDArray[Any], where: NDArray[np.bool_]) -> float:
    """Mean of the finite pixels without alpha; NaN of none."""
    values = image[where][..., :3] if image.ndim == 3 else image[where]
    values = values[np.isfinite(values)]
    return float(values.mean(dtype=np.float64)) if values.size else np.nan


def _factor(wanted: float, found: float) -> float:
    """1 where it cannot be told."""
    if not (wanted > 0 and found > 0):
        return 1.0
    return float(np.clip(wanted / found, 1 / _MOST, _MOST))


def _added(pixels: NDArray[Any], values: NDArray[Any], share: NDArray[np.floating]) -> NDArray[Any]:
    """`pixels` (n[, C]) and the `share` (n,) of `values`, in their type."""
    colours = slice(0, 3)
    more = values * share if values.ndim == 1 else values[:, colours] * share[:, None]
    out = pixels.copy()
    target = out if out.ndim == 1 else out[:, colours]
    total = typed(target + more, out.dtype)
    target[...] = np.where(share if values.ndim == 1 else share[:, None], total, target)
    return out
