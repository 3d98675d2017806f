"""A fusion that was retouched by hand: the maps and the image change only where the edit reaches.

The retouched fusion depends on the first one and on the edit, never on the order of strokes. A part of it can be
computed alone and has the same pixels as in the whole.
"""

from collections.abc import Generator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import RetouchConfig
from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result import Decision, FusionResult, Labels
from napari_focusfuse.core.result.edits import REACH, Seam, bounds, seam
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import typed
from napari_focusfuse.core.stack.tiles import grown
from napari_focusfuse.errors import FocusFuseError

__all__ = ["RING", "cut", "decision_of", "iter_retouch", "matched", "may_match", "second_best"]

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
    """1 where it cannot be measured."""
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


Part = tuple[slice, slice]


def decision_of(result: FusionResult) -> Decision:
    """The decision of a result that has one."""
    if result.decision is None:
        raise FocusFuseError("this method makes no decision map that could be retouched: use another method")
    return result.decision


def second_best(decision: Decision) -> Labels | None:
    """The second-best slice (Y, X) of each pixel; None for a decision map that keeps one slice per pixel.

    Slices beside the chosen one do not count where another one is known, since they hold almost the same.
    """
    labels = decision.labels
    if len(labels) < 2:
        return None
    rank = np.argsort(np.argsort(decision.z, kind="stable"), kind="stable")
    at = rank[labels]
    found: Labels = labels[1]
    for k in range(len(labels) - 1, 0, -1):
        found = np.where(np.abs(at[k] - at[0]) > 1, labels[k], found)
    return found


def may_match(decision: Decision) -> bool:
    """Whether brightness may be matched: not where the decision promises pixels as they are."""
    return bool(decision.info.get("config", {}).get("preset") != "quantitative")


def cut(stack: Stack, result: FusionResult, where: Part) -> tuple[Stack, FusionResult]:
    """A part of a stack and of its fusion, which share their memory."""
    decision = decision_of(result)
    maps = {
        name: getattr(decision, name)[..., *where] for name in ("labels", "weights", "depth", "confidence", "flags")
    }
    return _Window(stack, where), replace(result, image=result.image[where], decision=replace(decision, **maps))


def iter_retouch(
    stack: Stack,
    result: FusionResult,
    index: Labels,
    mask: NDArray[np.bool_],
    config: RetouchConfig | None = None,
) -> Generator[Progress, None, FusionResult]:
    """Edit a fusion by hand: the decision by `Decision.with_edits`, and the image blended again where it differs.

    Parameters
    ----------
    stack : Stack
        What was fused.
    result : FusionResult
        As it was before any edit; left as it is.
    index : (Y, X) int
        Slices; read under the mask only.
    mask : (Y, X) bool
        Pixels that were edited.
    config : RetouchConfig, optional

    Returns
    -------
    FusionResult
        Its `info` has under ``edits`` how many pixels were edited, and how.

    Raises
    ------
    FocusFuseError
        There is no decision, the arrays do not fit, an index is no slice, or brightness may not be matched.
    """
    config, decision = config or RetouchConfig(), decision_of(result)
    if config.match_brightness and not may_match(decision):
        raise FocusFuseError('the preset "quantitative" copies pixels unchanged: do not match the brightness')
    edited, inner = decision.with_edits(index, mask), bounds(mask)
    if inner is None:
        return result
    where = grown(inner, REACH, decision.shape)
    _, part = cut(stack, replace(result, decision=edited), where)
    image = result.image.copy()
    image[where] = yield from _iter_part(_Window(stack, where), part, mask[where])
    if config.match_brightness:
        yield Progress(len(stack), len(stack), "brightness")
        matched(image, stack, result.image, edited, index, mask)
    pixels = int(mask.sum())
    info = {"edits": {"pixels": pixels, **asdict(config)}}
    summary = f"{result.summary.rstrip('.')}; {pixels} pixels ({pixels / mask.size:.2%}) edited by hand."
    retouched = replace(edited, info={**decision.info, **info})
    return FusionResult(image, retouched, summary, {**result.info, **info})


def _iter_part(stack: Stack, part: FusionResult, mask: NDArray[np.bool_]) -> Generator[Progress, None, NDArray[Any]]:
    """The image of a part, blended again where the edit touches it; no slice is read that only other pixels need."""
    decision, at = decision_of(part), seam(mask)
    touched = np.zeros(mask.shape, dtype=bool)
    touched[at.y, at.x] = True
    labels = np.where(touched, decision.labels, decision.labels[0, at.y[0], at.x[0]])
    blended = yield from iter_blend(stack, replace(decision, labels=labels))
    return np.where(touched[..., None] if blended.ndim == 3 else touched, blended, part.image)


class _Window(Stack):
    """A part of a stack, read where it is needed."""

    def __init__(self, stack: Stack, where: Part) -> None:
        self._whole, self._where = stack, where
        self.channels, self.dtype, self.z, self.order = stack.channels, stack.dtype, stack.z, stack.order
        self.shape = (where[0].stop - where[0].start, where[1].stop - where[1].start)

    def __getitem__(self, k: int) -> NDArray[Any]:
        return self._whole.part(k, self._where)

    def part(self, k: int, where: Part) -> NDArray[Any]:
        """Rows and columns of slice number `k`."""
        y, x = (slice(w.start + a.start, w.start + a.stop) for a, w in zip(where, self._where, strict=True))
        return self._whole.part(k, (y, x))
