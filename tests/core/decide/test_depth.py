"""Depth between the slices: the vertex of three activities, and what neighbours say of it."""

import numpy as np
import pytest
import torch

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide import depth as depth_module
from napari_focusfuse.core.decide.depth import iter_steady, places, vertex
from napari_focusfuse.core.decide.pipeline import iter_decide
from napari_focusfuse.core.encode.head import SLOPE
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.simulate import simulate
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.models import load_model

CPU = torch.device("cpu")


def vertex_of(z, activity, **options):
    """Of three slices at `z`, of which the middle one is the best."""
    where = places(np.array(z, dtype=float), np.array([1]))
    return vertex(where, tuple(np.array([a], dtype=np.float32) for a in activity), **options)[0]


@pytest.mark.parametrize("z", [(0.0, 1.0, 2.0), (0.0, 0.4, 2.0), (-3.0, 1.0, 1.5)])
def test_the_vertex_of_a_gaussian_focus_curve_is_exact(z):
    assert vertex_of(z, [np.exp(-((p - 0.7) ** 2) / 2) for p in z]) == pytest.approx(0.7, abs=1e-5)


@pytest.mark.parametrize("odds", [False, True])
def test_the_vertex_stays_nearest_to_the_best_slice_and_a_flat_top_is_the_middle(odds):
    assert vertex_of((0, 1, 2), (1e-9, 1, 1), odds=odds) == pytest.approx(1.5)
    assert vertex_of((0, 1, 4), (1, 1, 1e-9), odds=odds) == pytest.approx(0.5)
    assert vertex_of((0, 1, 2), (1, 1, 1), odds=odds) == 1


def test_a_missing_neighbour_is_no_depth():
    assert np.isnan(vertex_of((0, 1, 2), (np.nan, 1, 0.5)))
    assert np.isnan(vertex_of((0, 1, 2), (0.5, 1, 0)))


@pytest.mark.parametrize("fall", [0.1, 1.0, 5.0, 50.0])
def test_the_vertex_of_odds_is_bent_the_more_the_faster_they_fall(fall):
    """It rises with the difference between the neighbours, and is the same from behind."""
    share = np.linspace(0, 1, 41)
    below, above = np.exp(-fall * (1 + share) / 2 / SLOPE), np.exp(-fall * (1 - share) / 2 / SLOPE)
    where = places(np.arange(3.0), np.ones(41, int))
    ones = np.ones(41, np.float32)
    plain, bent = (vertex(where, (below, ones, above), odds=odds) - 1 for odds in (False, True))
    behind = 1 - vertex(where, (above, ones, below), odds=True)
    np.testing.assert_allclose(bent, behind, atol=1e-6)
    assert (np.diff(bent) > 0).all()
    assert (bent >= plain - 1e-6).all()
    np.testing.assert_allclose(bent[[0, -1]], plain[[0, -1]], atol=1e-6)
    assert (bent - plain).max() > 0.03 * min(fall, 2) ** 2 / 4


@pytest.mark.parametrize("z", [(0.0, 1.0, 2.0), (0.0, 0.6, 2.0), (-3.0, 1.0, 1.5)])
def test_the_vertex_of_a_cusp_is_exact_for_steep_odds(z):
    for centre in (z[1] + 0.2, z[1] - 0.25, z[1]):
        activity = [np.exp(-30 * abs(p - centre) / SLOPE) for p in z]
        assert vertex_of(z, activity, odds=True) == pytest.approx(centre, abs=0.005)


def steadied(depth, confidence, z=(0.0, 1, 2, 3, 4), noise=0.0):
    out, z = depth.astype(np.float32), np.array(z, dtype=float)
    labels = np.abs(np.nan_to_num(depth)[None] - z[:, None, None]).argmin(axis=0)
    sure = np.broadcast_to(np.float32(confidence), depth.shape).copy()
    for _ in iter_steady(out, sure, labels, z, noise):
        pass
    return out


def test_a_plane_of_any_slope_stays_as_it_is_and_its_noise_goes(rng):
    y, x = np.mgrid[:60, :70]
    plane = 0.02 * x + 0.03 * y + 0.3
    np.testing.assert_allclose(steadied(plane, 0.9), plane, atol=1e-5)
    noisy = plane + 0.2 * rng.standard_normal(plane.shape)
    assert np.std((steadied(noisy, 0.9, noise=0.02) - plane)[::2, ::2]) < 0.1


def test_steps_stay_where_depth_is_sure(rng):
    step = np.where(np.mgrid[:40, :60][1] < 30, 1.2, 2.4) + 0.03 * rng.standard_normal((40, 60))
    assert np.abs(steadied(step, 0.999) - step).max() < 0.15


def test_steps_stay_sharp_where_depth_is_in_doubt(rng):
    """Beside an edge nobody takes the mean of both sides."""
    step = np.where(np.mgrid[:40, :60][1] < 30, 0.8, 3.2) + 0.1 * rng.standard_normal((40, 60))
    moved = steadied(step, 0.8, noise=0.02)
    assert np.abs(moved - step).max() < 0.6
    assert np.std((moved - step)[::2, ::2]) > 0.05


def test_what_is_not_known_stays_so_and_disturbs_nobody(rng):
    depth = np.full((40, 50), 3.0)
    depth[rng.random(depth.shape) < 0.2] = np.nan
    np.testing.assert_allclose(steadied(depth, 0.8, noise=0.02), depth, atol=1e-5)
    far, z = 2000 * depth + 50_000, 2000 * np.arange(5) + 50_000
    np.testing.assert_allclose(steadied(far, 0.8, z, 0.02), far, rtol=1e-6)


def test_a_doubtful_depth_follows_sure_ones():
    depth, confidence = np.full((41, 41), 2.0), np.full((41, 41), 0.99)
    depth[20, 20], confidence[20, 20] = 2.8, 0.6
    assert steadied(depth, confidence, noise=0.02)[20, 20] < 2.2
    assert steadied(depth, 0.999)[20, 20] > 2.7


def test_parts_are_the_whole_and_z_may_be_uneven_and_in_any_unit(rng, monkeypatch):
    z = np.array([0.0, 1, 1.5, 3, 4])
    depth, confidence = rng.random((50, 60)) * 3 + 0.5, rng.random((50, 60))
    whole = steadied(depth, confidence, z, 0.02)
    np.testing.assert_allclose(steadied(5 * depth, confidence, 5 * z, 0.02), 5 * whole, atol=1e-4)
    np.testing.assert_allclose(4 - steadied(4 - depth, confidence, 4 - z[::-1], 0.02), whole, atol=1e-5)
    monkeypatch.setattr(depth_module, "_SIDE", 16)
    np.testing.assert_array_equal(steadied(depth, confidence, z, 0.02), whole)


@pytest.fixture(scope="module")
def encoder():
    return load_model().encoder


@pytest.fixture(scope="module")
def plane(encoder):
    """A decision and how far off its depths are."""

    def decided(blur, noise, **options):
        scene = simulate((96, 216), 8, surface="plane", texture="cloud", blur=blur, noise=noise, seed=3, **options)
        decision = drain(iter_decide(Stack(scene.stack, z=scene.z), encoder, FusionConfig(), CPU, {}))
        return decision, decision.depth - scene.height

    return decided


@pytest.mark.parametrize(
    ("blur", "noise", "most"), [(0.35, 0.0, 0.05), (1.0, 0.0, 0.05), (1.0, 0.02, 0.06)], ids=["fine", "coarse", "noisy"]
)
def test_depth_of_a_tilted_plane(plane, blur, noise, most):
    """RMSE in slices, where a slice is little or much defocus."""
    decision, error = plane(blur, noise)
    known = np.isfinite(decision.depth)
    assert known.mean() > 0.8
    assert np.sqrt(np.mean(error[known] ** 2)) < most


def test_depth_of_a_tilted_plane_between_uneven_slices(plane):
    decision, error = plane(1.2, 0.0, z=[0, 1, 2, 2.5, 4, 4.7, 6, 7])
    known = np.isfinite(decision.depth)
    assert known.mean() > 0.7
    assert np.sqrt(np.mean(error[known] ** 2)) < 0.06
