"""The image triples that the reference values were computed on, made from their formulas."""

import numpy as np
import pytest
from scipy import ndimage

Triple = tuple[np.ndarray, np.ndarray, np.ndarray]


def _scene(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :128].astype(float)
    img = 0.5 + 0.18 * np.sin(0.9 * x + 0.31 * y) + 0.14 * np.cos(0.37 * x - 0.71 * y)
    img += 0.12 * (np.hypot(y - 40, x - 70) < 22) - 0.1 * (np.abs(x - 25) < 6)
    img += 0.05 * rng.standard_normal(img.shape)
    return np.clip(img, 0.0, 1.0)


@pytest.fixture(scope="session")
def triples() -> dict[str, Triple]:
    """Two sources and a fused image each, (96, 128) float64 in [0, 1]."""
    out = {}
    for seed in (0, 1):
        sharp = _scene(seed)
        blur = ndimage.gaussian_filter(sharp, 2.0, mode="nearest")
        near = np.arange(128)[None, :] < 60 + 10 * np.sin(np.arange(96)[:, None] / 9)
        a, b = np.where(near, sharp, blur), np.where(near, blur, sharp)
        out[f"perfect{seed}"] = (a, b, sharp)
        out[f"average{seed}"] = (a, b, (a + b) / 2)
        shifted = np.where(np.roll(near, 7, axis=1), a, b)
        out[f"shifted{seed}"] = (a, b, shifted)
        out[f"eightbit{seed}"] = (a, b, np.rint(shifted * 255) / 255)
    return out


@pytest.fixture(scope="session")
def stacked(triples: dict[str, Triple]) -> tuple[list[np.ndarray], np.ndarray]:
    """Four sources, each blurred elsewhere, and the sharp image."""
    sharp = triples["perfect0"][2]
    blur = ndimage.gaussian_filter(sharp, 2.0, mode="nearest")
    here = np.arange(128) // 32
    return [np.where(here == k, sharp, blur) for k in range(4)], sharp
