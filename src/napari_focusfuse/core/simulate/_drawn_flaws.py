"""Flaws as real stacks have them, to train on and to be judged by."""

import math

import numpy as np

from napari_focusfuse.config import Flaws

__all__ = ["drawn_flaws"]


def drawn_flaws(rng: np.random.Generator) -> Flaws:
    """Draw random flaws of a stack; half of the stacks are misregistered, about one in six has no flaw but noise.

    Parameters
    ----------
    rng : Generator

    Returns
    -------
    Flaws

    Examples
    --------
    >>> import numpy as np
    >>> import napari_focusfuse as ff
    >>> from napari_focusfuse.core.simulate import drawn_flaws
    >>> flaws = drawn_flaws(np.random.default_rng(0))
    >>> ff.simulate((64, 64), 4, flaws=flaws).stack.shape
    (4, 64, 64)
    """
    if rng.random() < 0.15:
        return Flaws()
    return Flaws(
        drift=_maybe(rng, 0.5, 0.1, 1),
        magnification=_maybe(rng, 0.3, 0.0003, 0.003) * float(rng.choice([-1, 1])),
        flicker=_maybe(rng, 0.3, 0.003, 0.03),
        exposure=_maybe(rng, 0.1, 0.03, 0.3),
        interlaced=_maybe(rng, 0.08, 0.01, 0.1),
        glints=_maybe(rng, 0.1, 0.0005, 0.005),
        highlights=_maybe(rng, 0.1, 0.0005, 0.01),
        shading=_maybe(rng, 0.3, 0.05, 0.4),
        haze=_maybe(rng, 0.15, 0.03, 0.3),
        dust=_some(rng, 0.15, 1, 8),
        scratches=_some(rng, 0.05, 1, 3),
        missing=_some(rng, 0.05, 1, 3),
        uneven_noise=_maybe(rng, 0.3, 0.2, 1),
        mosaic=bool(rng.random() < 0.15),
        denoised=_maybe(rng, 0.2, 0.004, 0.03),
        sharpened=_maybe(rng, 0.2, 0.3, 2),
        gamma=1 / (1 + _maybe(rng, 0.3, 0.2, 1.2)),
        jpeg=_some(rng, 0.3, 70, 95),
    )


def _maybe(rng: np.random.Generator, share: float, low: float, high: float) -> float:
    """0, or for a share of stacks a number whose logarithm is uniform."""
    value = math.exp(rng.uniform(math.log(low), math.log(high)))
    return value if rng.random() < share else 0.0


def _some(rng: np.random.Generator, share: float, low: int, high: int) -> int:
    value = int(rng.integers(low, high + 1))
    return value if rng.random() < share else 0
