"""The scenes of the simulated part: what is drawn for each, and the only place that touches the simulator.

Everything is drawn from the split and the number of a scene, so that a scene is the same in every run. The two splits
share neither seeds nor textures.
"""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse import io
from napari_focusfuse.config import PSF, Camera, Flaws, Surface, Texture
from napari_focusfuse.core.simulate import Scene, simulate
from napari_focusfuse.core.stack.intensity import training_grey
from napari_focusfuse.errors import FocusFuseError

__all__ = [
    "BLACK_BORDER",
    "DEAD_SLICE",
    "FLAWS",
    "NOISES",
    "NO_FLAW",
    "PSFS",
    "SPLITS",
    "TEXTURES",
    "UNEVEN",
    "Case",
    "Exposure",
    "Rendered",
    "Shot",
    "Split",
    "render",
]

Split = Literal["development", "report"]
SPLITS: tuple[Split, ...] = ("development", "report")
#: Growth of the blur, px of standard deviation a slice (half the radius of a disc): drawn for each scene, never told to
#: a method.
_BLUR = (0.4, 0.8)
#: Electrons.
_READ_NOISE = 5.0
#: Families of blur, noise and texture, the standard ones first.
PSFS: tuple[PSF, ...] = ("disc", "gaussian", "wave")
NOISES = ("gaussian", "camera")
TEXTURES = ("natural", "procedural")
NO_FLAW = "none"
UNEVEN, DEAD_SLICE, BLACK_BORDER = "uneven noise", "dead slice", "black border"
#: What spoils a stack, by name. The last two are lost after the exposure.
FLAWS = {
    NO_FLAW: Flaws(),
    "shifted": Flaws(drift=0.3),
    "breathing": Flaws(magnification=0.001),
    "flicker": Flaws(flicker=0.02),
    "exposure": Flaws(exposure=0.1),
    "interlaced": Flaws(interlaced=0.05),
    "moving glints": Flaws(glints=0.002),
    "highlights": Flaws(highlights=0.005),
    "dust": Flaws(dust=8),
    UNEVEN: Flaws(uneven_noise=0.7),
    "mosaic": Flaws(mosaic=True),
    "denoised": Flaws(denoised=0.02),
    "sharpened": Flaws(sharpened=1.0),
    "gamma": Flaws(gamma=0.5),
    "JPEG": Flaws(jpeg=80),
    DEAD_SLICE: Flaws(),
    BLACK_BORDER: Flaws(),
}
#: Widest black border, px.
_BORDER = 8


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a scene is rendered from, once for all exposures.

    Attributes
    ----------
    split : {"development", "report"}
    number : int
        Scenes of one split and number have the same texture, blur and seed, whatever their surface.
    surface, psf, texture : str
    flaw : str
        Of `FLAWS`.
    shape : (int, int)
        Height and width, px.
    slices : int
    folder : Path or None
        Images for the texture "natural".
    """

    split: Split
    number: int
    surface: Surface
    psf: PSF
    texture: str
    flaw: str = NO_FLAW
    shape: tuple[int, int]
    slices: int
    folder: Path | None = None


class Exposure(NamedTuple):
    """What the camera does: the model of its noise, and how much as a share of full scale."""

    noise_model: str
    noise: float


class Shot(NamedTuple):
    """A focus stack with its truth.

    Attributes
    ----------
    stack : (Z, Y, X) uint16
    clean : (Z, Y, X) float32
        The slices without noise, full scale 1.
    truth : (Y, X) uint16
    depth : (Y, X) float32
        In slices.
    lost : (Y, X) bool or None
        Pixels that nobody can know, and that are not judged by.
    """

    stack: NDArray[np.uint16]
    clean: NDArray[np.float32]
    truth: NDArray[np.uint16]
    depth: NDArray[np.float32]
    lost: NDArray[np.bool_] | None = None


class Rendered:
    """A scene before any noise, to be exposed as often as needed."""

    def __init__(self, scene: Scene, flaw: str = NO_FLAW) -> None:
        self._scene, self._flaw = scene, flaw

    def shot(self, exposure: Exposure) -> Shot:
        """Expose: 16 bits, clipped at black and white."""
        scene = self._scene.exposed(_camera(exposure))
        stack, truth = scene.stack.astype(np.uint16), scene.truth.astype(np.uint16)
        lost = _lose(self._flaw, stack, scene)
        return Shot(stack, scene.clean, truth, scene.depth, lost)


def render(case: Case) -> Rendered:
    """Render a scene.

    Raises
    ------
    FocusFuseError
        There is no texture for it.
    """
    rng = np.random.default_rng(zlib.crc32(f"{case.split}/{case.number}".encode()))
    blur, seed = float(rng.uniform(*_BLUR)), int(rng.integers(2**31))
    texture = None if case.texture == "procedural" else _natural(case, rng)
    return Rendered(_scene(case, blur, texture, seed), case.flaw)


def _scene(case: Case, blur: float, texture: NDArray[np.float32] | None, seed: int) -> Scene:
    drawn: Texture | NDArray[np.float32] = "grains" if texture is None else texture
    flaws = FLAWS[case.flaw]
    return simulate(
        case.shape, case.slices, surface=case.surface, psf=case.psf, blur=blur, texture=drawn, flaws=flaws, seed=seed
    )


def _lose(flaw: str, stack: NDArray[np.uint16], scene: Scene) -> NDArray[np.bool_] | None:
    """Blacken a slice, or the borders of all as registration leaves them; which pixels nobody can know then."""
    rng = np.random.default_rng(scene.seed)
    if flaw == DEAD_SLICE:
        dead = int(rng.integers(1, len(stack) - 1))
        stack[dead] = 0
        return np.asarray(scene.index == dead)
    if flaw == BLACK_BORDER:
        inside = np.ones(stack.shape, dtype=bool)
        for part in inside:
            top, bottom, left, right = rng.integers(1, _BORDER + 1, 4)
            part[:top] = part[-bottom:] = part[:, :left] = part[:, -right:] = False
        stack[~inside] = 0
        return np.asarray(~inside.all(axis=0))
    return None


def _camera(exposure: Exposure) -> Camera:
    """Gaussian noise, or photons and read-out that make as much noise at half of full scale."""
    model, noise = exposure
    if model == "gaussian":
        return Camera(noise=noise)
    # (1/2 + read² / well) / well = noise²
    well = (0.5 + np.sqrt(0.25 + 4 * noise**2 * _READ_NOISE**2)) / (2 * noise**2)
    return Camera(full_well=float(well), read_noise=_READ_NOISE)


def _natural(case: Case, rng: np.random.Generator) -> NDArray[np.float32]:
    """A piece of an image of the folder, mirrored where the image is too small."""
    if case.folder is None:
        raise FocusFuseError("natural textures come from a folder of images: name one with --textures")
    files = texture_files(case.folder, case.split)
    image = training_grey(io.read_image(files[int(rng.integers(len(files)))]))
    missing = [max(0, wanted - size) for wanted, size in zip(case.shape, image.shape, strict=True)]
    image = np.pad(image, [(0, n) for n in missing], mode="symmetric")
    y, x = (int(rng.integers(size - wanted + 1)) for size, wanted in zip(image.shape, case.shape, strict=True))
    return np.ascontiguousarray(image[y : y + case.shape[0], x : x + case.shape[1]])


@lru_cache(maxsize=8)
def texture_files(folder: Path, split: Split) -> tuple[Path, ...]:
    """The images of a folder that a split may use: every second one, in the order of their names.

    Raises
    ------
    FocusFuseError
        There are fewer than two.
    """
    files = io.slice_files(folder)
    if len(files) < len(SPLITS):
        raise FocusFuseError(f"{folder} holds fewer than {len(SPLITS)} images: give a folder of textures")
    return tuple(files[SPLITS.index(split) :: len(SPLITS)])
