"""Training by focus ranking."""

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_focusfuse import models
from napari_focusfuse.config import RankConfig
from napari_focusfuse.core.encode import squared_sf
from napari_focusfuse.core.progress import Returning
from napari_focusfuse.core.training import encoder as ranking
from napari_focusfuse.core.training import images as learnt_from
from napari_focusfuse.core.training.encoder import SLICES, SmallStacks, iter_rank, log_probabilities, ranking_scores
from napari_focusfuse.core.training.steps import RankState, best_encoder
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning, TrainingError

SMALL = RankConfig(steps=8, stacks=1, crop=16, procedural=0, validate_every=4, learning_rate=5e-3)


@pytest.fixture(scope="module", autouse=True)
def _small_textures():
    """Computed textures of 256 px."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learnt_from, "_SIDE", 256)
        learnt_from._computed.cache_clear()
        yield
    learnt_from._computed.cache_clear()


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [rng.random((40, 50)).astype(np.float32), rng.random((90, 70)).astype(np.float32)]


@pytest.fixture(scope="module", autouse=True)
def _few_stacks():
    """A stack of each scale to validate on: less to compute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_STACKS", 3)
        yield


def trained(images, config=SMALL, state=None):
    steps = Returning(iter_rank(images, images, config, state))
    reports = list(steps)
    return steps.result, reports


@pytest.fixture(scope="module")
def done(images, _few_stacks):
    """State and reports of a training."""
    return trained(images)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_small_stacks_lose_detail_from_slice_to_slice(images, level):
    config = RankConfig(crop=32, procedural=0)
    stacks, rng = SmallStacks(images, config), np.random.default_rng(level)
    drawn = [stacks.draw(rng, level) for _ in range(8)]
    for stack in drawn:
        assert stack.slices.shape == (SLICES, 1, 32, 32)
        assert 0 <= stack.slices.min() <= stack.slices.max() <= 1
        assert stack.target.sum().item() == pytest.approx(1)
        assert stack.target.argmax() == 0
    sharpness = np.mean([stack.slices.diff(dim=-1).std(dim=(1, 2, 3)).numpy() for stack in drawn], axis=0)
    assert sharpness[0] > 1.2 * sharpness[-1]


def test_the_same_seed_draws_the_same_stacks(images):
    one, other = (SmallStacks(images, SMALL).draw(np.random.default_rng(3), 1) for _ in range(2))
    torch.testing.assert_close(one.slices, other.slices, rtol=0, atol=0)


@pytest.mark.slow
def test_training_finds_more_slices():
    """On smooth textures, where a network that is not trained does worse."""
    rng, smooth = np.random.default_rng(0), []
    for shape in ((40, 50), (90, 70)):
        texture = ndimage.gaussian_filter(rng.random(shape), 3)
        smooth.append(((texture - texture.min()) / np.ptp(texture)).astype(np.float32))
    config = RankConfig(steps=60, stacks=1, crop=24, validate_every=20, learning_rate=5e-3)
    state, reports = trained(smooth, config)
    untrained, _ = trained(smooth, replace(config, steps=1, validate_every=1, learning_rate=1e-9))
    assert state.log[-1].val_loss < state.log[0].val_loss < math.log(SLICES) + 0.5
    assert state.log[-1].val_loss < untrained.log[-1].val_loss - 0.02
    assert state.log[-1].val_found > 0.6
    assert [report.done for report in reports if report.state is not None] == [20, 40, 60]
    assert reports[-1].total == 60


def test_going_on_is_as_if_never_interrupted(images, done, tmp_path):
    whole, _ = done
    for report in iter_rank(images, images, SMALL):
        if report.state is not None:
            models.save_state(report.state, tmp_path)
            break
    half = models.load_state(tmp_path)
    assert half.step == 4
    torch.manual_seed(99)
    resumed, _ = trained(images, state=half)
    for mine, other in ((whole.encoder.state_dict(), resumed.encoder.state_dict()), (whole.best, resumed.best)):
        for name, value in mine.items():
            torch.testing.assert_close(value, other[name], rtol=0, atol=0)
    assert [entry._replace(seconds=0) for entry in whole.log] == [entry._replace(seconds=0) for entry in resumed.log]


def test_the_best_encoder_is_kept(done):
    state, _ = done
    best = min(state.log, key=lambda entry: entry.val_loss)
    assert best in state.log
    assert state.best.keys() == state.encoder.state_dict().keys()


def test_without_images_textures_are_computed():
    state, _ = trained([], RankConfig(steps=1, stacks=1, crop=16))
    assert math.isfinite(state.log[0].val_loss)


def test_a_loss_that_is_no_number_is_told(images):
    with pytest.raises(TrainingError, match="lower the learning rate"):
        trained(images, replace(SMALL, steps=40, learning_rate=1e30))


def test_reports_tell_pace_and_time_left(done):
    _, reports = done
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert all(report.per_second > 0 for report in reports[1:])
    # The best model is still to be scored, which takes as long as a validation.
    assert 0 < reports[-1].seconds_left < reports[1].seconds_left
    assert reports[-1].pace.endswith("steps/s, 0 s left")
    assert reports[-1].at == 8


def test_patience_ends_it(images):
    still = replace(SMALL, steps=400, validate_every=1, patience=2, learning_rate=1e-30)
    state, _ = trained(images, still)
    assert state.ended == "no improvement for 2 validations"
    assert state.since_best == 2
    assert state.kept == state.log[-3].step < 400


def test_a_time_budget_ends_it_between_two_validations(images):
    state, reports = trained(images, replace(SMALL, steps=4000, validate_every=4000, minutes=0.005))
    assert state.ended == "the 0.005 minutes are over"
    assert len(state.log) == 1
    assert 0 < state.step < 4000
    assert reports[-1].state is state
    assert state.best


def test_stop_validates_what_was_learnt(images):
    asked = []
    work = Returning(iter_rank(images, images, SMALL, stop=lambda: asked.append(1) or len(asked) > 2))
    list(work)
    assert (work.result.ended, [entry.step for entry in work.result.log]) == ("stopped", [2])
    first = Returning(iter_rank(images, images, SMALL, stop=lambda: True))
    list(first)
    assert (first.result.best, first.result.ended) == ({}, "stopped")


def test_what_stopped_goes_on_to_the_same_weights(images, done):
    """Also where it stopped between two validations; the log has an entry more."""
    whole, _ = done
    asked = []
    part = Returning(iter_rank(images, images, SMALL, stop=lambda: asked.append(1) or len(asked) > 6))
    list(part)
    resumed, _ = trained(images, state=part.result)
    for name, value in whole.encoder.state_dict().items():
        torch.testing.assert_close(value, resumed.encoder.state_dict()[name], rtol=0, atol=0)
    assert [entry.step for entry in resumed.log] == [4, 5, 8]


@pytest.mark.parametrize("variant", ["none", "cse"])
def test_a_model_to_start_from_is_kept_where_nothing_is_better(images, networks, variant):
    encoder = copy.deepcopy(networks[variant].encoder)
    idle = replace(SMALL, steps=2, validate_every=1, learning_rate=1e-30)
    state, reports = trained(images, idle, RankState(encoder, idle, origin="good"))
    assert reports[0].what == "validating the model to start from"
    assert state.kept == 0
    best = best_encoder(state)
    assert best.variant == variant
    for name, value in networks[variant].encoder.state_dict().items():
        torch.testing.assert_close(best.state_dict()[name], value, rtol=0, atol=0)
    assert state.start_loss == pytest.approx(ranking_scores(best, images, idle).loss, abs=1e-5)


def test_an_encoder_with_gates_gets_better(images, networks):
    gentle = replace(SMALL, steps=20, validate_every=20, learning_rate=5e-2)
    state, _ = trained(images, gentle, RankState(copy.deepcopy(networks["scse"].encoder), gentle, origin="x"))
    assert state.kept == 20
    assert state.best_loss < state.start_loss


def test_gates_are_shared_by_the_slices_of_a_stack(networks):
    """As fusion freezes them: one value a stack, whatever else is in the batch."""
    encoder, slices = networks["cse"].encoder, torch.rand(2 * SLICES, 1, 20, 20)
    with torch.no_grad():
        both = log_probabilities(encoder, slices, 2)
        for k in range(2):
            own = slices[k * SLICES : (k + 1) * SLICES]
            torch.testing.assert_close(both[k : k + 1], log_probabilities(encoder, own, 2), rtol=1e-4, atol=1e-5)
            means: list[torch.Tensor] = []
            for _ in range(encoder.depth):
                means.append(encoder.ungated(own, means).mean(dim=(0, 2, 3))[None])
            frozen = squared_sf(encoder(own, means), 2)[:, 0]
            torch.testing.assert_close(
                both[k], torch.log_softmax(3 * torch.log(frozen + 1e-6), 0), rtol=1e-4, atol=1e-4
            )


def test_an_example_shows_the_decision(images):
    state, _ = trained(images, replace(SMALL, steps=1))
    slices, picked = state.example
    assert slices.shape == (SLICES, 96, 96)
    assert picked.shape == (96, 96)
    assert set(np.unique(picked)) <= set(range(SLICES))
    sharpness = np.abs(np.diff(slices, axis=2)).mean(axis=(1, 2))
    assert sharpness[0] > sharpness[-1]


def test_images_of_one_value_are_left_out(images):
    flat = np.full((40, 40), 0.5, np.float32)
    with pytest.warns(FocusFuseWarning, match="of 3 training images 1 of one value are left out"):
        next(iter_rank([*images, flat], images, SMALL))
    with pytest.raises(TrainingError, match="all 1 training images are of one value"):
        next(iter_rank([flat], images, SMALL))


def test_other_settings_cannot_go_on(images):
    state, _ = trained(images, replace(SMALL, steps=1))
    for change in ({"steps": 2}, {"learning_rate": 1e-2}, {"seed": 5}):
        with pytest.raises(TrainingError, match="other settings"):
            next(iter_rank(images, images, replace(SMALL, **{"steps": 1, **change}), state))


def test_memory_that_does_not_suffice(images, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    monkeypatch.setattr("napari_focusfuse.core.training.encoder.log_probabilities", full)
    with pytest.raises(TrainingError, match="not enough memory for 1 stacks of 16 px"):
        trained(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"crop": 8}, "crop must be"),
        ({"stacks": 1.5}, "whole number"),
        ({"procedural": 2}, "procedural must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
        ({"patience": -1}, "patience must be"),
        ({"minutes": -1}, "minutes must be"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(FocusFuseError, match=message):
        RankConfig(**options)
