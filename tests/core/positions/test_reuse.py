"""Decisions for other channels."""

from dataclasses import replace

import numpy as np
import pytest

from napari_focusfuse.core.positions.channels import doubt, shifted
from napari_focusfuse.core.result import Decision, Flag
from napari_focusfuse.errors import FocusFuseError


@pytest.fixture
def decision() -> Decision:
    """Two labels a pixel, slices in the order of z: 2, 0, 3, 1."""
    labels = np.array([[[0, 1]], [[2, 3]]], np.int16)
    weights = np.full(labels.shape, 0.5, np.float32)
    plane = np.zeros((1, 2), np.float32)
    return Decision(labels, weights, plane, plane, np.zeros((1, 2), np.uint16), np.array([1.0, 3, 0, 2]))


@pytest.mark.parametrize(
    ("slices", "labels"),
    [(0, [[[0, 1]], [[2, 3]]]), (1, [[[3, 1]], [[0, 1]]]), (-1, [[[2, 3]], [[2, 0]]]), (3, [[[1, 1]], [[1, 1]]])],
)
def test_a_shift_is_along_z_and_ends_at_the_ends(decision, slices, labels):
    moved = shifted(decision, slices)
    np.testing.assert_array_equal(moved.labels, labels)
    assert moved.labels.dtype == np.int16
    assert moved.weights is decision.weights


@pytest.mark.parametrize("slices", [4, -4, 0.5])
def test_a_shift_that_makes_no_sense(decision, slices):
    with pytest.raises(FocusFuseError, match="cannot shift a stack of 4 slices"):
        shifted(decision, slices)


@pytest.mark.parametrize(("flag", "says"), [(0, ""), (Flag.NO_SIGNAL, "100.0%"), (Flag.UNORDERED, "order of focus")])
def test_a_guess_is_doubted(decision, flag, says):
    told = doubt(replace(decision, flags=np.full((1, 2), flag, np.uint16)))
    assert says in told
    assert bool(told) == bool(flag)
