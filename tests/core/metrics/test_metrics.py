"""What holds for every metric: its range, images without anything in them, and more than two sources."""

import time

import numpy as np
import pytest
from scipy import ndimage

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.core.metrics.qcb import qcb_map
from napari_focusfuse.core.metrics.qg import qg, qg_map

POOLED = [name for name, metric in METRICS.items() if metric.needs == "sources"]
SHAPE = (21, 34)


def degenerate(rng):
    """Names and triples that make fractions 0 / 0."""
    flat, black, noise = np.full(SHAPE, 0.3), np.zeros(SHAPE), rng.random(SHAPE)
    half = np.where(np.arange(34) < 17, noise, 0.3)
    spot = black.copy()
    spot[10, 10] = 1
    return {
        "all flat": (flat, flat, flat),
        "all black": (black, black, black),
        "different greys": (flat, black, np.ones(SHAPE)),
        "flat fused": (noise, noise[::-1], flat),
        "flat sources": (flat, flat, noise),
        "one flat source": (flat, noise, noise),
        "half flat": (half, half[:, ::-1], half),
        "a spot": (black, spot, spot),
        "nearly flat": (flat, flat + 1e-17, flat + 1e-16 * noise),
        "tiny": (1e-200 * noise, 1e-200 * half, 1e-200 * half),
        "negative": (-noise, -half, -half),
    }


@pytest.mark.parametrize("name", METRICS)
def test_never_nan_and_in_range(rng, name):
    metric = METRICS[name]
    for what, (a, b, fused) in degenerate(rng).items():
        with np.errstate(all="raise", under="ignore"):
            value = metric.score([a, b], fused, a)
        assert not np.isnan(value), what
        assert metric.low - 1e-9 <= value <= metric.high + 1e-9, what


@pytest.mark.parametrize("name", POOLED)
def test_a_copy_of_equal_flat_sources_is_best_where_that_is_defined(name):
    flat = np.full(SHAPE, 0.3)
    best = {"qg": (1 + np.exp(-5)) ** -2, "qm": 3, "qcb": 1, "qmi": 2, "qy": 1, "qp": 1, "qs": 1, "qc": 1}
    if name in best:
        assert METRICS[name].score([flat, flat], flat) == pytest.approx(best[name])


def test_flat_areas_that_stay_flat_are_kept(triples):
    a, b, fused = (image.copy() for image in triples["perfect0"])
    for image in (a, b, fused):
        image[:40, :60] = 1
    pixels = qg_map([a, b], fused)[1:39, 1:59]
    np.testing.assert_allclose(pixels, (1 + np.exp(-5)) ** -2)
    fused[20, 30] = 0
    assert qg_map([a, b], fused)[20, 31] < 0.01


@pytest.mark.parametrize("name", POOLED)
def test_two_equal_sources_score_as_many_equal_ones(triples, name):
    a, _, fused = triples["shifted0"]
    if name != "qncie":
        two, five = (METRICS[name].score([a] * n, fused) for n in (2, 5))
        assert five == pytest.approx(two, rel=1e-9)


@pytest.mark.parametrize("name", POOLED)
def test_the_order_of_the_sources_does_not_count(stacked, name):
    sources, sharp = stacked
    first = METRICS[name].score(sources, sharp)
    assert METRICS[name].score(sources[::-1], sharp) == pytest.approx(first, rel=1e-9)


@pytest.mark.parametrize("name", ["qg", "qm", "qcb", "qy", "qp", "qs", "qc", "qncie", "reblur"])
def test_of_four_sources_the_sharp_image_is_better_than_their_mean(stacked, name):
    sources, sharp = stacked
    assert METRICS[name].score(sources, sharp) > METRICS[name].score(sources, np.mean(sources, axis=0))


def test_maps_have_the_mean_of_the_scores(triples):
    a, b, fused = triples["average1"]
    for name, of_pixels in (("qg", qg_map), ("qcb", qcb_map)):
        pixels = of_pixels([a, b], fused)
        assert pixels.shape == fused.shape
        assert pixels.mean() == pytest.approx(METRICS[name].score([a, b], fused))


@pytest.mark.parametrize(("name", "even"), [("qm", 2.98), ("qp", 0.82)])
def test_odd_sides(triples, name, even):
    a, b, fused = (image[:95, :125] for image in triples["perfect0"])
    assert METRICS[name].score([a, b], fused) == pytest.approx(even, abs=0.01)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_is_explained(metric):
    assert metric.name == metric.name.lower()
    assert metric.low < metric.high
    assert all((metric.title, metric.measures, metric.blind_to, metric.reference))
    assert "\n" not in metric.measures + metric.blind_to + metric.reference


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_smallest_size_is_enough(rng, metric):
    a, b, fused = rng.random((3, metric.smallest, metric.smallest))
    assert not np.isnan(metric.score([a, b], fused, a))


@pytest.mark.slow
def test_qg_costs_no_more_than_a_few_sobel_filters(rng):
    """Processor time of a pair of 2048 x 2048 px against the edge strength (two Sobel filters) of one image."""
    a, b, fused = rng.random((3, 2048, 2048))
    work = {"qg": lambda: qg([a, b], fused), "edges": lambda: np.hypot(ndimage.sobel(a, 0), ndimage.sobel(a, 1))}
    spent = {name: [] for name in work}
    for _ in range(3):
        for name, run in work.items():
            start = time.process_time()
            run()
            spent[name].append(time.process_time() - start)
    assert min(spent["qg"]) < 4 * min(spent["edges"])
