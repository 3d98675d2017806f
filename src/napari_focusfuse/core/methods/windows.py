"""Methods that compare one focus measure of the grey values, pixel by pixel, and take the sharpest slice."""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_focusfuse.config import FocusStackConfig, LoGConfig, WindowConfig
from napari_focusfuse.core.methods._choice import Grey, Measure, iter_chosen
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result.decision import Decision
from napari_focusfuse.core.stack.stack import Stack

__all__ = ["iter_focusstack", "iter_log", "iter_sf", "iter_variance", "spatial_frequency"]

Activity = NDArray[np.floating]
_TRUNCATE = 4.0


def _box(image: Activity, radius: int) -> Activity:
    """Mean over a window of 2 radius + 1 pixels a side, borders replicated."""
    return np.asarray(ndimage.uniform_filter(image, 2 * radius + 1, mode="nearest"))


def _root(energy: Activity) -> Activity:
    return np.asarray(np.sqrt(np.maximum(energy, 0)))


def _gaussian_halo(sigma: float) -> int:
    """Pixels that scipy's Gaussian sees on each side."""
    return int(_TRUNCATE * sigma + 0.5)


def spatial_frequency(grey: Grey, radius: int) -> Activity:
    """Spatial frequency (Y, X) of the grey values themselves: Eq. 5-7 of Ma et al. 2020 without an encoder."""
    across, down = (np.diff(grey, axis=axis, prepend=grey.take([0], axis)) for axis in (1, 0))
    return _root(_box(across**2 + down**2, radius))


def iter_sf(stack: Stack, config: WindowConfig) -> Generator[Progress, None, Decision]:
    """Largest spatial frequency in a window around the pixel (Eskicioglu and Fisher 1995; Li, Kwok and Wang 2001)."""
    return (yield from iter_chosen(stack, Measure(lambda g: spatial_frequency(g, config.radius), config.radius + 1)))


def iter_log(stack: Stack, config: LoGConfig) -> Generator[Progress, None, Decision]:
    """Largest energy of the Laplacian of Gaussian in a window (energy of Laplacian, Huang and Jing 2007)."""

    def activity(grey: Grey) -> Activity:
        response = ndimage.gaussian_laplace(grey, config.sigma, mode="nearest", truncate=_TRUNCATE)
        return _root(_box(response**2, config.radius))

    return (yield from iter_chosen(stack, Measure(activity, _gaussian_halo(config.sigma) + config.radius)))


def iter_focusstack(stack: Stack, config: FocusStackConfig) -> Generator[Progress, None, Decision]:
    """Largest magnitude of the Laplacian of Gaussian at the pixel, no window (McGuinness 2015)."""

    def activity(grey: Grey) -> Activity:
        return np.asarray(np.abs(ndimage.gaussian_laplace(grey, config.sigma, mode="nearest", truncate=_TRUNCATE)))

    return (yield from iter_chosen(stack, Measure(activity, _gaussian_halo(config.sigma))))


def iter_variance(stack: Stack, config: WindowConfig) -> Generator[Progress, None, Decision]:
    """Largest variance of the grey values in a window around the pixel (Sugimoto and Ichioka 1985)."""

    def activity(grey: Grey) -> Activity:
        exact = grey.astype(np.float64)
        return _root(_box(exact**2, config.radius) - _box(exact, config.radius) ** 2)

    return (yield from iter_chosen(stack, Measure(activity, config.radius)))
