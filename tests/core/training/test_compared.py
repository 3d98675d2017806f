"""Training of the networks that ours is compared with."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.training import compared
from napari_focusfuse.core.training.compared import LESSONS, best_of, iter_learn_compared, mef_ssim


@pytest.fixture
def images(rng):
    return [ndimage.gaussian_filter(rng.random((96, 96)), 1).astype(np.float32) for _ in range(2)]


@pytest.mark.slow
@pytest.mark.parametrize("name", LESSONS)
def test_the_same_weights_come_out_again(images, monkeypatch, name):
    monkeypatch.setattr(compared, "_VALIDATED", 1)
    lesson = LESSONS[name]._replace(batch=2)
    reports = []
    first = drain(iter_learn_compared(lesson, images, images, 3, seed=2), reports.append)
    again = drain(iter_learn_compared(lesson, images, images, 3, seed=2))
    assert [entry.step for entry in first.log] == [1, 2, 3]
    assert first.ended == "all steps are done"
    assert reports[-1].done == 3
    for a, b in zip(best_of(first).parameters(), best_of(again).parameters(), strict=True):
        assert torch.equal(a, b)
    start = lesson.network()
    assert any(not torch.equal(a, b) for a, b in zip(start.parameters(), best_of(first).parameters(), strict=True))


def test_a_network_learns_to_reconstruct(images, monkeypatch):
    monkeypatch.setattr(compared, "_VALIDATED", 2)
    state = drain(iter_learn_compared(LESSONS["densefuse"]._replace(batch=2), images, images, 12))
    assert state.log[-1].loss < 0.7 * state.log[0].loss


def test_mef_ssim_is_that_of_its_definition(rng):
    """Patch by patch, with the wanted patch written out (Ma et al. 2015)."""
    first, second, fused = rng.random((3, 12, 13))
    found = float(mef_ssim(*(torch.from_numpy(image)[None, None] for image in (first, second, fused))))
    scores = []
    for y in range(12 - 7):
        for x in range(13 - 7):
            a, b, c = (
                image[y : y + 8, x : x + 8] - image[y : y + 8, x : x + 8].mean() for image in (first, second, fused)
            )
            wanted = max(np.linalg.norm(a), np.linalg.norm(b)) * (a + b) / np.linalg.norm(a + b)
            constant = 64 * 0.03**2
            scores.append((2 * (wanted * c).sum() + constant) / ((wanted**2).sum() + (c**2).sum() + constant))
    assert found == pytest.approx(np.mean(scores), abs=1e-5)


def test_an_image_of_two_equal_ones_has_the_best_score(rng):
    image = torch.from_numpy(rng.random((1, 1, 20, 20)))
    assert float(mef_ssim(image, image, image)) == pytest.approx(1, abs=1e-4)
    assert float(mef_ssim(image, image, 1 - image)) < 0
