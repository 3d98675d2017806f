"""Reflected light: what is out of focus stays where it is, and what is nearer hides what is behind it."""

import numpy as np
import pytest

from napari_focusfuse.core.simulate import _layers
from napari_focusfuse.core.simulate._layers import rendered
from napari_focusfuse.core.simulate._optics import disc, gaussian
from napari_focusfuse.core.simulate._sheets import iter_sheets

FOCI = [-6.0, -2.0, 0.0, 2.0, 6.0]
SHAPE = (80, 121)


def slope(rise):
    """A plane that rises along x, at 0 in the middle column."""
    return np.tile((np.arange(SHAPE[1]) - SHAPE[1] // 2) * rise, (SHAPE[0], 1))


@pytest.mark.parametrize("optics", [gaussian(0.4), disc(0.4)], ids=["gaussian", "disc"])
@pytest.mark.parametrize("rise", [0.0, 0.1, -0.2])
def test_a_dot_on_a_slope_keeps_its_place_and_light_through_focus(rise, optics):
    plane = np.full(SHAPE, 0.4, np.float32)
    dot = plane.copy()
    dot[40, 60] = 1
    added = np.subtract(*(rendered("reflected", drawn, slope(rise), FOCI, optics) for drawn in (dot, plane)))
    light = added.sum(axis=(1, 2))
    np.testing.assert_allclose(light, 0.6, rtol=0.02)
    np.testing.assert_allclose(added.sum(axis=1) @ np.arange(SHAPE[1]) / light, 60, atol=0.05)
    np.testing.assert_allclose(added.sum(axis=2) @ np.arange(SHAPE[0]) / light, 40, atol=0.01)


def test_an_even_surface_is_even_in_every_slice():
    hills = 4 * np.sin(np.arange(SHAPE[1]) / 12) * np.cos(np.arange(SHAPE[0]) / 9)[:, None]
    slices = rendered("reflected", np.full(SHAPE, 0.3, np.float32), hills, FOCI, gaussian(0.8))
    np.testing.assert_allclose(slices, 0.3, atol=1e-5)


def test_thinner_layers_change_little(monkeypatch):
    drawn = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    coarse = rendered("reflected", drawn, slope(0.1), FOCI, gaussian(0.8))
    monkeypatch.setattr(_layers, "_LAYERS", 32)
    fine = rendered("reflected", drawn, slope(0.1), FOCI, gaussian(0.8))
    assert np.abs(coarse - fine).max() < 0.02
    assert np.sqrt(np.mean((coarse - fine) ** 2)) < 0.003


def test_beside_a_step_light_comes_from_both_sides_of_the_edge():
    """Focused on the ground a white plateau is a soft veil over it, as dense as its blurred outline."""
    drawn = np.zeros(SHAPE, np.float32)
    drawn[:, 61:] = 1
    below, above = rendered("reflected", drawn, np.where(drawn > 0, 5.0, 0.0), [0.0, 5.0], gaussian(1.0))
    np.testing.assert_allclose(above[:, 61:], 1, atol=1e-4)
    assert 0.45 < below[40, 60] < 0.5 < below[40, 61] < 0.55
    assert np.all(np.diff(below[40, 45:77]) > 0)
    assert below[40, 45] < 0.01


def test_a_thin_fibre_far_from_focus_hides_little():
    drawn = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    ground, fibre = np.zeros(SHAPE), np.zeros(SHAPE)
    fibre[:, 59:62] = 12
    alone, over = (rendered("reflected", drawn, depth, [0.0], gaussian(1.0))[0] for depth in (ground, fibre))
    away = np.r_[50:58, 63:70]
    # 3 px of light on a blur of 12 px of standard deviation.
    assert np.corrcoef(over[:, away].ravel(), alone[:, away].ravel())[0, 1] > 0.99
    np.testing.assert_allclose(np.polyfit(alone[:, away].ravel(), over[:, away].ravel(), 1)[0], 0.9, atol=0.02)


def test_sheets_come_from_back_to_front_and_go_on_beneath():
    depth = np.zeros((12, 20))
    depth[:, 8:] = 3
    depth[4:8, 10:14] = 6
    back, middle, front = iter_sheets(depth)
    assert back.here.all()
    np.testing.assert_array_equal(back.depth, 0)
    np.testing.assert_array_equal(back.seen, depth == 0)
    np.testing.assert_array_equal(middle.here, depth >= 3)
    np.testing.assert_array_equal(middle.depth[depth == 6], 3)
    np.testing.assert_array_equal(front.here, depth == 6)
    assert front.seen.all()


def test_a_hill_is_one_sheet_and_a_crossing_is_two():
    assert len(list(iter_sheets(slope(0.2)))) == 1
    crossing = np.zeros((40, 40))
    crossing[:, 18:22] = 4
    crossing[10:14] = 8
    back, lower, upper = iter_sheets(crossing)
    assert back.here.all()
    # The lower fibre passes beneath the upper one.
    assert lower.here[10:14, 19:21].all()
    np.testing.assert_array_equal(lower.depth[10:14, 19:21], 4)
    np.testing.assert_array_equal(upper.here, crossing == 8)
