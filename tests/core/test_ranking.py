"""Training by focus ranking."""

import math

import numpy as np
import pytest
import torch

from napari_focusfuse.core.config import RankConfig
from napari_focusfuse.core.progress import Returning
from napari_focusfuse.core.ranking import _stacks, iter_rank
from napari_focusfuse.core.ranking._stacks import SLICES, SmallStacks
from napari_focusfuse.errors import FocusFuseError, TrainingError

SMALL = RankConfig(steps=12, stacks=1, crop=16, validate_every=4, learning_rate=5e-3)


@pytest.fixture(scope="module", autouse=True)
def _small_textures():
    """Computed textures of 256 px."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_stacks, "_SIDE", 256)
        _stacks._computed.cache_clear()
        yield
    _stacks._computed.cache_clear()


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [rng.random((40, 50)).astype(np.float32), rng.random((90, 70)).astype(np.float32)]


def trained(images, config=SMALL, state=None):
    steps = Returning(iter_rank(images, images, config, state))
    reports = list(steps)
    return steps.result, reports


@pytest.mark.parametrize("level", [0, 1, 2])
def test_small_stacks_lose_detail_from_slice_to_slice(images, level):
    config = RankConfig(crop=32, procedural=0)
    stacks, rng = SmallStacks(images, config), np.random.default_rng(level)
    drawn = [stacks.draw(rng, level) for _ in range(8)]
    for stack in drawn:
        assert stack.slices.shape == (SLICES, 1, 32, 32)
        assert 0 <= stack.slices.min() <= stack.slices.max() <= 1
        assert stack.wanted.sum().item() == pytest.approx(1)
        assert stack.wanted.argmax() == 0
    sharpness = np.mean([stack.slices.diff(dim=-1).std(dim=(1, 2, 3)).numpy() for stack in drawn], axis=0)
    assert sharpness[0] > 1.2 * sharpness[-1]


def test_the_same_seed_draws_the_same_stacks(images):
    one, other = (SmallStacks(images, SMALL).draw(np.random.default_rng(3), 1) for _ in range(2))
    torch.testing.assert_close(one.slices, other.slices, rtol=0, atol=0)


def test_training_finds_more_slices(images):
    """From chance to most of the pixels, on textures that it was not trained on."""
    state, reports = trained(images, RankConfig(steps=60, stacks=1, crop=24, validate_every=20, learning_rate=5e-3))
    assert state.log[-1].val_loss < state.log[0].val_loss < math.log(SLICES) + 0.5
    assert state.log[-1].val_found > 0.6
    assert [report.done for report in reports if report.state is not None] == [20, 40, 60]
    assert reports[-1].total == 60


def test_going_on_is_as_if_never_interrupted(images):
    whole, _ = trained(images)
    work = iter_rank(images, images, SMALL)
    half = next(report.state for report in work if report.state is not None)
    assert half.step == 4
    resumed, _ = trained(images, state=half)
    for name, value in whole.encoder.state_dict().items():
        torch.testing.assert_close(value, resumed.encoder.state_dict()[name], rtol=0, atol=0)
    assert whole.log == resumed.log


def test_the_best_encoder_is_kept(images):
    state, _ = trained(images)
    best = min(state.log, key=lambda entry: entry.val_loss)
    assert best in state.log
    assert state.best.keys() == state.encoder.state_dict().keys()


def test_without_images_textures_are_computed():
    state, _ = trained([], RankConfig(steps=1, stacks=1, crop=16))
    assert math.isfinite(state.log[0].val_loss)


def test_a_loss_that_is_no_number_is_told(images):
    with pytest.raises(TrainingError, match="lower the learning rate"):
        trained(images, RankConfig(steps=40, stacks=1, crop=16, learning_rate=1e30))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"crop": 8}, "crop must be"),
        ({"stacks": 1.5}, "whole number"),
        ({"procedural": 2}, "procedural must be"),
        ({"learning_rate": 0}, "learning_rate must be"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(FocusFuseError, match=message):
        RankConfig(**options)
