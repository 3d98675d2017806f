"""Error of the decisions of a head against the ground truth of a scene."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from napari_focusfuse.core.encode.activity import doubled
from napari_focusfuse.core.encode.head import FocusHead
from napari_focusfuse.core.training.decision_head._scenes import SeenScene

__all__ = ["TARGET", "Part", "decide_loss", "found", "part_scores", "slices_off", "whole"]

#: A slice one step farther from the true depth than another counts exp(-2) of it.
TARGET = 2.0


class Part(NamedTuple):
    """A part of a scene: some of its slices, by rising number; rows and columns, from even to even numbers."""

    slices: Sequence[int]
    rows: slice
    columns: slice


def whole(scene: SeenScene) -> Part:
    """All of a scene."""
    return Part(range(len(scene.squared)), slice(None), slice(None))


def part_scores(head: FocusHead, scene: SeenScene, part: Part) -> Tensor:
    """Scores (N, Y, X) of a part of a scene."""
    shape = scene.depth[part.rows, part.columns].shape
    where = (_halved(part.rows), _halved(part.columns))
    squared = scene.squared[list(part.slices), :, *where]
    noise = scene.drawn.noise(part.slices, 2)[where].to(squared.device)
    return doubled(head.score(squared, scene.floors, noise), (shape[0], shape[1]))[:, 0]


def _halved(side: slice) -> slice:
    return slice(None) if side == slice(None) else slice(side.start // 2, side.stop // 2)


def decide_loss(head: FocusHead, scores: Tensor, scene: SeenScene, part: Part) -> Tensor:
    """Cross entropy between the scores and the true depth.

    The margin that the head has not seen the surroundings of is left out.
    """
    margin = slice(head.reach, -head.reach)
    place = torch.tensor(list(part.slices), device=scores.device)[:, None, None]
    wanted = torch.softmax(-TARGET * (place - scene.depth[part.rows, part.columns]) ** 2, dim=0)
    return -(wanted * torch.log_softmax(scores, dim=0)).sum(dim=0)[margin, margin].mean()


def slices_off(scores: Tensor, scene: SeenScene, part: Part) -> Tensor:
    """How many slices (Y, X) the best score is from the true depth."""
    best = torch.tensor(list(part.slices), device=scores.device)[scores.argmax(dim=0)]
    return (best - scene.depth[part.rows, part.columns]).abs()


def found(scores: Tensor, scene: SeenScene, part: Part) -> float:
    """Share of the pixels whose slice is found, or the one next to it."""
    return (slices_off(scores, scene, part) <= 1).float().mean().item()
