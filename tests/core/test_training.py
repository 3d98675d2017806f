"""Training learns, can be interrupted, and says when it cannot go on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.core.config import TrainConfig
from napari_focusfuse.core.network import SESFNet
from napari_focusfuse.core.training import TrainState, best_network, iter_train, reconstruction_scores
from napari_focusfuse.errors import TrainingError

CONFIG = TrainConfig(epochs=3, batch=6, crop=20, crops_per_image=2, learning_rate=3e-3, decay_epochs=1)


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    smooth = [ndimage.gaussian_filter(rng.random((40, 30 + i)), 1.5) for i in range(12)]
    return [((i - i.min()) / np.ptp(i)).astype(np.float32) for i in smooth]


def finished(work) -> TrainState:
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def test_it_learns_to_give_images_back(images):
    torch.manual_seed(0)
    before, _ = reconstruction_scores(SESFNet("cse").eval(), images[:2])
    state = finished(iter_train(images[2:], images[:2], replace(CONFIG, crops_per_image=8)))
    after, _ = reconstruction_scores(best_network(state), images[:2])
    assert after > before + 5
    assert [entry.epoch for entry in state.log] == [1, 2, 3]
    assert state.log[-1].val_total < state.log[0].val_total
    rates = [entry.learning_rate for entry in state.log]
    np.testing.assert_allclose(rates, [3e-3, 2.4e-3, 1.92e-3])


def test_the_log_adds_up(images):
    entry = finished(iter_train(images[2:], images[:2], CONFIG)).log[0]
    np.testing.assert_allclose(entry.train_total, 3 * entry.train_ssim + entry.train_pixel, rtol=1e-5)
    np.testing.assert_allclose(entry.val_total, 3 * entry.val_ssim + entry.val_pixel, rtol=1e-5)


def test_going_on_gives_the_same_weights(images, tmp_path):
    from napari_focusfuse.models import load_state, save_state

    whole = finished(iter_train(images[2:], images[:2], CONFIG))
    for report in iter_train(images[2:], images[:2], CONFIG):
        if report.state is not None and len(report.state.log) == 2:
            save_state(report.state, tmp_path)
            break
    torch.manual_seed(99)
    resumed = finished(iter_train(images[2:], images[:2], CONFIG, load_state(tmp_path)))
    for key, value in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[key], value, rtol=0, atol=0)
    assert [e[:-1] for e in resumed.log] == [e[:-1] for e in whole.log]


def test_the_best_epoch_is_kept(images):
    state = finished(iter_train(images[2:], images[:2], CONFIG))
    state.log[0] = state.log[0]._replace(val_total=-1.0)
    more = replace(CONFIG, epochs=4)
    kept = {key: value.clone() for key, value in state.best.items()}
    again = finished(iter_train(images[2:], images[:2], more, state))
    for key, value in kept.items():
        torch.testing.assert_close(again.best[key], value, rtol=0, atol=0)


def test_small_images_are_left_out_and_none_is_an_error(images):
    small = np.zeros((10, 10), np.float32)
    assert finished(iter_train([*images[2:], small], images[:2], CONFIG)).log
    with pytest.raises(TrainingError, match="none of the 1 training images is at least 20 x 20"):
        next(iter_train([small], images, CONFIG))
    with pytest.raises(TrainingError, match="none of the 1 validation images"):
        next(iter_train(images, [small], CONFIG))


def test_another_recipe_cannot_go_on(images):
    state = finished(iter_train(images[2:], images[:2], replace(CONFIG, epochs=1)))
    for change in ({"variant": "none"}, {"learning_rate": 1e-2}, {"seed": 5}):
        with pytest.raises(TrainingError, match="another recipe"):
            next(iter_train(images[2:], images[:2], replace(CONFIG, **change), state))


def test_a_loss_that_is_no_number_stops(images):
    wild = replace(CONFIG, learning_rate=1e30, epochs=20)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        finished(iter_train(images[2:], images[:2], wild))
