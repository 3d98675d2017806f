"""Numbers near the end of what their type holds: what comes out is of that type, and finite."""

from fractions import Fraction

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.errors import StackError

SHAPE = (3, 24, 26)


def near_the_end(dtype: str, where: str) -> np.ndarray:
    kind, rng = np.dtype(dtype), np.random.default_rng(0)
    most = float(np.finfo(kind).max)
    if where == "both ends":
        return rng.choice(np.array([-most, most, 0, 1], dtype=kind), SHAPE)
    return np.minimum(rng.uniform(0.4, 1, SHAPE) * most, most).astype(kind) * (-1 if where == "low end" else 1)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f8"])
@pytest.mark.parametrize("method", sorted(set(METHODS) - {"sesf"}))
def test_finite_values_give_finite_ones(method, dtype):
    for where in ("high end", "low end", "both ends"):
        stack = near_the_end(dtype, where)
        if method == "rp" and where != "high end":
            with pytest.raises(StackError, match="not negative"):
                ff.fuse(stack, method=method)
            continue
        result = ff.fuse(stack, method=method)
        assert result.image.dtype == stack.dtype
        assert np.isfinite(result.image).all()
        if result.decision is not None:
            assert np.isfinite(result.decision.confidence).all()
            assert not np.isinf(result.decision.depth).any()


@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_ours_does_as_well(dtype):
    for where in ("high end", "both ends"):
        stack = near_the_end(dtype, where)
        result = ff.fuse(stack)
        assert np.isfinite(result.image).all()
        assert stack.min() <= result.image.min() <= result.image.max() <= stack.max()


@pytest.mark.parametrize("method", ["lp", "dwt", "dtcwt", "cvt", "nsct", "mean"])
def test_what_is_near_the_end_is_fused_as_elsewhere(method):
    """Times a power of 2, which changes no digit."""
    stack = np.random.default_rng(1).uniform(0, 1, SHAPE)
    usual = ff.fuse(stack, method=method).image
    np.testing.assert_allclose(ff.fuse(stack * 2.0**1023, method=method).image, usual * 2.0**1023, rtol=1e-12)


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_means_of_large_integers_are_exact(dtype):
    limits, rng = np.iinfo(dtype), np.random.default_rng(2)
    stack = rng.integers(limits.min, limits.max, (6, 8, 9), dtype=dtype, endpoint=True)
    exact = [Fraction(int(total), 6) for total in stack.astype(object).sum(axis=0).ravel()]
    wanted = [round(mean) for mean in exact]  # of fractions: half to even
    assert ff.fuse(stack, method="mean").image.ravel().tolist() == wanted
    for value in (limits.max, limits.min, limits.max - 1080):
        image = ff.fuse(np.full((8, 9, 9), value, dtype), method="mean").image
        assert (image.dtype, set(image.ravel().tolist())) == (np.dtype(dtype), {value})


def test_half_is_rounded_to_even_in_all_integers():
    values = np.array([[0, 1], [1, 2], [2, 3], [-1, 0], [-2, -1]])
    for dtype in ("i2", "i4", "i8"):
        stack = np.repeat(values.T[:, :, None], 5, axis=2).astype(dtype)
        assert ff.fuse(stack, method="mean").image[:, 0].tolist() == [0, 2, 2, 0, -2]


def test_positions_that_have_no_square_are_refused():
    stack = np.zeros((3, 8, 8), np.uint8)
    for z in ([-1e39, 0, 1e39], [0, 1e-20, 1], [0, 1, 1e13]):
        with pytest.raises(StackError, match="z positions must lie within"):
            ff.fuse(stack, method="variance", z=z)
    rng = np.random.default_rng(0)
    for scale in (1e12, 1e-12):
        depth = ff.decide(rng.integers(0, 255, (3, 24, 20)), method="variance", z=[-scale, 0, scale]).depth
        assert not np.isinf(depth).any()
        assert np.isfinite(depth).any()


def test_flags_of_a_series_have_their_type(scene):
    decision = ff.decide(scene.stack, config=FusionConfig(preset="paper", series=True))
    assert decision.flags.dtype == np.uint16
