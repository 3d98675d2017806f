"""How far the decisions of a head are from the truth of a scene."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from napari_focusfuse.core.activity import doubled
from napari_focusfuse.core.head import FocusHead, power
from napari_focusfuse.core.training.decision_head._scenes import SeenScene

__all__ = ["Part", "decide_loss", "found", "part_scores", "slices_off", "whole"]

#: A slice one step farther from the true depth than another counts exp(-2) of it.
_TARGET = 2.0
#: Slices that take part in a fused pixel, as in fusion.
_MIXED = 4
_LEAST_ERROR = 1e-6
#: Weight of the decimal logarithm of the error of the fused image.
_IMAGE = 2.0


class Part(NamedTuple):
    """A part of a scene: some of its slices, by rising number; rows and columns, from even to even numbers."""

    slices: Sequence[int]
    rows: slice
    columns: slice


def whole(scene: SeenScene) -> Part:
    """All of a scene."""
    return Part(range(len(scene.slices)), slice(None), slice(None))


def part_scores(head: FocusHead, scene: SeenScene, part: Part) -> Tensor:
    """Scores (N, Y, X) of a part of a scene."""
    shape = scene.depth[part.rows, part.columns].shape
    squared = scene.squared[list(part.slices), :, _halved(part.rows), _halved(part.columns)]
    return doubled(head.score(squared, scene.floors), (shape[0], shape[1]))[:, 0]


def _halved(side: slice) -> slice:
    return slice(None) if side == slice(None) else slice(side.start // 2, side.stop // 2)


def decide_loss(head: FocusHead, scores: Tensor, scene: SeenScene, part: Part) -> Tensor:
    """Cross entropy between the scores and the true depth, plus what the fused image lacks: 5 dB count as much as 1.

    The margin that the head has not seen the surroundings of is left out.
    """
    y, x = part.rows, part.columns
    margin = slice(head.reach, -head.reach)
    place = torch.tensor(list(part.slices), device=scores.device)[:, None, None]
    wanted = torch.softmax(-_TARGET * (place - scene.depth[y, x]) ** 2, dim=0)
    entropy = -(wanted * torch.log_softmax(scores, dim=0)).sum(dim=0)[margin, margin].mean()
    best, labels = scores.topk(min(_MIXED, len(scores)), dim=0)
    weights = torch.softmax(best * power(scene.noise), dim=0)
    fused = (weights * scene.slices[list(part.slices), y, x].gather(0, labels)).sum(dim=0)
    error = ((fused - scene.sharp[y, x]) ** 2)[margin, margin].mean()
    return entropy + _IMAGE * torch.log10(error + _LEAST_ERROR)


def slices_off(scores: Tensor, scene: SeenScene, part: Part) -> Tensor:
    """How many slices (Y, X) the best score is from the true depth."""
    best = torch.tensor(list(part.slices), device=scores.device)[scores.argmax(dim=0)]
    return (best - scene.depth[part.rows, part.columns]).abs()


def found(scores: Tensor, scene: SeenScene, part: Part) -> float:
    """Share of the pixels whose slice is found, or the one next to it."""
    return (slices_off(scores, scene, part) <= 1).float().mean().item()
