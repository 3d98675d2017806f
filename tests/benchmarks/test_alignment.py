"""What the benchmark of alignment plants and measures."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="module")
def script():
    path = Path(__file__).parents[2] / "benchmarks" / "alignment.py"
    spec = importlib.util.spec_from_file_location("alignment", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_planted_transforms_are_as_large_as_said(script):
    none = script.planted(9, 64, 0, 0, 0, 1)
    assert np.array_equal(none, np.tile(np.eye(3), (9, 1, 1)))
    some = script.planted(9, 64, 40, 2, 0.02, 1)
    assert np.allclose(some[4], np.eye(3))
    shifts = (some @ (31.5, 31.5, 1))[:, :2] - 31.5
    assert 35 < np.hypot(*shifts.T).max() < 45


def test_a_residual_is_that_of_the_pixels_shown(script):
    true = np.tile(np.eye(3), (2, 1, 1))
    found = true.copy()
    found[1, 0, 2] = 3
    assert script.residuals(found, true, 64).tolist() == [0, 3]


def test_slices_move_as_planted(script):
    light = np.random.default_rng(0).random((1, 160, 160)).astype(np.float32)
    there = script.moved(light, np.eye(3)[None], 0.0, 0)
    shift = np.eye(3)[None].copy()
    shift[0, :2, 2] = 5, 3
    moved = script.moved(light, shift, 0.0, 0)
    np.testing.assert_allclose(moved[0, 3:, 5:], there[0, :-3, :-5], atol=1)
