"""Phase congruency finds edges and corners, and little in noise."""

import numpy as np
import pytest

from napari_focusfuse.core.metrics.phase import features, qp


@pytest.mark.parametrize("shape", [(64, 64), (63, 65), (64, 61)])
def test_a_step_is_a_feature_and_its_sides_are_none(shape):
    image = np.full(shape, 0.2)
    image[:, 30:] = 0.8
    row = features(image).congruency[shape[0] // 2]
    assert row[29:31].min() > 0.4
    assert row[10:20].max() < 0.05


def test_a_stronger_step_has_the_same_congruency():
    image = np.full((64, 64), 0.2)
    image[:, 30:] = 0.4
    weak, strong = features(image).congruency[32, 29:31], features(4 * image).congruency[32, 29:31]
    np.testing.assert_allclose(weak, strong, rtol=0.02)


def test_corners_are_where_two_edges_meet():
    image = np.zeros((64, 64))
    image[20:44, 20:44] = 1
    found = features(image)
    assert found.corners[19:22, 19:22].max() > 3 * found.corners[32, 19:22].max()
    assert found.edges[32, 19:22].max() > 3 * found.edges[32, 32]


def test_noise_has_few_features(rng):
    assert (features(0.5 + 0.1 * rng.standard_normal((128, 128))).congruency > 0.1).mean() < 0.1


def test_features_that_no_source_has(rng):
    flat, edge = np.full((32, 40), 0.3), np.full((32, 40), 0.3)
    edge[:, 20:] = 0.8
    assert qp([flat, flat], edge) == 0
    assert qp([flat, edge], edge) == pytest.approx(1, abs=0.01)
    assert qp([flat, edge], flat) == 0
