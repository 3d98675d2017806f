"""Simulated scenes as training sees them: light fields of opaque scenes, with what spoils real stacks."""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from napari_focusfuse.config import Camera, DecideConfig, Flaws, Surface
from napari_focusfuse.core.decide.statistics import noise_maps
from napari_focusfuse.core.decide.survey import NoiseMap, block_noise, noise_map, quantisation
from napari_focusfuse.core.encode import scale_maps
from napari_focusfuse.core.encode.head import SCALES
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.simulate import Scene, drawn_flaws, simulate
from napari_focusfuse.core.simulate.scene import exposed
from napari_focusfuse.core.stack.intensity import robust_range, scaled
from napari_focusfuse.core.training.images import Crops, log_uniform

__all__ = ["Drawn", "DrawnScenes", "deep_maps", "noise_floors", "some_slices"]

Image = NDArray[np.float32]
Seen = TypeVar("Seen")
#: Slices where only a few are taken.
_FEW = (2, 3)
#: Surfaces and how often they are drawn; numbers of slices, blur of the steps between them and of the whole stack (px).
_SURFACES: dict[Surface, float] = {
    "smooth": 0.15,
    "steps": 0.1,
    "blocks": 0.15,
    "spheres": 0.15,
    "fibres": 0.35,
    "rough": 0.05,
    "plane": 0.05,
}
#: Share of scenes of objects before a ground instead, each with a texture of its own; how many of them at most.
_OBJECTS, _MOST_OBJECTS = 0.3, 3
_SLICES, _GROWTH, _WIDEST, _DISC = (4, 16), (0.25, 2.0), 11.0, 0.65
#: Shares of scenes whose contrast varies from place to place, by powers of ten and over pixels.
_UNEVEN, _DECADES, _PATCHES = 0.3, (0.5, 2.5), (8.0, 30.0)
#: Of so many scenes one is cut out, one has few slices far apart, one has no flaws but noise, half of them not even
#: that, and these are seen by a perfect camera: clean stacks show what has to be told apart.
_EVERY, _CUT, _APART, _PLAIN, _CLEAN, _HALF = 7, 5, 6, 1, (3, 4), 0.5
#: Of scenes with few slices the blur of the whole stack (px), and shares of them with objects, with hardly any texture
#: within its outlines, and how much of the texture is left there.
_APART_BLUR, _APART_OBJECTS, _FLAT, _FAINT = (2.5, 14.0), 0.75, 0.35, (0.003, 0.1)
#: Areas of one brightness.
_AREAS = (2, 8)
#: Of scenes that are cut out blur per step (px) and slices.
_CUT_GROWTH, _CUT_SLICES = (0.7, 4.0), 4
#: Noise (share of full scale), shares of scenes with any, with photon noise instead, and of 8-bit cameras.
_STRENGTH, _NOISY, _PHOTONS, _EIGHT_BIT = (0.0015, 0.08), 0.75, 0.5, 0.5
#: Slices at most whose noise is measured.
_NOISE_SLICES = 9
#: The noise at which the answer to noise is measured.
_NOISE = 0.02


class Drawn(NamedTuple):
    """A simulated scene as a camera sees it.

    Attributes
    ----------
    slices : (N, Y, X) array
        What the camera gives, over the range of the stack.
    sharp : (Y, X) array
        The true image on the same scale, where it lies in the sharpest slice of each pixel.
    depth : (Y, X) array
        Of the sharpest focus, in slices.
    blocks : (N, B, A) array
        `block_noise` of each slice.
    least : float
        Noise that rounding leaves.
    """

    slices: Image
    sharp: Image
    depth: Image
    blocks: Image
    least: float

    def noise(self, slices: Sequence[int], step: int = 1) -> Tensor:
        """The noise (Y, X) of a stack of some of the slices, at every `step`-th pixel."""
        asked = [slices[round(k)] for k in np.linspace(0, len(slices) - 1, min(len(slices), _NOISE_SLICES))]
        found: NoiseMap = noise_map(list(self.blocks[asked]), self.least)
        return found.part((slice(0, self.depth.shape[0]), slice(0, self.depth.shape[1])), step)


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
        self._crops = Crops(images, config.procedural, config.seed, leaves=True)
        self._seed = (config.seed, stream)
        self._latest: OrderedDict[int, Seen] = OrderedDict()

    def __getitem__(self, number: int) -> Seen:
        """Scene number so and so: always the same."""
        if number not in self._latest:
            rng = np.random.default_rng((*self._seed, number))
            self._latest[number] = self.seen(self._made(rng, number % _EVERY))
            while len(self._latest) > self.kept:
                self._latest.popitem(last=False)
        return self._latest[number]

    def one_of(self, rng: np.random.Generator, newest: int) -> Seen:
        """One of the latest scenes."""
        return self[int(rng.integers(max(0, newest - self.kept + 1), newest + 1))]

    @abstractmethod
    def seen(self, drawn: Drawn) -> Seen:
        """What is kept of a scene."""

    def _made(self, rng: np.random.Generator, kind: int) -> Drawn:
        if kind == _CUT:
            return self._cut(rng)
        if kind == _APART:
            return self._apart(rng)
        if kind in _CLEAN:
            return self._drawn(rng, Camera(bits=16), flawed=False)
        return self._drawn(rng, _camera(rng, _HALF if kind == _PLAIN else _NOISY), flawed=kind != _PLAIN)

    def _cut(self, rng: np.random.Generator) -> Drawn:
        """Cut-out objects, blurred within their outlines: nothing spills over. Public pairs with truth are made so."""
        side, count = self.side, int(rng.integers(2, _CUT_SLICES + 1))
        texture, depth = self._crops.draw(rng, side), np.full((side, side), rng.integers(count))
        for _ in range(int(rng.integers(1, _MOST_OBJECTS + 1))):
            inside = _outline(rng, side)
            texture = np.where(inside, self._crops.draw(rng, side), texture)
            depth[inside] = rng.integers(count)
        camera = _camera(rng, _HALF) if rng.random() < _HALF else Camera(bits=8)
        clean = _blurred_in_place(texture, depth, count, log_uniform(rng, *_CUT_GROWTH))
        slices = exposed(clean, camera, rng)
        return _over_range(slices, texture, depth.astype(np.float32))

    def _apart(self, rng: np.random.Generator) -> Drawn:
        """Few slices far apart, as photographs are taken: a blurred outline spills far over what is flat."""
        texture = self._crops.draw(rng, self.side)
        texture = _flat(rng, texture) if rng.random() < _FLAT else texture
        count = int(rng.integers(_FEW[0], _FEW[1] + 1))
        growth = log_uniform(rng, *_APART_BLUR) / (count - 1)
        shape = _objects(rng, self.side, count) if rng.random() < _APART_OBJECTS else {"surface": _surface(rng)}
        return _seen_by(_camera(rng, _HALF), rng, texture, count, growth, shape, flawed=rng.random() < _HALF)

    def _drawn(self, rng: np.random.Generator, camera: Camera, *, flawed: bool) -> Drawn:
        texture = self._crops.draw(rng, self.side)
        texture = _uneven(rng, texture) if rng.random() < _UNEVEN else texture
        growth = log_uniform(rng, *_GROWTH)
        count = min(int(rng.integers(*_SLICES)), max(_SLICES[0], int(_WIDEST / growth)))
        shape = _objects(rng, self.side, count) if rng.random() < _OBJECTS else {"surface": _surface(rng)}
        return _seen_by(camera, rng, texture, count, growth, shape, flawed=flawed)


def _seen_by(
    camera: Camera,
    rng: np.random.Generator,
    texture: Image,
    count: int,
    growth: float,
    shape: dict[str, Any],
    *,
    flawed: bool,
) -> Drawn:
    scene = simulate(
        (texture.shape[0], texture.shape[1]),
        count,
        **shape,
        texture=texture,
        psf="disc" if rng.random() < _DISC else "gaussian",
        blur=growth,
        camera=camera,
        flaws=drawn_flaws(rng) if flawed else Flaws(),
        seed=int(rng.integers(2**31)),
    )
    return _as_seen(scene)


def _surface(rng: np.random.Generator) -> Surface:
    return list(_SURFACES)[rng.choice(len(_SURFACES), p=list(_SURFACES.values()))]


def _objects(rng: np.random.Generator, side: int, slices: int) -> dict[str, Any]:
    """A ground in the lower part of the stack, and outlines of any shape in front of it."""
    y, x = np.mgrid[-0.5 : 0.5 : side * 1j, -0.5 : 0.5 : side * 1j]

    def tilted(low: float, high: float) -> NDArray[np.float64]:
        slope = rng.normal(0, 0.1 * slices, 2)
        plane = rng.uniform(low, high) * (slices - 1) + slope[0] * y + slope[1] * x
        return np.asarray(np.clip(plane, 0, slices - 1))

    sheets = []
    for _ in range(int(rng.integers(1, _MOST_OBJECTS + 1))):
        outline = _outline(rng, side)
        sheets.append((tilted(0.4, 1), outline))
    return {"surface": tilted(0, 0.4), "sheets": sheets}


def _outline(rng: np.random.Generator, side: int) -> NDArray[np.bool_]:
    """Outlines of any shape, some of them frayed."""
    field = ndimage.gaussian_filter(rng.standard_normal((side, side)), side / rng.uniform(5, 25))
    frays = ndimage.gaussian_filter(rng.standard_normal((side, side)), rng.uniform(1.5, 5))
    field = field / field.std() + rng.choice([0, rng.uniform(0.1, 0.5)]) * frays / frays.std()
    return np.asarray(field > np.quantile(field, rng.uniform(0.5, 0.9)))


def _blurred_in_place(texture: Image, depth: NDArray[np.intp], count: int, growth: float) -> Image:
    """Slices (N, Y, X) of a scene whose pixels are blurred each by its own defocus."""
    away = np.abs(np.arange(count)[:, None, None] - depth)
    levels = np.stack([texture, *(ndimage.gaussian_filter(texture, growth * k) for k in range(1, count))])
    return np.take_along_axis(levels, away, axis=0)


def _camera(rng: np.random.Generator, noisy: float) -> Camera:
    bits = 8 if rng.random() < _EIGHT_BIT else 16
    if rng.random() >= noisy:
        return Camera(bits=bits)
    noise = log_uniform(rng, *_STRENGTH)
    return Camera(bits=bits, full_well=1 / noise**2) if rng.random() < _PHOTONS else Camera(bits=bits, noise=noise)


def _as_seen(scene: Scene) -> Drawn:
    """A scene over the range of its stack, and its truth as it lies in the sharpest slice of each pixel."""
    lying = np.stack([scene.true_slice(k) for k in range(len(scene.stack))])
    return _over_range(scene.stack, np.take_along_axis(lying, scene.index[None], axis=0)[0], scene.depth)


def _over_range(stack: NDArray[Any], sharp: Image, depth: Image) -> Drawn:
    full = float(np.iinfo(stack.dtype).max)
    slices = stack.astype(np.float32) / np.float32(full)
    limits = robust_range(slices)
    least = quantisation(stack) / full / max(limits[1] - limits[0], 1e-9)
    slices = np.stack([scaled(grey, limits) for grey in slices])
    blocks = np.stack([block_noise(grey) for grey in slices]).astype(np.float32)
    return Drawn(slices, scaled(sharp, limits), depth, blocks, least)


def _uneven(rng: np.random.Generator, texture: Image) -> Image:
    """A texture whose contrast falls by up to some powers of ten from place to place."""
    field = ndimage.gaussian_filter(rng.standard_normal(texture.shape), rng.uniform(*_PATCHES), mode="wrap")
    field = (field - field.min()) / np.ptp(field)
    mean = ndimage.gaussian_filter(texture, 12)
    faded = mean + (texture - mean) * 10 ** (-rng.uniform(*_DECADES) * field)
    return np.asarray(np.clip(faded, 0, 1), dtype=np.float32)


def _flat(rng: np.random.Generator, texture: Image) -> Image:
    """Areas of one brightness with clear outlines and shades, in which next to nothing of a texture is left."""
    side = len(texture)
    areas = np.full(texture.shape, rng.random(), dtype=np.float32)
    for _ in range(int(rng.integers(_AREAS[0], _AREAS[1] + 1))):
        areas[_outline(rng, side)] = rng.random()
    shades = ndimage.gaussian_filter(rng.standard_normal(texture.shape), side / 4)
    faint = texture - ndimage.gaussian_filter(texture, 4)
    lit = ndimage.gaussian_filter(areas, 0.6) * (0.7 + 0.3 * shades / np.abs(shades).max())
    return np.asarray(np.clip(lit + log_uniform(rng, *_FAINT) * faint, 0, 1), dtype=np.float32)


@torch.inference_mode()
def deep_maps(encoder: Encoder, drawn: Drawn) -> Tensor:
    """Energies (N, S, Y/2, X/2) of the slices on `SCALES`."""
    device = next(encoder.parameters()).device
    images = (torch.from_numpy(image)[None, None].to(device) for image in drawn.slices)
    return torch.cat([scale_maps(encoder, image, SCALES, half=True) for image in images])


def noise_floors(encoder: Encoder) -> Tensor:
    """What noise of standard deviation 1 alone has on `SCALES`."""
    device = next(encoder.parameters()).device
    maps = noise_maps(encoder, _NOISE, 0.45, SCALES, None, device, half=True)
    return maps.mean(dim=(0, 2, 3)) / _NOISE**2


def some_slices(rng: np.random.Generator, count: int, kinds: Sequence[float]) -> list[int]:
    """Numbers of the slices to decide between: all, every second one, or two or three anywhere, as often as `kinds`."""
    kind = rng.choice(len(kinds), p=kinds)
    if kind == len(kinds) - 1:
        few = min(count, int(rng.integers(_FEW[0], _FEW[1] + 1)))
        return sorted(int(k) for k in rng.choice(count, few, replace=False))
    return list(range(int(rng.integers(kind + 1)), count, int(kind) + 1))
