"""Maps of metrics, differences, and which of several values is the best."""

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse.core.metrics import METRICS


@pytest.fixture(scope="module")
def small():
    return ff.simulate((40, 48), 4, seed=3)


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.pixels is not None])
def test_the_mean_of_a_map_is_the_score(small, name):
    data = ff.quality_map(small.stack, small.truth, name)
    assert (data.shape, data.dtype) == ((40, 48), np.float32)
    assert float(data.mean(dtype=float)) == pytest.approx(ff.measure(small.stack, small.truth)[name], abs=1e-6)


def test_a_map_is_named_in_any_case(small):
    np.testing.assert_array_equal(
        ff.quality_map(small.stack, small.truth, "QG"), ff.quality_map(small.stack, small.truth)
    )


def test_the_papers_maps_are_there():
    assert {"qg", "qcb"} <= {name for name, metric in METRICS.items() if metric.pixels is not None}


@pytest.mark.parametrize("name", ["psnr", "nothing"])
def test_what_has_no_map_says_what_has_one(small, name):
    with pytest.raises(ff.FocusFuseError, match=f"there is no map of '{name}': choose from qg, qcb"):
        ff.quality_map(small.stack, small.truth, name)


def test_a_difference_is_in_the_units_of_the_images():
    bright, dark = np.full((3, 4), 60000, np.uint16), np.full((3, 4), 100, np.uint16)
    assert (ff.difference(dark, bright) == -59900).all()
    colour = np.zeros((3, 4, 3), np.uint8)
    colour[..., 1] = 100
    np.testing.assert_allclose(ff.difference(colour, np.zeros_like(colour)), 71.54, rtol=1e-6)
    holes = np.where(np.eye(3, 4) > 0, np.nan, 1.0)
    np.testing.assert_array_equal(np.isnan(ff.difference(holes, np.ones((3, 4)))), np.eye(3, 4) > 0)


def test_a_difference_of_unlike_images_is_refused():
    with pytest.raises(ff.FocusFuseError, match=r"the fused image is 3 x 4 px and the other image is 3 x 5 px"):
        ff.difference(np.zeros((3, 4)), np.zeros((3, 5)))


@pytest.mark.parametrize(
    ("name", "values", "best"),
    [
        ("qg", [0.1, 0.3, 0.2], [False, True, False]),
        ("qg", [0.3, 0.3, 0.2], [True, True, False]),
        ("qg", [0.3, 0.3], [False, False]),
        ("qg", [0.3], [False]),
        ("qg", [], []),
        ("psnr", [30, float("inf")], [False, True]),
        ("bias", [-0.3, 0.1, 0.2], [False, True, False]),
    ],
)
def test_the_best_values(name, values, best):
    assert METRICS[name].best(values) == best
