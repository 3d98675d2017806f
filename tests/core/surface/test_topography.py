"""Depth as a topography."""

import numpy as np
import pytest

from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.surface import depth_um, fill_depth


def decided(depth: np.ndarray, confidence: np.ndarray | float = 1.0) -> Decision:
    shape = depth.shape
    return Decision(
        labels=np.zeros((1, *shape), np.int16),
        weights=np.ones((1, *shape), np.float32),
        depth=depth.astype(np.float32),
        confidence=np.broadcast_to(np.float32(confidence), shape),
        flags=np.zeros(shape, np.uint16),
        z=np.arange(3.0),
    )


def test_measured_depth_stays_exactly(rng: np.random.Generator) -> None:
    depth = rng.random((37, 50)).astype(np.float32)
    depth[10:20, 15:30] = np.nan
    known = np.isfinite(depth)
    filled = fill_depth(decided(depth))
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[known], depth[known])
    assert np.isfinite(filled).all()


@pytest.mark.parametrize("shape", [(64, 64), (37, 50), (5, 200)])
def test_a_hole_in_a_slope_is_filled_by_the_slope(shape: tuple[int, int]) -> None:
    """As well as a mean of the surroundings can: within a fifth of what the slope does across the hole."""
    y, x = np.indices(shape)
    slope = (0.3 * x + 0.1 * y).astype(np.float32)
    depth = slope.copy()
    middle = slice(shape[0] // 2 - 2, shape[0] // 2 + 2), slice(shape[1] // 2 - 8, shape[1] // 2 + 8)
    depth[middle] = np.nan
    error = np.abs(fill_depth(decided(depth)) - slope)[middle]
    assert error.max() < 0.2 * (0.3 * 16)


def test_unsure_depth_gives_way_in_proportion() -> None:
    depth = np.full((32, 32), 2.0)
    depth[16, 16] = 10
    found = []
    for unsure in (0.0, 0.25, 0.49, 0.5):
        confidence = np.ones((32, 32))
        confidence[16, 16] = unsure
        found.append(float(fill_depth(decided(depth, confidence))[16, 16]))
    assert found == sorted(found)
    assert found[0] == pytest.approx(2)
    assert found[-1] == 10
    assert float(fill_depth(decided(depth, confidence), least_confidence=0.9)[16, 16]) < 8


def test_far_from_what_is_known(rng: np.random.Generator) -> None:
    depth = np.full((70, 90), np.nan)
    depth[3, 4] = 5
    np.testing.assert_allclose(fill_depth(decided(depth)), 5, rtol=1e-5)
    depth[:] = np.nan
    assert np.isnan(fill_depth(decided(depth))).all()


def test_a_damaged_file_may_hold_nan_of_the_kind_that_complains() -> None:
    depth = np.full((2, 3), 0x7FA00000, np.uint32).view(np.float32)
    with np.errstate(invalid="raise"):
        assert np.isnan(depth_um(decided(depth), 2.0)).all()
