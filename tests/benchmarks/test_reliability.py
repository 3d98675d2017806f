"""The calibration error of confidences that are known to be right or wrong."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[2] / "benchmarks" / "reliability.py"
    spec = importlib.util.spec_from_file_location("reliability", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_honest_and_boasting_confidence(script, rng):
    confidence = rng.random(200_000)
    honest, table = script.reliability(confidence, rng.random(200_000) < confidence)
    boasting, _ = script.reliability(np.full(1000, 0.9), np.arange(1000) < 400)
    assert honest < 0.01
    assert boasting == pytest.approx(0.5)
    assert table[2].sum() == 200_000


def test_the_plot_is_written(script, tmp_path):
    script.plot(np.array([[0.2, 0.8], [0.3, 0.7], [5, 5]]), 0.1, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000


def test_a_scene_is_judged(script, rng, monkeypatch):
    monkeypatch.setattr(script, "_SHAPE", (48, 64))
    monkeypatch.setattr(script, "_SLICES", 4)
    confidence, right = script.judged(rng.random((60, 70)).astype(np.float32), "smooth", "gaussian", 0.0, 1)
    assert confidence.shape == right.shape
    assert 0 <= confidence.min() <= confidence.max() <= 1
