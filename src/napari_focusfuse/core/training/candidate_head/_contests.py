"""Contests of slices for the pixels of simulated scenes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.core.activity import doubled
from napari_focusfuse.core.config import DecideConfig, EdgeConfig
from napari_focusfuse.core.decide.rivals import Contest, Rivals, rivals
from napari_focusfuse.core.decide.top_k import KEPT
from napari_focusfuse.core.measures import grey_energy, grey_floor
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.training.decision_head import (
    Drawn,
    DrawnScenes,
    head_of,
    iter_maps,
    noise_floors,
    some_slices,
)

__all__ = ["Contests", "SeenContest", "part_of"]

Image = NDArray[np.float32]
#: How often all slices of a scene are taken, every second one, or a few of them.
_KINDS = (0.65, 0.15, 0.2)


class SeenContest(NamedTuple):
    """What competes for each pixel of a scene, and what is right.

    Attributes
    ----------
    contest : Contest
    found : Rivals
    off : Tensor (K, Y, X)
        How many slices of the scene each of the K is from the true depth.
    sharp : Tensor (Y, X)
        The true image.
    """

    contest: Contest
    found: Rivals
    off: Tensor
    sharp: Tensor


class Contests(DrawnScenes[SeenContest]):
    """Simulated scenes of which a trained encoder with a decision head has found the best slices.

    Parameters
    ----------
    images, config, stream
        See `DrawnScenes`.
    encoder : Encoder
        In evaluation mode.
    """

    kept, side = 128, EdgeConfig.scene_side

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder, stream: int) -> None:
        super().__init__(images, config, stream)
        self._encoder, self._head = encoder, head_of(encoder)

    @torch.inference_mode()
    def seen(self, rng: np.random.Generator, drawn: Drawn) -> SeenContest:
        """See `DrawnScenes`: some of the slices, forwards or backwards."""
        slices = some_slices(rng, len(drawn.slices), _KINDS)[:: 1 if rng.integers(2) else -1]
        taken = drawn._replace(slices=drawn.slices[slices])
        floors = noise_floors(self._encoder, drawn)
        scores = self._head.score(torch.cat(list(iter_maps(self._encoder, taken))), floors)
        greys, depth, sharp = (
            torch.from_numpy(array).to(scores.device) for array in (taken.slices, drawn.depth, drawn.sharp)
        )
        energies = grey_energy(greys[:, None])[:, 0]
        best, ranks = doubled(scores, (self.side, self.side))[:, 0].topk(min(KEPT, len(slices)), dim=0)
        contest = Contest(
            best,
            ranks,
            greys.gather(0, ranks),
            energies.gather(0, ranks),
            len(slices),
            drawn.noise,
            grey_floor(drawn.noise),
        )
        place = torch.tensor(slices, device=scores.device)
        return SeenContest(contest, rivals(best, ranks, len(slices)), place[ranks] - depth, sharp)


def part_of(scene: SeenContest, y: slice, x: slice, turns: int = 0, *, mirrored: bool = False) -> SeenContest:
    """A part of a scene, turned by so many right angles and mirrored."""

    def taken(values: Tensor) -> Tensor:
        part = torch.rot90(values[..., y, x], turns, (-2, -1))
        return part.flip(-1) if mirrored else part

    of = scene.contest
    contest = of._replace(
        scores=taken(of.scores), ranks=taken(of.ranks), greys=taken(of.greys), energies=taken(of.energies)
    )
    found = Rivals(*(taken(maps) for maps in scene.found))
    return SeenContest(contest, found, taken(scene.off), taken(scene.sharp))
