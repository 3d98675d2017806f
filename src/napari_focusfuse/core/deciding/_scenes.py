"""Simulated scenes as a trained encoder sees them."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_focusfuse.core.activity import scale_maps
from napari_focusfuse.core.config import DecideConfig, Surface
from napari_focusfuse.core.head import SCALES
from napari_focusfuse.core.intensity import robust_range, scaled
from napari_focusfuse.core.learning import Pieces, log_uniform, seen_by_camera
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.simulate import simulate
from napari_focusfuse.core.survey import noise_level, noise_maps

__all__ = ["KEPT", "Scenes", "SeenScene"]

Image = NDArray[np.float32]
#: Scenes that are trained on at a time, and their side, px.
KEPT, _SIDE = 16, 160
_SURFACES: tuple[Surface, ...] = ("smooth", "steps", "steps", "steps", "fibres")
_SLICES, _GROWTH, _DISC = (8, 15), (0.5, 1.6), 0.4
#: Shares of scenes whose contrast varies from place to place, by powers of ten and over pixels, and of 8-bit cameras.
_UNEVEN, _DECADES, _PATCHES, _EIGHT_BIT = 0.5, (0.5, 2.5), (8.0, 30.0), 0.4


class SeenScene(NamedTuple):
    """A scene, and what the encoder sees of it.

    Attributes
    ----------
    squared : (N, S, Y, X)
        Squared SF of each slice on `SCALES`.
    floors : (S,)
        What noise alone has there.
    noise : float
        Standard deviation, as it is estimated.
    depth : (Y, X)
        Of the sharpest focus, in slices.
    slices : (N, Y, X)
        What the camera gives, over the range of the stack.
    sharp : (Y, X)
        The true image on the same scale.
    """

    squared: Tensor
    floors: Tensor
    noise: float
    depth: Tensor
    slices: Tensor
    sharp: Tensor


class Scenes:
    """Simulates scenes with textures of sharp images and computed ones, and has an encoder look at them.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1]; may be empty.
    config : DecideConfig
    encoder : Encoder
        In evaluation mode.
    stream : int
        Number of the stream of random numbers.
    """

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder, stream: int) -> None:
        self._pieces = Pieces(images, config.procedural, config.seed)
        self._seed, self._encoder = (config.seed, stream), encoder
        self._latest: OrderedDict[int, SeenScene] = OrderedDict()

    def __getitem__(self, number: int) -> SeenScene:
        """Scene number so and so: always the same."""
        if number not in self._latest:
            self._latest[number] = self._seen(np.random.default_rng((*self._seed, number)))
            while len(self._latest) > KEPT:
                self._latest.popitem(last=False)
        return self._latest[number]

    def _seen(self, rng: np.random.Generator) -> SeenScene:
        texture = self._pieces.draw(rng, _SIDE)
        texture = _uneven(rng, texture) if rng.random() < _UNEVEN else texture
        scene = simulate(
            (_SIDE, _SIDE),
            int(rng.integers(*_SLICES)),
            surface=_SURFACES[rng.integers(len(_SURFACES))],
            texture=texture,
            psf="disc" if rng.random() < _DISC else "gaussian",
            blur=log_uniform(rng, *_GROWTH),
            seed=int(rng.integers(2**31)),
        )
        slices = seen_by_camera(rng, scene.clean)
        if rng.random() < _EIGHT_BIT:
            slices = np.rint(slices * 255).astype(np.float32) / np.float32(255)
        limits = robust_range(slices)
        return self._encoded(scaled(slices, limits), scaled(scene.sharp, limits), scene.depth)

    @torch.inference_mode()
    def _encoded(self, slices: Image, sharp: Image, depth: Image) -> SeenScene:
        device = next(self._encoder.parameters()).device
        noise = noise_level(list(slices[:: max(1, len(slices) // 5)]))
        squared = [
            scale_maps(self._encoder, torch.from_numpy(image)[None, None].to(device), SCALES) for image in slices
        ]
        floors = noise_maps(self._encoder, noise, float(slices.mean()), SCALES, None, device).mean(dim=(0, 2, 3))
        truth = (torch.from_numpy(array).to(device) for array in (depth, slices, sharp))
        return SeenScene(torch.cat(squared), floors, noise, *truth)


def _uneven(rng: np.random.Generator, texture: Image) -> Image:
    """A texture whose contrast falls by up to some powers of ten from place to place."""
    field = ndimage.gaussian_filter(rng.standard_normal(texture.shape), rng.uniform(*_PATCHES), mode="wrap")
    field = (field - field.min()) / np.ptp(field)
    mean = ndimage.gaussian_filter(texture, 12)
    faded = mean + (texture - mean) * 10 ** (-rng.uniform(*_DECADES) * field)
    return np.asarray(np.clip(faded, 0, 1), dtype=np.float32)
