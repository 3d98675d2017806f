"""A focus stack with its ground truth, and the camera: noise and counts, and what its software makes of a picture."""

import math
from dataclasses import dataclass, field, replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage, special, stats

from napari_focusfuse.config import Camera, Flaws
from napari_focusfuse.core.simulate.flaws import Motion, with_motion

__all__ = ["Scene", "counted", "counts", "developed", "exposed", "finished"]

Image = NDArray[np.float32]
Counts = NDArray[np.uint8] | NDArray[np.uint16]
#: Fewer electrons than this are drawn exactly.
_FEW = 20
#: Size of places where noise is stronger or weaker, as a share of the shorter side.
_PLACES = 1 / 8
#: Shares of red, green and blue in a grey value, and where in a square of four pixels the Bayer mosaic has them.
_COLOURS = ((0.299, ((0, 0),)), (0.587, ((0, 1), (1, 0))), (0.114, ((1, 1),)))
#: Blur of the unsharp mask, px, and side of the square in which a camera tells noise from detail, px.
_MASK, _SQUARE = 1.0, 5


def exposed(light: Image, camera: Camera, rng: np.random.Generator, flaws: Flaws | None = None) -> Counts:
    """Counts (Z, Y, X) for slices of light, 1 being full scale; the sensor's own pattern is that of all slices.

    Of the `flaws` those of noise and of the camera's software count here.
    """
    flaws = flaws or Flaws()
    field = light.shape[1:]
    gain = 1 + camera.gain_spread * rng.standard_normal(field, np.float32)
    offset = camera.offset_spread * rng.standard_normal(field, np.float32)
    hot = np.where(rng.random(field) < camera.hot_pixels, rng.uniform(0.3, 1, field), 0).astype(np.float32)
    strength = _strength(field, flaws.uneven_noise, rng)
    out = np.empty(light.shape, counts(light[0, :1], camera).dtype)
    for k, image in enumerate(light):
        seen = _with_photons(image, camera, rng) * gain + offset + hot
        if camera.noise:
            seen += camera.noise * rng.standard_normal(field, np.float32)
        if strength is not None:
            noiseless = image * gain + offset + hot
            seen = noiseless + strength * (seen - noiseless)
        if camera.salt_pepper:
            struck = rng.random(field) < camera.salt_pepper
            seen = np.where(struck, rng.choice(np.array([-1, 2], np.float32), field), seen)
        out[k] = counts(developed(seen, flaws), camera)
    return out


def _strength(field: tuple[int, ...], spread: float, rng: np.random.Generator) -> Image | None:
    """How strong noise is from place to place, 1 in the (geometric) mean; None where it is the same everywhere."""
    if not spread:
        return None
    places = ndimage.gaussian_filter(rng.standard_normal(field, np.float32), _PLACES * min(field), mode="wrap")
    places -= places.mean()
    return np.asarray(np.exp(spread * places / max(float(places.std()), 1e-12)), dtype=np.float32)


def counts(light: Image, camera: Camera) -> Counts:
    """What a camera without noise counts: clipped at black and white, rounded."""
    largest = 2**camera.bits - 1
    whole: NDArray[np.float64] = np.round(np.clip(light + camera.black, 0, 1) * np.float64(largest))
    return whole.astype(np.uint8) if camera.bits <= 8 else whole.astype(np.uint16)


def _with_photons(image: Image, camera: Camera, rng: np.random.Generator) -> Image:
    """Poisson noise from one draw a pixel, so that a difference in rounding stays where it is.

    Numbers of electrons are quantiles of the Poisson distribution, for many electrons by its Cornish-Fisher expansion.
    """
    if math.isinf(camera.full_well):
        return image
    mean = np.round(np.maximum(image.astype(np.float64), 0) * camera.full_well, 3)
    normal = rng.standard_normal(image.shape)
    electrons = np.round(mean + np.sqrt(mean) * normal + (normal**2 - 1) / 6)
    few = mean < _FEW
    electrons[few] = stats.poisson.ppf(special.ndtr(normal[few]), mean[few])
    electrons = np.maximum(electrons, 0) + camera.read_noise * rng.standard_normal(image.shape, np.float32)
    return np.asarray(electrons / camera.full_well, dtype=np.float32)


def developed(image: Image, flaws: Flaws) -> Image:
    """An image (Y, X) after the processing of a camera, from the sensor image; 1 is full scale.

    Parameters
    ----------
    image : (Y, X) array
    flaws : Flaws
        `mosaic`, `denoised`, `sharpened`, `gamma` and `jpeg` are done, in that order.

    Returns
    -------
    (Y, X) float32
        Unchanged where nothing was done.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_focusfuse import Flaws
    >>> from napari_focusfuse.core.simulate import developed
    >>> float(developed(np.full((8, 8), 0.25, np.float32), Flaws(gamma=0.5))[0, 0])
    0.5
    """
    if flaws.mosaic:
        image = _mosaicked(image)
    if flaws.denoised:
        image = _smoothed(image, flaws.denoised)
    image = finished(image, flaws)
    return _compressed(image, flaws.jpeg) if flaws.jpeg else image


def finished(image: Image, flaws: Flaws) -> Image:
    """What is done to a true picture as well: sharpening and gamma."""
    if flaws.sharpened:
        image = image + np.float32(flaws.sharpened) * (image - ndimage.gaussian_filter(image, _MASK))
    return np.clip(image, 0, 1) ** np.float32(flaws.gamma) if flaws.gamma != 1 else image


def _mosaicked(image: Image) -> Image:
    """Grey from three colours, each seen at every second or fourth pixel and filled in from its neighbours."""
    grey = np.zeros_like(image)
    near = np.array([1, 2, 1], np.float32) / 2
    for share, places in _COLOURS:
        seen, there = np.zeros_like(image), np.zeros_like(image)
        for y, x in places:
            seen[y::2, x::2], there[y::2, x::2] = image[y::2, x::2], 1
        filled, weight = (
            ndimage.correlate1d(ndimage.correlate1d(a, near, 0, mode="constant"), near, 1, mode="constant")
            for a in (seen, there)
        )
        grey += np.float32(share) * np.where(there > 0, seen, filled / np.maximum(weight, 1e-6))
    return grey


def _smoothed(image: Image, noise: float) -> Image:
    """Lee's filter: less of what departs from the mean around it, the less it stands out of the noise."""
    mean = ndimage.uniform_filter(image, _SQUARE)
    variance = np.maximum(ndimage.uniform_filter(image**2, _SQUARE) - mean**2, 1e-12)
    kept: Image = np.maximum(variance - np.float32(noise**2), 0) / variance
    return np.asarray(mean + kept * (image - mean), dtype=np.float32)


def _compressed(image: Image, quality: int) -> Image:
    file = BytesIO()
    Picture.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.asarray(Picture.open(file), dtype=np.float32) / np.float32(255)


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated focus stack and its ground truth.

    Attributes
    ----------
    stack : (Z, Y, X) uint8 or uint16
        Slices, farthest plane of focus first.
    truth : (Y, X) uint8 or uint16
        All-in-focus image as recorded by the same camera without noise. What is the same in every slice (shading,
        dust, haze) is in it; what differs from slice to slice (drift, magnification, flicker) is as in the middle one.
    depth : (Y, X) float32
        Plane of best focus, in slices; below 0 or above Z - 1 where it is beyond the stack.
    height : (Y, X) float32
        The same in um, on the scale of `z`.
    index : (Y, X) int32
        The slice nearest to focus.
    z : (Z,) float64
        Position of each slice, um.
    z_step, pixel_size : float
        Mean distance of slices and of pixels, um.
    clean : (Z, Y, X) float32
        Light on the camera before any noise; 1 is full scale.
    sharp : (Y, X) float32
        The same of the all-in-focus image.
    motion : Motion
        Shift, magnification and brightness of each slice.
    missing : (Z, Y) bool
        Rows that are missing (black): ``stack[scene.missing] = np.nan`` where `stack` is made of float.
    spoiled : (Y, X) bool
        Pixels in a missing row, or crossed by a moving glint.
    camera : Camera
    flaws : Flaws
    seed : int
    """

    stack: NDArray[np.uint8] | NDArray[np.uint16]
    truth: NDArray[np.uint8] | NDArray[np.uint16]
    depth: NDArray[np.float32]
    height: NDArray[np.float32]
    index: NDArray[np.int32]
    z: NDArray[np.float64]
    z_step: float
    pixel_size: float
    clean: NDArray[np.float32] = field(repr=False)
    sharp: NDArray[np.float32] = field(repr=False)
    motion: Motion = field(repr=False)
    missing: NDArray[np.bool_] = field(repr=False)
    spoiled: NDArray[np.bool_] = field(repr=False)
    camera: Camera
    flaws: Flaws
    seed: int

    def exposed(self, camera: Camera) -> "Scene":
        """The same scene with another camera; `Camera(noise=.03)` is .03 of full scale of Gaussian noise."""
        stack, truth = counted(self.clean, self.sharp, self.missing, camera, self.flaws, self.seed)
        return replace(self, stack=stack, truth=truth, camera=camera)

    def true_slice(self, k: int) -> NDArray[np.float32]:
        """The all-in-focus image (Y, X) as it lies and shines in slice `k`, without noise; 1 is full scale."""
        return finished(with_motion(self.sharp, self.motion, k), self.flaws)


def counted(
    clean: NDArray[np.float32],
    sharp: NDArray[np.float32],
    missing: NDArray[np.bool_],
    camera: Camera,
    flaws: Flaws,
    seed: int,
) -> tuple[NDArray[np.uint8] | NDArray[np.uint16], NDArray[np.uint8] | NDArray[np.uint16]]:
    """What the camera makes of slices and of the truth."""
    stack = exposed(clean, camera, _noise_source(seed), flaws)
    stack[missing] = 0
    return stack, counts(finished(sharp, flaws), camera)


def _noise_source(seed: int) -> np.random.Generator:
    """Draws of the camera: others than those of the scene, so that a scene stays the same through every camera."""
    return np.random.default_rng((seed, 1))
