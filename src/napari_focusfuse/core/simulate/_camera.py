"""From light to counts."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special, stats

from napari_focusfuse.config import Camera, Flaws
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.simulate._developing import developed

__all__ = ["counts", "exposed"]

Counts = NDArray[np.uint8] | NDArray[np.uint16]
#: Fewer electrons than this are drawn exactly.
_FEW = 20
#: Size of places where noise is stronger or weaker, as a share of the shorter side.
_PLACES = 1 / 8


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
