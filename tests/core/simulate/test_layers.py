"""Transparent scenes: layers that add up."""

import numpy as np

from napari_focusfuse.core.simulate import rendering
from napari_focusfuse.core.simulate.optics import gaussian
from napari_focusfuse.core.simulate.rendering import rendered

FOCI = [-6.0, -2.0, 0.0, 2.0, 6.0]


def test_thinner_layers_change_little(monkeypatch):
    drawn = np.random.default_rng(0).random((80, 121)).astype(np.float32)
    slope = np.tile((np.arange(121) - 60) * 0.1, (80, 1))
    coarse = rendered("fluorescence", drawn, slope, FOCI, gaussian(0.8))
    monkeypatch.setattr(rendering, "_LAYERS", 32)
    fine = rendered("fluorescence", drawn, slope, FOCI, gaussian(0.8))
    assert np.abs(coarse - fine).max() < 0.03
    assert np.sqrt(np.mean((coarse - fine) ** 2)) < 0.004
