"""The stack of the speed benchmark is one that fuses, whatever its size."""

import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks import speed


def test_its_stack_has_the_depth_it_says():
    result = ff.fuse(speed.LazyStack(96, 5))
    expected = np.broadcast_to(np.linspace(0, 4, 96), (96, 96))
    inner = slice(16, -16)
    assert (np.abs(result.decision.index - expected)[inner, inner] <= 1).mean() > 0.95


def test_it_prints_ratios_and_exponents(capsys, monkeypatch):
    monkeypatch.setattr(speed, "_ROUNDS", 1)
    speed.encoder(64)
    speed.memory(64, 3)
    told = capsys.readouterr().out
    assert "ratio" in told
    assert "3 slices of 64 x 64 px" in told


def test_it_finds_and_draws_a_power(tmp_path):
    sizes = np.array([1e6, 2e6, 4e6, 8e6])
    assert speed.exponent(sizes, 3 * sizes**0.7) == pytest.approx(0.7)
    speed.plot_scaling([("slices", sizes, sizes / 1e6)], tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").stat().st_size > 5000


def test_what_grows_is_told_with_its_size(monkeypatch):
    monkeypatch.setattr(speed, "timed", lambda _work: 1.0)
    monkeypatch.setattr(speed.ff, "fuse", lambda _stack: None)
    (slices, many, _), (pixels, large, seconds) = speed.scaling(16, 2)
    assert (slices, pixels) == ("slices", "pixels")
    np.testing.assert_array_equal(many, 2 * 16 * 16 * 2.0 ** np.arange(5))
    np.testing.assert_allclose(large, many, rtol=0.05)
    np.testing.assert_array_equal(seconds, 1)
