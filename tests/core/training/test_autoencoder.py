"""Training learns, can be interrupted, and says when it cannot go on."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse.config import TrainConfig
from napari_focusfuse.core import progress
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.training.autoencoder import TrainState, best_network, iter_train, reconstruction_scores
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, TrainingError

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


@pytest.fixture(scope="module")
def done(images) -> TrainState:
    """What a short training ends with."""
    return finished(iter_train(images[2:], images[:2], CONFIG))


@pytest.fixture(scope="module")
def learnt(images) -> TrainState:
    """What a longer one ends with."""
    return finished(iter_train(images[2:], images[:2], replace(CONFIG, crops_per_image=8)))


def test_it_learns_to_give_images_back(images, learnt):
    torch.manual_seed(0)
    before, _ = reconstruction_scores(SESFNet("cse").eval(), images[:2])
    after, _ = reconstruction_scores(best_network(copy.deepcopy(learnt)), images[:2])
    assert after > before + 5
    assert [entry.epoch for entry in learnt.log] == [1, 2, 3]
    assert learnt.log[-1].val_total < learnt.log[0].val_total
    rates = [entry.learning_rate for entry in learnt.log]
    np.testing.assert_allclose(rates, [3e-3, 2.4e-3, 1.92e-3])


def test_the_log_adds_up(done):
    entry = done.log[0]
    np.testing.assert_allclose(entry.train_total, 3 * entry.train_ssim + entry.train_pixel, rtol=1e-5)
    np.testing.assert_allclose(entry.val_total, 3 * entry.val_ssim + entry.val_pixel, rtol=1e-5)
    np.testing.assert_allclose(entry.val_crop, 3 * entry.val_ssim + entry.val_pixel / 2**0.5, rtol=1e-5)
    assert entry.train_crop < entry.train_total


def test_going_on_gives_the_same_weights(images, done, tmp_path):
    from napari_focusfuse.models import load_state, save_state

    for report in iter_train(images[2:], images[:2], CONFIG):
        if report.state is not None and len(report.state.log) == 2:
            save_state(report.state, tmp_path)
            break
    torch.manual_seed(99)
    resumed = finished(iter_train(images[2:], images[:2], CONFIG, load_state(tmp_path)))
    for key, value in done.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[key], value, rtol=0, atol=0)
    assert [e._replace(seconds=0) for e in resumed.log] == [e._replace(seconds=0) for e in done.log]


def test_the_best_epoch_is_kept(images, done):
    state = copy.deepcopy(done)
    state.log[0] = state.log[0]._replace(val_total=-1.0)
    more = replace(CONFIG, epochs=4)
    kept = {key: value.clone() for key, value in state.best.items()}
    again = finished(iter_train(images[2:], images[:2], more, state))
    for key, value in kept.items():
        torch.testing.assert_close(again.best[key], value, rtol=0, atol=0)


def test_small_images_are_left_out_and_none_is_an_error(images):
    small = np.zeros((10, 10), np.float32)
    flat = np.full((40, 40), 0.5, np.float32)
    with pytest.warns(FocusFuseWarning, match="of 12 training images 1 smaller than 20 x 20 px and 1 of one value are"):
        next(iter_train([*images[2:], small, flat], images[:2], CONFIG))
    with pytest.raises(TrainingError, match="all 3 training images are of one value"):
        next(iter_train([flat] * 3, images[:2], CONFIG))
    with pytest.raises(TrainingError, match="none of the 1 training images is at least 20 x 20"):
        next(iter_train([small], images, CONFIG))
    with pytest.raises(TrainingError, match="none of the 1 validation images"):
        next(iter_train(images, [small], CONFIG))


def test_other_settings_cannot_go_on(images):
    state = finished(iter_train(images[2:], images[:2], replace(CONFIG, epochs=1)))
    for change in ({"variant": "none"}, {"learning_rate": 1e-2}, {"seed": 5}):
        with pytest.raises(TrainingError, match="other settings"):
            next(iter_train(images[2:], images[:2], replace(CONFIG, **change), state))


def test_a_loss_that_is_no_number_stops(images):
    wild = replace(CONFIG, learning_rate=1e30, epochs=20)
    with pytest.raises(TrainingError, match="lower the learning rate"):
        finished(iter_train(images[2:], images[:2], wild))


def reports_of(work):
    """Reports, and what is returned."""
    reports = []
    while True:
        try:
            reports.append(next(work))
        except StopIteration as end:
            return reports, end.value


class Time:
    """Stands in for the module `time`: it passes only as far as it is told to."""

    def __init__(self, monkeypatch, tick=0.0):
        self.now, self.tick = 0.0, tick
        monkeypatch.setattr(progress, "time", self)

    def monotonic(self):
        self.now += self.tick
        return self.now


def test_reports_count_crops_and_tell_the_pace(images, monkeypatch):
    Time(monkeypatch, tick=0.01)
    reports, _ = reports_of(iter_train(images[2:], images[:2], CONFIG))
    done = [report.done for report in reports]
    assert done == sorted(done)
    assert (done[0], done[-1], reports[0].total) == (6, 60, 60)
    assert all(report.per_second > 0 for report in reports)
    lasts = [report.seconds_left for report in reports if report.state is not None]
    assert lasts == sorted(lasts, reverse=True)
    # The best model is still to be scored, which takes as long as a validation.
    assert 0 < lasts[-1] < lasts[0]


def test_few_images_make_whole_epochs():
    assert TrainConfig().crops_of(3) * 3 >= 20 * 48
    assert TrainConfig().crops_of(10_000) == 2
    assert TrainConfig(crops_per_image=5).crops_of(3) == 5


def test_patience_ends_it(images):
    wild = replace(CONFIG, epochs=30, patience=2, learning_rate=0.1, decay=1.0)
    state = finished(iter_train(images[2:], images[:2], wild))
    losses = [entry.val_total for entry in state.log]
    assert len(losses) < 30
    assert state.kept == len(losses) - 2 == losses.index(min(losses)) + 1
    assert state.ended == "no improvement for 2 epochs"


def test_a_time_budget_ends_it_within_an_epoch(images):
    slow = replace(CONFIG, crops_per_image=600, minutes=0.01)
    reports, state = reports_of(iter_train(images[2:], images[:2], slow))
    assert state.ended == "the 0.01 minutes are over"
    assert len(state.log) == 1
    assert state.log[0].seconds < 5
    assert reports[-1].state is state
    assert state.best
    assert max(report.seconds_left for report in reports[1:]) <= 0.6


def test_time_does_not_pass_while_nobody_asks(images, monkeypatch):
    state, time = None, Time(monkeypatch)
    for report in iter_train(images[2:], images[:2], replace(CONFIG, epochs=1)):
        time.now += 100
        state = report.state
    assert state.log[0].seconds == 0


def test_stop_keeps_what_was_learnt(images):
    asked = []
    steps = list(iter_train(images[2:], images[:2], CONFIG, stop=lambda: asked.append(1) or len(asked) > 2))
    state = steps[-1].state
    assert len(state.log) == 1
    assert state.ended == "stopped"
    first = finished(iter_train(images[2:], images[:2], CONFIG, stop=lambda: True))
    assert (first.best, first.ended) == ({}, "stopped")


def test_a_model_to_start_from_is_kept_where_nothing_is_better(images, learnt):
    good = best_network(copy.deepcopy(learnt))
    kept = {key: value.clone() for key, value in good.state_dict().items()}
    ruin = replace(CONFIG, learning_rate=0.5, epochs=1)
    state = finished(iter_train(images[2:], images[:2], ruin, TrainState(good, ruin, origin="good")))
    assert state.kept == 0
    for key, value in kept.items():
        torch.testing.assert_close(state.best[key], value, rtol=0, atol=0)
    gentle = replace(CONFIG, learning_rate=1e-3)
    better = finished(iter_train(images[2:], images[:2], gentle, TrainState(best_network(state), gentle, origin="x")))
    assert better.kept > 0
    assert better.best_loss < better.start_loss == state.start_loss


def test_gradients_are_clipped(images, monkeypatch):
    norms = []
    real = torch.nn.utils.clip_grad_norm_

    def noted(parameters, most):
        parameters = list(parameters)
        real(parameters, most)
        norms.append(float(torch.stack([p.grad.norm() for p in parameters]).norm()))

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", noted)
    finished(iter_train(images[2:], images[:2], replace(CONFIG, epochs=1)))
    assert norms == []
    finished(iter_train(images[2:], images[:2], replace(CONFIG, epochs=1, clip=0.01)))
    assert max(norms) < 0.0101


class Small:
    """A device with room for some crops only."""

    def __init__(self, monkeypatch, room, error):
        self.tried = []
        real = SESFNet.forward

        def forward(network, images):
            if network.training:
                self.tried.append(len(images))
                if len(images) > room:
                    raise error
            return real(network, images)

        monkeypatch.setattr(SESFNet, "forward", forward)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), RuntimeError("MPS backend out of memory (MPS")],
)
def test_out_of_memory_halves_the_batch_and_says_so(images, monkeypatch, error):
    device = Small(monkeypatch, 2, error)
    with pytest.warns(FocusFuseWarning) as said:
        reports, _ = reports_of(iter_train(images[2:], images[:2], replace(CONFIG, epochs=1)))
    assert [str(warning.message).split(":")[0] for warning in said] == [
        "6 crops at once do not fit into memory",
        "3 crops at once do not fit into memory",
    ]
    assert device.tried[:4] == [6, 3, 1, 1]
    assert reports[-1].done == reports[-1].total == 20


def test_no_room_for_one_crop(images, monkeypatch):
    Small(monkeypatch, 0, torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.warns(FocusFuseWarning), pytest.raises(TrainingError, match="not enough memory for a single crop"):
        finished(iter_train(images[2:], images[:2], CONFIG))


def test_other_errors_of_the_network_are_not_taken_for_want_of_memory(images, monkeypatch):
    Small(monkeypatch, 0, RuntimeError("shapes do not fit"))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        finished(iter_train(images[2:], images[:2], CONFIG))


def test_an_example_shows_how_it_does(images, done):
    original, given_back = done.example
    assert original.shape == given_back.shape == (40, 30) or original.shape == (40, 31)
    assert max(image.std() for image in images[:2]) == pytest.approx(original.std())
    assert ((given_back - original) ** 2).mean() < original.var()


@pytest.mark.parametrize(
    "wrong",
    [{"patience": -1}, {"minutes": -0.5}, {"clip": -1}, {"decay": 0}, {"decay": 1.5}, {"epochs": 2.5}, {"seed": -1}],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(FocusFuseError, match=next(iter(wrong))):
        TrainConfig(**wrong)
