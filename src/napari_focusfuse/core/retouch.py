"""A fusion that was edited by hand: the maps and the image follow, and only where the edit reaches.

The mended fusion depends on the first one and on the edit, never on the order of strokes; and a part of it can be made
alone, to the same pixels as the whole.
"""

from collections.abc import Generator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.config import MendConfig
from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.brightness import matched
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result.decision import Decision, Labels
from napari_focusfuse.core.result.edits import REACH, bounds, seam
from napari_focusfuse.core.result.fusion import FusionResult
from napari_focusfuse.core.stack.stack import Stack
from napari_focusfuse.core.stack.tiles import grown
from napari_focusfuse.errors import FocusFuseError

__all__ = ["cut", "decision_of", "iter_mend", "may_match", "second_best"]

Part = tuple[slice, slice]


def decision_of(result: FusionResult) -> Decision:
    """The decision of a result that has one."""
    if result.decision is None:
        raise FocusFuseError("this method makes no decision that could be mended: fuse by another one")
    return result.decision


def second_best(decision: Decision) -> Labels | None:
    """The slice (Y, X) that comes next at each pixel; None of a decision that knows of one slice a pixel.

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


def iter_mend(
    stack: Stack,
    result: FusionResult,
    index: Labels,
    mask: NDArray[np.bool_],
    config: MendConfig | None = None,
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
    config : MendConfig, optional

    Returns
    -------
    FusionResult
        Its `info` tells under ``edits`` how many pixels were edited, and how.

    Raises
    ------
    FocusFuseError
        There is no decision, the arrays do not fit, an index is no slice, or brightness may not be matched.
    """
    config, decision = config or MendConfig(), decision_of(result)
    if config.match_brightness and not may_match(decision):
        raise FocusFuseError('the preset "quantitative" takes pixels as they are: leave the brightness as it is')
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
    mended = replace(edited, info={**decision.info, **info})
    return FusionResult(image, mended, summary, {**result.info, **info})


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
