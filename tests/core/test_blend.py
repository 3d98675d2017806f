"""Eq. 9 for N images: exact, within the range of the slices, in the type of the stack."""

import numpy as np
import pytest

from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import StackError


def decision(labels: np.ndarray, weights: np.ndarray, slices: int) -> Decision:
    shape = labels.shape[1:]
    nothing = np.zeros(shape, np.float32)
    return Decision(
        labels.astype(np.int16),
        weights.astype(np.float32),
        nothing,
        nothing,
        nothing.astype(np.uint16),
        np.arange(slices),
    )


def random_decision(rng, slices: int, shape: tuple[int, int], kept: int = 3) -> Decision:
    labels = np.argsort(rng.random((slices, *shape)), axis=0)[:kept]
    weights = -np.sort(-rng.random((kept, *shape)), axis=0)
    return decision(labels, weights / weights.sum(axis=0), slices)


def fused(stack, chosen: Decision) -> np.ndarray:
    return drain(iter_blend(Stack(stack), chosen))


DTYPES = [
    "bool",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
]


def values(rng, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == "bool":
        return rng.random(shape) > 0.5
    if dtype.startswith("float"):
        return (rng.standard_normal(shape) * 100).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_weighted_mean_in_every_type(rng, dtype):
    stack = values(rng, dtype, (5, 9, 8))
    chosen = random_decision(rng, 5, (9, 8))
    image = fused(stack, chosen)
    assert image.dtype == stack.dtype
    taken = np.take_along_axis(stack, chosen.labels.astype(int), 0)
    assert (image >= taken.min(axis=0)).all()
    assert (image <= taken.max(axis=0)).all()
    expected = (taken.astype(float) * chosen.weights).sum(axis=0)
    rounding = 0.5 if np.dtype(dtype).kind in "bui" else 0
    scale = np.abs(taken.astype(float)).max()
    assert np.abs(image.astype(float) - expected).max() <= rounding + scale * (2e-3 if dtype == "float16" else 3e-7)


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_slices_come_back_exactly(rng, dtype):
    image = values(rng, dtype, (7, 8))
    np.testing.assert_array_equal(fused(np.stack([image] * 4), random_decision(rng, 4, (7, 8))), image)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_the_ends_of_wide_types_do_not_wrap(dtype):
    info = np.iinfo(dtype)
    for a, b in ((info.max, info.max - 5), (info.min, info.min + 5)):
        stack = np.stack([np.full((2, 2), a, dtype), np.full((2, 2), b, dtype)])
        labels = np.stack([np.zeros((2, 2)), np.ones((2, 2))])
        image = fused(stack, decision(labels, np.full((2, 2, 2), 0.5), 2))
        assert (image >= min(a, b)).all()
        assert (image <= max(a, b)).all()


def test_integers_are_rounded_not_truncated():
    stack = np.stack([np.full((2, 2), 10), np.full((2, 2), 11)]).astype(np.uint8)
    labels = np.stack([np.zeros((2, 2)), np.ones((2, 2))])
    weights = np.stack([np.full((2, 2), 0.3), np.full((2, 2), 0.7)])
    assert (fused(stack, decision(labels, weights, 2)) == 11).all()


def test_colour_and_alpha(rng):
    stack = rng.integers(0, 255, (4, 6, 7, 4), dtype=np.uint8)
    chosen = random_decision(rng, 4, (6, 7))
    image = fused(stack, chosen)
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], fused(stack[..., channel], chosen))
    np.testing.assert_array_equal(
        image[..., 3], np.take_along_axis(stack[..., 3], chosen.index[None].astype(int), 0)[0]
    )


def test_missing_pixels_take_no_part_and_the_nearest_slice_fills_in():
    rows = [[np.nan, 1.0, np.inf, np.nan], [5.0, 3.0, np.nan, np.nan], [7.0, 7.0, 7.0, np.nan], [9.0, 9.0, 9.0, np.nan]]
    stack = np.array(rows)[:, None].repeat(4, axis=1)
    labels = np.stack([np.zeros((4, 4)), np.ones((4, 4))])
    chosen = decision(labels, np.full((2, 4, 4), 0.5), 4)
    np.testing.assert_array_equal(fused(stack, chosen), [[5.0, 2.0, 7.0, np.nan]] * 4)
    colour = np.stack([stack, stack, stack], axis=-1)
    np.testing.assert_array_equal(fused(colour, chosen)[..., 1], [[5.0, 2.0, 7.0, np.nan]] * 4)


def test_linear_in_intensity(rng):
    stack = rng.random((4, 9, 9))
    chosen = random_decision(rng, 4, (9, 9))
    np.testing.assert_allclose(fused(3 * stack + 7, chosen), 3 * fused(stack, chosen) + 7, rtol=1e-6)


def test_another_geometry_is_refused(rng):
    chosen = random_decision(rng, 4, (9, 9))
    for shape in ((5, 9, 9), (4, 9, 8)):
        with pytest.raises(StackError, match="same geometry"):
            fused(np.zeros(shape), chosen)
