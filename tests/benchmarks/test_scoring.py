"""What is measured of a decision."""

import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks.contenders import Outcome
from benchmarks.scenes import Shot
from benchmarks.scoring import SIMULATED, coherence_scores, cost, noise_gain, pair_calibration, shot_scores
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.simulate import Scene


def decision(labels: list[int], weights: list[float], shape: tuple[int, int] = (3, 4)) -> Decision:
    """The same slices and weights at every pixel."""
    maps = [np.broadcast_to(np.reshape(a, (-1, 1, 1)), (len(labels), *shape)) for a in (labels, weights)]
    depth = np.full(shape, np.nan, np.float32)
    ones, flags = np.ones(shape, np.float32), np.zeros(shape, np.uint16)
    return Decision(maps[0].astype(np.int16), maps[1].astype(np.float32), depth, ones, flags, np.arange(5.0))


@pytest.mark.parametrize(
    ("labels", "weights", "gain"),
    [([2], [1], 1), ([0, 1, 2, 3], [0.25] * 4, 0.5), ([0, 3], [0.6, 0.8], 1), ([1, 1], [0.5, 0.5], 1)],
)
def test_noise_gain(labels: list[int], weights: list[float], gain: float) -> None:
    """Also where a slice is named twice, so that its weights add up first."""
    assert noise_gain(decision(labels, weights)) == pytest.approx(gain, abs=1e-6)


def test_noise_gain_is_what_happens_to_noise(rng: np.random.Generator) -> None:
    noise = rng.normal(0, 1, (5, 200, 210)).astype(np.float32)
    made = decision([4, 0, 2], [0.5, 0.3, 0.2], (200, 210))
    assert np.std(ff.blend(noise, made)) == pytest.approx(noise_gain(made), rel=0.02)


def test_decision_quality_sees_no_noise(scene: Scene, rng: np.random.Generator) -> None:
    clean = (scene.stack / 65535).astype(np.float32)
    noisy = np.rint(np.clip(clean + rng.normal(0, 0.05, clean.shape), 0, 1) * 65535).astype(np.uint16)
    best = ff.decide(scene.stack, method="log")
    shot = Shot(noisy, clean, scene.truth, scene.depth)
    scores = shot_scores(Outcome(ff.blend(noisy, best), best), shot)
    assert set(scores) == set(SIMULATED)
    alone = ff.measure(scene.stack, ff.blend(scene.stack, best), truth=scene.truth, metrics=["psnr"])
    assert scores["decision_psnr"] == pytest.approx(alone["psnr"], abs=0.01)
    assert scores["psnr"] < scores["decision_psnr"] - 3
    assert np.isnan(scores["wrong_edge"])
    assert scores["depth_rmse"] < 1


def test_without_decision_or_image(scene: Scene) -> None:
    shot = Shot(scene.stack, (scene.stack / 65535).astype(np.float32), scene.truth, scene.depth)
    assert set(shot_scores(Outcome(scene.truth), shot)) == {"psnr", "ssim"}
    failed = Outcome(None, failure="exit code 3", seconds=2.0)
    assert shot_scores(failed, shot) == {}
    assert cost(failed) == {"note": "exit code 3"}
    assert cost(Outcome(scene.truth, seconds=2.0)) == {"seconds": 2.0, "peak_mb": None}


def test_coherence_beside_another_decision() -> None:
    other, made = (decision([0, 1], [0.6, 0.4], (100, 100)) for _ in range(2))
    made.labels[:, 40, 40] = 1, 0
    made.confidence[40, 40] = 0.25
    found = coherence_scores(Outcome(None, made), other)
    assert found == pytest.approx({"islands": 1e-4, "differs": 1e-4, "confidence_there": 0.25})
    assert np.isnan(coherence_scores(Outcome(None, other), other)["confidence_there"])
    assert coherence_scores(Outcome(None), other) == {}


def test_confidence_is_held_against_the_truth() -> None:
    made = decision([0, 1], [1.0, 0.0], (10, 10))
    made.confidence[:] = 0.75
    zeros = np.zeros((5, 10, 10), np.float32)
    truth = np.repeat([[0.4, 3.0]], 10, axis=0).repeat(5, axis=1).astype(np.float32)
    shot = Shot(zeros.astype(np.uint16), zeros, zeros[0].astype(np.uint16), truth)
    scores = shot_scores(Outcome(zeros[0].astype(np.uint16), made), shot, metrics=["psnr"])
    assert (scores["wrong"], scores["confidence"], scores["calibration"]) == pytest.approx((0.5, 0.75, 0.25))


def test_confidence_on_a_pair_is_judged_where_its_truth_can_tell() -> None:
    truth = np.full((20, 20), 100, np.uint8)
    first, second = truth.copy(), truth.copy()
    first[:, :5] += 6
    second[:, 10:] += 6
    first[:, 5:10] += 5
    made = decision([0, 1], [1.0, 0.0], (20, 20))
    made.confidence[:, :5], made.confidence[:, 10:] = 0.25, 1.0
    assert pair_calibration(made, [first, second], truth) == pytest.approx(0.25 * 100 / 300)
    colour = [np.repeat(image[..., None], 3, axis=2) for image in (first, second, truth)]
    assert pair_calibration(made, colour[:2], colour[2]) == pytest.approx(0.25 * 100 / 300)
    assert np.isnan(pair_calibration(made, [truth, truth], truth))
