"""Simulated scenes as a trained encoder sees them."""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_focusfuse.core.activity import scale_maps
from napari_focusfuse.core.config import DecideConfig, Surface
from napari_focusfuse.core.decide.noise import noise_level
from napari_focusfuse.core.decide.statistics import noise_maps
from napari_focusfuse.core.head import SCALES
from napari_focusfuse.core.intensity import robust_range, scaled
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.simulate import simulate
from napari_focusfuse.core.training import Pieces, log_uniform, seen_by_camera

__all__ = ["Drawn", "DrawnScenes", "Scenes", "SeenScene", "iter_maps", "noise_floors", "some_slices"]

Image = NDArray[np.float32]
Seen = TypeVar("Seen")
#: Slices where only a few are taken.
_FEW = (2, 3)
_SURFACES: tuple[Surface, ...] = ("smooth", "steps", "steps", "steps", "fibres")
_SLICES, _GROWTH, _DISC = (8, 15), (0.5, 1.6), 0.4
#: Shares of scenes whose contrast varies from place to place, by powers of ten and over pixels, and of 8-bit cameras.
_UNEVEN, _DECADES, _PATCHES, _EIGHT_BIT = 0.5, (0.5, 2.5), (8.0, 30.0), 0.4


class SeenScene(NamedTuple):
    """A scene, and what the encoder sees of it.

    Attributes
    ----------
    squared : (N, S, Y/2, X/2)
        Squared SF of each slice on `SCALES`, at half size.
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


class Drawn(NamedTuple):
    """A simulated scene as a camera sees it.

    Attributes
    ----------
    slices : (N, Y, X) array
        What the camera gives, over the range of the stack.
    sharp : (Y, X) array
        The true image on the same scale.
    depth : (Y, X) array
        Of the sharpest focus, in slices.
    noise : float
        Standard deviation, as it is estimated.
    """

    slices: Image
    sharp: Image
    depth: Image
    noise: float


class DrawnScenes(Generic[Seen]):
    """Simulates scenes with textures of sharp images and computed ones; children say what is kept of each.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1]; may be empty.
    config : DecideConfig
    stream : int
        Number of the stream of random numbers.
    """

    #: Scenes that are trained on at a time, and their side, px.
    kept: ClassVar[int]
    side: ClassVar[int]

    def __init__(self, images: Sequence[Image], config: DecideConfig, stream: int) -> None:
        self._pieces = Pieces(images, config.procedural, config.seed)
        self._seed = (config.seed, stream)
        self._latest: OrderedDict[int, Seen] = OrderedDict()

    def __getitem__(self, number: int) -> Seen:
        """Scene number so and so: always the same."""
        if number not in self._latest:
            rng = np.random.default_rng((*self._seed, number))
            self._latest[number] = self.seen(rng, self._drawn(rng))
            while len(self._latest) > self.kept:
                self._latest.popitem(last=False)
        return self._latest[number]

    def one_of(self, rng: np.random.Generator, newest: int) -> Seen:
        """One of the latest scenes."""
        return self[int(rng.integers(max(0, newest - self.kept + 1), newest + 1))]

    @abstractmethod
    def seen(self, rng: np.random.Generator, drawn: Drawn) -> Seen:
        """What is kept of a scene."""

    def _drawn(self, rng: np.random.Generator) -> Drawn:
        side = self.side
        texture = self._pieces.draw(rng, side)
        texture = _uneven(rng, texture) if rng.random() < _UNEVEN else texture
        scene = simulate(
            (side, side),
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
        slices = scaled(slices, limits)
        noise = noise_level(list(slices[:: max(1, len(slices) // 5)]))
        return Drawn(slices, scaled(scene.sharp, limits), scene.depth, noise)


class Scenes(DrawnScenes[SeenScene]):
    """Scenes as a trained encoder sees them, on all scales.

    Parameters
    ----------
    images, config, stream
        See `DrawnScenes`.
    encoder : Encoder
        In evaluation mode.
    """

    kept, side = 16, DecideConfig.scene_side

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder, stream: int) -> None:
        super().__init__(images, config, stream)
        self._encoder = encoder

    @torch.inference_mode()
    def seen(self, rng: np.random.Generator, drawn: Drawn) -> SeenScene:  # noqa: ARG002
        """See `DrawnScenes`."""
        device = next(self._encoder.parameters()).device
        maps = iter_maps(self._encoder, drawn)
        truth = (torch.from_numpy(array).to(device) for array in (drawn.depth, drawn.slices, drawn.sharp))
        return SeenScene(torch.cat(list(maps)), noise_floors(self._encoder, drawn), drawn.noise, *truth)


def iter_maps(encoder: Encoder, drawn: Drawn) -> Iterator[Tensor]:
    """Squared SF (1, S, Y/2, X/2) on `SCALES` of slice after slice."""
    device = next(encoder.parameters()).device
    for image in drawn.slices:
        yield scale_maps(encoder, torch.from_numpy(image)[None, None].to(device), SCALES, half=True)


def noise_floors(encoder: Encoder, drawn: Drawn) -> Tensor:
    """What noise alone has on `SCALES`."""
    device = next(encoder.parameters()).device
    maps = noise_maps(encoder, drawn.noise, float(drawn.slices.mean()), SCALES, None, device, half=True)
    return maps.mean(dim=(0, 2, 3))


def _uneven(rng: np.random.Generator, texture: Image) -> Image:
    """A texture whose contrast falls by up to some powers of ten from place to place."""
    field = ndimage.gaussian_filter(rng.standard_normal(texture.shape), rng.uniform(*_PATCHES), mode="wrap")
    field = (field - field.min()) / np.ptp(field)
    mean = ndimage.gaussian_filter(texture, 12)
    faded = mean + (texture - mean) * 10 ** (-rng.uniform(*_DECADES) * field)
    return np.asarray(np.clip(faded, 0, 1), dtype=np.float32)


def some_slices(rng: np.random.Generator, count: int, kinds: Sequence[float]) -> list[int]:
    """Numbers of the slices to decide between: all, every second one, or two or three anywhere, as often as `kinds`."""
    kind = rng.choice(len(kinds), p=kinds)
    if kind == len(kinds) - 1:
        few = int(rng.integers(_FEW[0], _FEW[1] + 1))
        return sorted(int(k) for k in rng.choice(count, few, replace=False))
    return list(range(int(rng.integers(kind + 1)), count, int(kind) + 1))
