"""Features of simulated scenes by a trained encoder, on all scales."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_focusfuse.config import DecideConfig
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.training._scenes import Drawn, DrawnScenes, deep_maps, noise_floors

__all__ = ["Scenes", "SeenScene"]

Image = NDArray[np.float32]


class SeenScene(NamedTuple):
    """A scene, and what the encoder sees of it.

    Attributes
    ----------
    squared : (N, S, Y/2, X/2)
        Energies of each slice on `SCALES`, at half size.
    floors : (S,)
        What noise of standard deviation 1 alone has there.
    drawn : Drawn
    depth : (Y, X)
        Of the sharpest focus, in slices.
    """

    squared: Tensor
    floors: Tensor
    drawn: Drawn
    depth: Tensor


class Scenes(DrawnScenes[SeenScene]):
    """Simulated scenes.

    Parameters
    ----------
    images, config, stream
        See `DrawnScenes`.
    encoder : Encoder
        In evaluation mode.
    """

    kept, side = 128, DecideConfig.scene_side

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder, stream: int) -> None:
        super().__init__(images, config, stream)
        self._encoder, self._floors = encoder, noise_floors(encoder)

    @torch.inference_mode()
    def seen(self, drawn: Drawn) -> SeenScene:
        """See `DrawnScenes`."""
        maps = deep_maps(self._encoder, drawn)
        return SeenScene(maps, self._floors, drawn, torch.from_numpy(drawn.depth).to(maps.device))
